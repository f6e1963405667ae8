package desired

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// idLength is how much of a container's id names its endpoint; Docker itself
// shows as much.
const (
	idLength = 12
	maxID    = 64 // all of an id, and the most that an endpoint's may have
)

// assemble puts a service together for each gateway, with the account of it,
// and adds to the result what differs from before.
func (b *Builder) assemble(name string, result *Result) {
	s, ok := b.services[name]
	if !ok {
		return
	}
	if !s.there() {
		b.dissolve(s, result)
		return
	}
	standing := &Standing{Service: name, DecidedBy: s.labels.Origin.Container, Pinned: newPinStanding(s.pin), Problems: s.problems}
	if s.rooted() {
		standing.Manifest = s.declared.Service.Origin
	}
	if s.declared != nil && s.pin == nil { // else somebody else decides all of them
		standing.Decisions = s.declared.Decisions(s.labels)
	}
	if !s.until.IsZero() {
		until := s.until
		standing.Until = &until
	}
	members := slices.Concat(slices.Collect(maps.Values(s.members)), s.static)
	slices.SortFunc(members, func(x, y member) int {
		return cmp.Or(
			cmp.Compare(x.container.instance.Name, y.container.instance.Name),
			cmp.Compare(x.container.instance.ID, y.container.instance.ID))
	})
	for _, m := range members {
		standing.Instances = append(standing.Instances, InstanceStanding{
			ID: m.container.instance.ID, Container: m.container.instance.Name, Version: m.part.Version, Weight: m.part.Weight,
			Origin: m.container.origin,
		})
	}
	standing.Rollout = newRolloutStanding(s, members)
	for _, route := range s.settings.Routes {
		standing.Routes = append(standing.Routes, RouteStanding{Route: route.Shown()})
	}
	for _, gateway := range b.options.Gateways {
		b.offer(s, gateway, members, standing, result)
	}
	if !reflect.DeepEqual(s.standing, standing) {
		s.standing = standing
		result.Standings[name] = standing
	}
}

// dissolve takes a service away that has neither instances nor grace, and that no
// manifest declares.
func (b *Builder) dissolve(s *service, result *Result) {
	for gateway := range s.sets {
		s.hand(gateway, nil, result)
	}
	if s.standing != nil {
		result.Standings[s.name], s.standing = nil, nil
	}
	if s.said == nil { // else a plugin waits for it
		delete(b.services, s.name)
	}
}

// offer makes the service as one gateway should hold it.
func (b *Builder) offer(s *service, gateway v1.Gateway, members []member, standing *Standing, result *Result) {
	r := b.role(&s.settings, gateway)
	if absent := b.without(s, r, gateway); absent.Reason != "" {
		b.withhold(s, absent, standing, result)
		return
	}
	offered := v1.ExpressibleService(s.settings, gateway)
	offered.Routes, offered.Endpoints, offered.Rollout = nil, nil, v1.Rollout{}
	for i, route := range s.settings.Routes {
		verdict := b.judge(s, r, gateway, route)
		if verdict.Reason == v1.Serving {
			offered.Routes = append(offered.Routes, b.expressible(r, gateway, route))
		}
		standing.Routes[i].Verdicts = append(standing.Routes[i].Verdicts, verdict)
	}
	b.chained(&offered, r)
	length, at := distinct(members), []int{}
	for i, m := range members {
		if r.behind != "" {
			_, verdict := b.place(m, r.behind)
			standing.Instances[i].Verdicts = append(standing.Instances[i].Verdicts, b.through(verdict, gateway, &offered))
			continue
		}
		endpoint, verdict := b.place(m, gateway)
		if endpoint != nil {
			endpoint.ID = endpoint.ID[:min(length, len(endpoint.ID))]
			offered.Endpoints = append(offered.Endpoints, *endpoint)
			at = append(at, i)
		}
		if r.port && !r.routes {
			verdict.From = v1.Kong
		}
		standing.Instances[i].Verdicts = append(standing.Instances[i].Verdicts, verdict)
	}
	set := v1.Set{offered.Name: &offered}
	if r.behind == "" { // what is behind is another service's, and immutable
		needs := b.needs(s, gateway)
		for _, picked := range b.versions(s, gateway, &offered, at, needs, standing) {
			set[picked.Name] = picked
		}
		b.share(s, gateway, offered.Endpoints, at, standing)
		offered.Routes = append(offered.Routes, b.raised(s, gateway, needs)...)
		for _, made := range set {
			slices.SortFunc(made.Endpoints, func(x, y v1.Endpoint) int { return cmp.Compare(x.ID, y.ID) })
		}
	}
	s.hand(gateway, set, result)
}

// hand notes what a gateway should hold of the service from now on, as far as that
// is new; nil for nothing.
func (s *service) hand(gateway v1.Gateway, set v1.Set, result *Result) {
	before := s.sets[gateway]
	for name := range before {
		if set[name] == nil {
			result.set(gateway, name, nil)
		}
	}
	for name, made := range set {
		if !reflect.DeepEqual(before[name], made) {
			result.set(gateway, name, made)
		}
	}
	if s.sets[gateway] = set; set == nil {
		delete(s.sets, gateway)
	}
}

