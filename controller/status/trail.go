package status

import (
	"cmp"
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/internal/instant"
)

// Follow takes over the trails of the instances that are explained, and goes on from
// there: whether each gateway has taken what was decided, and what it says itself. It comes
// after Service.Inspected.
func (e *Explanation) Follow(trails []desired.Trail) {
	for _, t := range trails {
		for i := range e.Services {
			s := &e.Services[i]
			for _, instance := range s.Instances {
				if s.Service == t.Service && instance.ID == t.ID {
					e.follow(&t, s, instance)
				}
			}
		}
		e.Decisions = append(e.Decisions, t)
	}
}

// follow adds what became of one instance on each gateway that it is to be served by.
func (e *Explanation) follow(t *desired.Trail, s *Service, instance desired.InstanceStanding) {
	for i := range e.gateways {
		g := &e.gateways[i]
		v := verdictOn(g.Name, instance.Verdicts)
		if v.Address == "" { // the gateway is told nothing of it
			continue
		}
		t.Add(g.took(s, v, t.Ends(g.Name)))
		if t.Ends(g.Name) {
			continue
		}
		if inspected, asked := s.inspections[g.Name]; asked {
			t.Add(inspected.step(g.Name, instance.ID, v))
		}
		if g.Verification != nil {
			t.Add(g.Verification.step(g.Name, v))
		}
	}
}

// took says whether the gateway holds what was decided of an instance. ends says that it
// was decided that it gets no traffic.
func (g *Gateway) took(s *Service, v desired.Verdict, ends bool) desired.Step {
	step := desired.Step{Name: desired.StepApplied, Gateway: g.Name, Result: desired.MarkOK, Message: "it holds what was decided"}
	if !g.Applied.IsZero() {
		step.Message += "; it was last brought up to date at " + instant.Text(g.Applied)
	}
	accepted := v.Reason == v1.Serving || v.Reason == v1.Starting && (!v.Accepted.IsZero() || s.waits(g.Name)) ||
		v.Reason == v1.Unhealthy // by what the gateway was asked
	switch {
	case !ends && !accepted:
		step.Result, step.Reason, step.Message, step.Fix = desired.MarkFailed, v.Reason, cmp.Or(v.Message, string(v.Reason)), v.Fix
	case s.waits(g.Name):
		step.Result, step.Reason, step.Message = desired.MarkOpen, v1.Starting, "it is being told"
		if g.Reason != v1.Serving {
			step.Reason, step.Message = g.Reason, cmp.Or(besides(g.Reason, g.Error), "it was not told yet")
		}
	}
	return step
}

// step says what the gateway itself says of an instance that it is to give traffic.
func (i inspection) step(gateway v1.Gateway, id string, v desired.Verdict) desired.Step {
	step := desired.Step{Name: desired.StepVerified, Gateway: gateway, Result: desired.MarkOK}
	if i.err != nil {
		step.Result, step.Reason, step.Message = desired.MarkOpen, v1.GatewayUnreachable, "it can't be asked now: "+i.err.Error()
		return step
	}
	live := i.known(id)
	switch up := strings.HasPrefix(live.State, "UP") || live.State == "no check"; {
	case live.Down != "":
		step.Result, step.Reason, step.Message, step.Fix = desired.MarkFailed, v.Reason, live.Down, live.Fix
	case live.State == "":
		step.Result, step.Reason, step.Message = desired.MarkOpen, v1.Starting, "it does not know of it yet"
	case !up:
		step.Result, step.Reason, step.Message = desired.MarkOpen, v1.Paused, fmt.Sprintf("it says %s, which was not asked for", live.State)
		step.Fix = fmt.Sprintf("see who set it so on %s itself", gateway)
	default:
		step.Message = fmt.Sprintf("it says itself: %s, with %d sessions", live.State, live.Sessions)
	}
	return step
}

// step says whether a gateway is known to serve what it accepted of an instance, of one
// that does so only a while after.
func (known *Verification) step(gateway v1.Gateway, v desired.Verdict) desired.Step {
	step := desired.Step{Name: desired.StepVerified, Gateway: gateway, Result: desired.MarkOK, Message: "its workers serve what it accepted"}
	switch {
	case known.Off:
		step.Result, step.Message = desired.MarkOpen, "nobody asks its workers whether they serve what it accepted"
		step.Fix = fmt.Sprintf("name its proxy: --%s-proxy-url", gateway)
	case !v.Accepted.IsZero():
		step.Result, step.Reason, step.Message, step.Fix = desired.MarkOpen, v1.Starting, v.Message, v.Fix
	}
	return step
}
