package desired

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/instant"
)

// traceGateway adds what was decided of a member of a service on one gateway.
func (b *Builder) traceGateway(t *Trail, s *service, m member, gateway v1.Gateway) {
	r := b.role(&s.settings, gateway)
	unwanted := b.unwanted(s, r, gateway)
	unwanted.Gateway = gateway
	t.addVerdict(StepWanted, unwanted, b.wantedBy(s, r, gateway))
	if !r.takesPart() {
		return
	}
	hop := cmp.Or(r.behind, gateway)
	b.traceAddress(t, m, gateway, hop)
	beyond := b.beyond(s, r, gateway)
	if beyond.Reason == "" {
		beyond = b.beyondInstance(s, m, hop)
	}
	beyond.Gateway = gateway
	fine := "it can reach and balance the instances as asked; each route, with its plugins, is judged below"
	if left := v1.LeftOutOfInstance(m.part, hop); len(left) > 0 {
		fine = servedWithout(left, hop)
	}
	t.addVerdict(StepExpressible, beyond, fine)
	b.traceRoutes(t, s, r, gateway)
	// What else was decided when the service was put together.
	if last := s.decidedOf(m.container.instance.ID, gateway); last.Reason != "" && last.Reason != v1.Serving && !t.decided(gateway, last.Reason) {
		t.addVerdict(StepShare, last, "")
	} else if share := s.shareOf(m.part.Version, gateway); share != "" {
		t.Add(Step{Name: StepShare, Gateway: gateway, Result: MarkOK, Message: share})
	}
}

// decided reports whether a step says already that there is no traffic, for this reason.
func (t *Trail) decided(gateway v1.Gateway, reason v1.Reason) bool {
	return slices.ContainsFunc(t.Steps, func(step Step) bool {
		return (step.Gateway == "" || step.Gateway == gateway) && step.Name != StepRoute && step.Reason == reason
	})
}

// wantedBy says why a gateway has to do with a service.
func (b *Builder) wantedBy(s *service, r role, gateway v1.Gateway) string {
	ways := join(b.ways(&s.settings))
	var by string
	switch {
	case len(s.settings.Gateways) > 0 && s.pin == nil && s.declared != nil && slices.Contains(s.declared.Fields, "gateways"):
		by = fmt.Sprintf("%s says gateways: %s", s.declared.Places["gateways"], ways)
	case len(s.settings.Gateways) > 0:
		by = fmt.Sprintf("its service says gateways=%s", ways)
	case s.settings.Protocol.Stream():
		by = fmt.Sprintf("services of protocol %s are %s's", s.settings.Protocol, gateway)
	case b.byDefault(&s.settings):
		by = fmt.Sprintf("its service names none, which means %s, for %s has no database and --haproxy-via-address says where it reaches %s", join(behind), v1.Kong, v1.HAProxy)
		if why := b.detour(s); why != "" {
			by += "; but each on its own, as " + why
		}
	case len(b.options.Ways) > 0:
		by = fmt.Sprintf("its service names none, for which --gateways says %s", ways)
	default:
		by = "its service names none, which means each on its own"
	}
	switch {
	case r.behind != "":
		by += fmt.Sprintf("; it takes the requests and hands them on to %s", r.behind)
	case r.handing && b.memory.Ports.Get(s.name).Freed.IsZero():
		by += fmt.Sprintf("; it listens for %s before that sends anything there", v1.Kong)
	case r.handing:
		by += fmt.Sprintf("; it listens for %s until that sends nothing there any more", v1.Kong)
	case r.port && !r.routes:
		by += fmt.Sprintf("; it gets them from %s", v1.Kong)
	}
	return by
}

// traceAddress adds where a gateway, or the one behind it, reaches the instance, and why there.
func (b *Builder) traceAddress(t *Trail, m member, gateway, hop v1.Gateway) {
	at := locate(m, b.attachments[hop], b.options)
	if at.reason == v1.NoPort { // was said of every gateway
		return
	}
	verdict := Verdict{Gateway: gateway, Reason: at.reason, Message: at.message, Fix: at.fix}
	message := ""
	if at.reason == "" {
		message = at.address.String()
		if why := b.chosen(m, at, b.attachments[hop]); why != "" {
			message += ", " + why
		}
		if hop != gateway {
			message += fmt.Sprintf(", by way of %s", hop)
		}
	}
	t.addVerdict(StepAddress, verdict, message)
}