// without says why a gateway does not hold a service at all; its reason is ""
// where it does.
func (b *Builder) without(s *service, r role, gateway v1.Gateway) Verdict {
	if why := s.withheld(); why != nil {
		return Verdict{Gateway: gateway, Reason: why.Reason, Message: why.Message, Fix: why.Fix}
	}
	if unwanted := b.unwanted(s, r, gateway); unwanted.Reason != "" {
		return unwanted
	}
	return b.beyond(s, r, gateway)
}

// unwanted says that a service does not want the gateway; its reason is "" where it does.
func (b *Builder) unwanted(s *service, r role, gateway v1.Gateway) Verdict {
	if r.takesPart() {
		return Verdict{}
	}
	who := "its service"
	if len(s.settings.Gateways) == 0 {
		if s.settings.Protocol.Stream() {
			return Verdict{Gateway: gateway, Reason: v1.NotEnabled, Message: fmt.Sprintf("services of protocol %s are %s's, unless they name other gateways", s.settings.Protocol, v1.HAProxy),
				Fix: fmt.Sprintf("add %s to the label %s", gateway, b.label("gateways"))}
		}
		who = "its service names none, for which the flag --gateways"
	}
	return Verdict{Gateway: gateway, Reason: v1.NotEnabled,
		Message: fmt.Sprintf("%s names other gateways: %s", who, join(b.ways(&s.settings))),
		Fix:     fmt.Sprintf("add %s to the label %s", gateway, b.label("gateways"))}
}

// beyond says what of a service as a whole a gateway can't do; its reason is "" when
// nothing stands in the way. How instances are balanced is the business of the gateway that
// reaches them.
func (b *Builder) beyond(s *service, r role, gateway v1.Gateway) Verdict {
	fields := v1.InexpressibleOfService(s.settings, gateway)
	if len(fields) == 0 || !r.instances {
		return b.unusable(s, gateway)
	}
	return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
		Message: fmt.Sprintf("%s can't express %s of its service", gateway, strings.Join(fields, ", ")),
		Fix:     markOptional + " to serve the service without it, or name only the other gateway in the label " + b.label("gateways")}
}

// withhold says of all of a service that a gateway does nothing for it.
func (b *Builder) withhold(s *service, absent Verdict, standing *Standing, result *Result) {
	for i := range standing.Instances {
		standing.Instances[i].Verdicts = append(standing.Instances[i].Verdicts, absent)
	}
	for i := range standing.Routes {
		standing.Routes[i].Verdicts = append(standing.Routes[i].Verdicts, absent)
	}
	s.hand(absent.Gateway, nil, result)
}

// inexpressible returns the fields for whose sake a gateway does not serve a
// route. What stands before Kong need not express what Kong asks for: every request
// passes Kong, so only what is left to match by must be something.
func (b *Builder) inexpressible(s *service, r role, gateway v1.Gateway, route v1.Route) []string {
	if r.behind == v1.Kong {
		plain := b.expressible(r, gateway, route)
		return v1.Inexpressible(plain, gateway, nil)
	}
	return v1.Inexpressible(route, gateway, s.settings.Plugins)
}

// expressible returns a route as a gateway serves it. What hands requests on to
// Kong leaves path and Host as they came, for Kong's own route to find.
func (b *Builder) expressible(r role, gateway v1.Gateway, route v1.Route) v1.Route {
	out := v1.Expressible(route, gateway)
	out.Hosts = b.allowed(r, out)
	if r.behind == v1.Kong {
		out.Plugins, out.StripPath, out.PreserveHost = nil, false, true
	}
	return out
}

// judge says whether a gateway serves a route.
func (b *Builder) judge(s *service, r role, gateway v1.Gateway, route v1.Route) Verdict {
	if !r.routes {
		return Verdict{Gateway: gateway, Reason: v1.NotEnabled,
			Message: fmt.Sprintf("its requests come through %s alone (%s)", v1.Kong, v1.KongHAProxy),
			Fix:     fmt.Sprintf("add %s to the label %s to let it take them as well", gateway, b.label("gateways"))}
	}
	if !route.Fits(s.settings.Protocol) {
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: fmt.Sprintf("its service has the protocol %s, to which its match does not fit", s.settings.Protocol),
			Fix:     "match by listen where the protocol is tcp, by snis where it is tls_passthrough, by hosts or paths where it is http"}
	}
	if r.behind == v1.Kong { // what Kong does not take would reach whatever else it serves
		behind := b.role(&s.settings, v1.Kong)
		refused := b.without(s, behind, v1.Kong)
		if refused.Reason == "" {
			refused = b.judge(s, behind, v1.Kong, route)
		}
		if refused.Reason != v1.Serving {
			refused.Gateway, refused.Through = gateway, v1.Kong
			return refused
		}
	}
	if fields := b.inexpressible(s, r, gateway, route); len(fields) > 0 {
		return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
			Message: fmt.Sprintf("%s can't express %s, and without it the route would be more open than asked", gateway, strings.Join(fields, ", ")),
			Fix:     leaveOut(fields, slices.Concat(s.settings.Plugins, route.Plugins)) + " to serve the route without it, or name only the other gateway in the label " + b.label("gateways")}
	}
	if verdict := b.confined(r, gateway, route); verdict.Reason != "" {
		return verdict
	}
	if holder, byName := b.claims.lost(s.name, gateway, route.Name); holder != "" {
		return Verdict{Gateway: gateway, Reason: v1.Conflict,
			Message: held(route, holder, byName),
			Fix:     "change " + claimed(route) + " of one of them, give the one that shall win a higher priority" + b.merged(byName)}
	}
	verdict := Verdict{Gateway: gateway, Reason: v1.Serving, Through: r.behind, Message: servedWithout(leftOut(s, r, gateway, route), gateway)}
	b.tellConfined(&verdict, r, route)
	return verdict
}

// held says what the holder of its match has of a route.
func held(route v1.Route, holder string, byName bool) string {
	switch {
	case byName && route.Stream():
		return fmt.Sprintf("the route %s takes requests for one of its names (hosts)", holder)
	case byName:
		return fmt.Sprintf("the route %s takes TLS connections to one of its hosts as they are (snis)", holder)
	}
	return fmt.Sprintf("the route %s holds the same match", holder)
}

// merged is one more way out of a conflict, but between HTTP and what is none.
func (b *Builder) merged(byName bool) string {
	if byName {
		return ""
	}
	return ", or make both one service with the label " + b.label("service")
}

// claimed names the fields that most of a route's claims are made of.
func claimed(route v1.Route) string {
	switch {
	case len(route.Listen) > 0:
		return "the port (listen)"
	case len(route.SNIs) > 0:
		return "the names (snis)"
	}
	return "hosts or paths"
}

// distinct returns how much of their ids tells the members of a service apart:
// all of it, where two begin alike.
func distinct(members []member) int {
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		id := m.container.instance.ID
		short := id[:min(idLength, len(id))]
		if seen[short] {
			return maxID
		}
		seen[short] = true
	}
	return idLength
}

// place says where, if at all, an instance gets traffic from a gateway. The
// endpoint bears the container's whole id.
func (b *Builder) place(m member, gateway v1.Gateway) (*v1.Endpoint, Verdict) {
	instance := m.container.instance
	at := locate(m, b.attachments[gateway], b.options)
	if at.reason != "" {
		return nil, Verdict{Gateway: gateway, Reason: at.reason, Message: at.message, Fix: at.fix}
	}
	if beyond := b.beyondInstance(m, gateway); beyond.Reason != "" {
		return nil, beyond
	}
	part := v1.ExpressibleInstance(*m.part, gateway)
	verdict := Verdict{Gateway: gateway, Reason: m.container.reason, Message: m.container.message, Fix: m.container.fix,
		Address: at.address.String(), How: at.how}
	if verdict.Reason == v1.Serving && verdict.Message == "" {
		verdict.Message = servedWithout(v1.LeftOutOfInstance(*m.part, gateway), gateway)
	}
	if m.container.life == LifeStarting {
		return nil, verdict
	}
	until := m.container.drains.until(m.part.Drain)
	if !until.IsZero() {
		verdict.Message += ", its sessions may go on until " + until.Format(time.DateTime+" MST")
	}
	return &v1.Endpoint{
		ID:         instance.ID,
		Instance:   instance.Name,
		Address:    at.address,
		Weight:     part.Weight,
		Draining:   m.container.life == LifeDraining,
		DrainUntil: until,
		MaxConn:    part.MaxConn,
		Backup:     part.Backup,
		Origin:     cmp.Or(m.container.origin, v1.Origin{Container: instance.Name}),
	}, verdict
}

// beyondInstance says what of an instance's own fields a gateway can't do; its reason is ""
// when it can do all.
func (b *Builder) beyondInstance(m member, gateway v1.Gateway) Verdict {
	fields := v1.InexpressibleOfInstance(*m.part, gateway)
	if len(fields) == 0 {
		return Verdict{}
	}
	return Verdict{Gateway: gateway, Reason: v1.NotExpressible,
		Message: fmt.Sprintf("%s can't express its %s", gateway, strings.Join(fields, ", ")),
		Fix:     markOptional + " to have it served without, or name only the other gateway in the label " + b.label("gateways")}
}

// set notes a changed service of one gateway.
func (r *Result) set(gateway v1.Gateway, name string, s *v1.Service) {
	if r.Sets[gateway] == nil {
		r.Sets[gateway] = v1.Set{}
	}
	r.Sets[gateway][name] = s
}

// label names the label of a field, for advice.
func (b *Builder) label(field string) string { return b.options.Grammar.Prefix + field }

func join(ways []v1.Way) string {
	names := make([]string, len(ways))
	for i, way := range ways {
		names[i] = string(way)
	}
	return strings.Join(names, ", ")
}