// chosen says why an address was taken, and which other networks there were.
func (b *Builder) chosen(m member, at reach, attachment snapshot.Attachment) string {
	instance := m.container.instance
	taken, on := strings.CutPrefix(at.how, "network ")
	if m.container.address.IsValid() {
		return "as declared"
	}
	if !on {
		return "on " + at.how
	}
	why := "over the bridge network " + taken + ", which the host reaches"
	switch {
	case m.part.Network != "":
		why = "on " + at.how + ", which " + m.setBy(b.options.Grammar, "network") + " names"
	case slices.Contains(attachment.Networks, taken):
		why = fmt.Sprintf("on %s, the first of the gateway's (%s)", at.how, gatewayNetworks(attachment))
	}
	var others []string
	for _, n := range instance.Networks {
		if n.Name != taken {
			others = append(others, n.Name)
		}
	}
	if len(others) > 0 {
		why += "; it is on " + named(others) + " as well"
	}
	return why
}

// traceRoutes adds, for each route, whether the service got it on a gateway, from whom or
// to whom.
func (b *Builder) traceRoutes(t *Trail, s *service, r role, gateway v1.Gateway) {
	fine := Step{Name: StepRoute, Gateway: gateway, Result: MarkOK}
	switch {
	case r.instances && !r.routes:
		fine.Message = fmt.Sprintf("none of its own: %s holds the service's routes", v1.Kong)
		t.Add(fine)
		return
	case len(s.settings.Routes) == 0:
		fine.Message = "none: nothing says which requests its service gets (hosts, paths), so it is reached by what names its backend alone"
		t.Add(fine)
		return
	}
	for i := range s.settings.Routes {
		route := &s.settings.Routes[i]
		v := b.judge(s, r, gateway, route)
		message := route.Name
		if rivals := b.claims.beaten(s.name, gateway, route.Name); rivals != "" {
			message += ", before " + rivals
		}
		if v.Message != "" {
			message = route.Name + ": " + v.Message
		}
		if v.Reason == v1.Conflict {
			if why := b.claims.lostBecause(s.name, gateway, route.Name); why != "" {
				message += " and goes before it: " + why
			}
		}
		v.Message = message
		t.addVerdict(StepRoute, v, "")
	}
}

// beaten names the routes that a route holds its match against, and why; "" for none.
func (c *claims) beaten(service string, gateway v1.Gateway, route string) string {
	winner := c.claimant(service, gateway, route)
	if winner == nil {
		return ""
	}
	var said []string
	for _, match := range winner.matches {
		for _, other := range slices.Concat(c.byMatch[match], c.byUnder[match]) {
			if other.lostTo == route && other != winner {
				said = append(said, fmt.Sprintf("%s (%s)", other.route, because(winner, other)))
			}
		}
	}
	slices.Sort(said)
	return named(slices.Compact(said))
}

// lostBecause says why the holder of a match goes before a route that wants it; "" where
// it has lost nothing.
func (c *claims) lostBecause(service string, gateway v1.Gateway, route string) string {
	loser := c.claimant(service, gateway, route)
	if loser == nil || loser.lostTo == "" {
		return ""
	}
	for _, match := range slices.Concat(loser.matches, loser.under) {
		for _, other := range slices.Concat(c.byMatch[match], c.byUnder[match]) {
			if other.route == loser.lostTo && other.gateway == gateway {
				return because(other, loser)
			}
		}
	}
	return ""
}

// because says what puts one claimant before another.
func because(winner, loser *claimant) string {
	w, l := winner.rank, loser.rank
	switch {
	case order(winner, loser) > 0: // the other one lost something else first
		return "the other can't have all of its matches, and so holds none"
	case w.priority != l.priority:
		return fmt.Sprintf("its priority is higher, %d and not %d", w.priority, l.priority)
	case w.live != l.live:
		return "the other's service has no container left"
	case winner.holds != loser.holds:
		return "it had the match before"
	case !w.oldest.Equal(l.oldest):
		return fmt.Sprintf("its service is older, of %s and not of %s", sayTime(w.oldest), sayTime(l.oldest))
	}
	return "nothing else tells them apart, and its name comes first"
}

func sayTime(at time.Time) string {
	if at.IsZero() {
		return "no container's time"
	}
	return instant.Text(at)
}

// shareOf says what a version gets of the service's traffic on a gateway; "" where
// versions don't share it.
func (s *service) shareOf(version string, gateway v1.Gateway) string {
	if s.standing == nil || s.standing.Rollout == nil {
		return ""
	}
	for _, v := range s.standing.Rollout.Versions {
		for _, share := range v.Shares {
			if v.Version == version && share.Gateway == gateway {
				return fmt.Sprintf("its %s gets %.4g %% of the service's traffic, on %d ready", SayVersion(version), share.Share, share.Ready)
			}
		}
	}
	return ""
}
