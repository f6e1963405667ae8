package status

import (
	"fmt"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// Goal is what somebody waits for.
type Goal string

// The goals.
const (
	// GoalServing: every gateway that is to serve it gives it traffic.
	GoalServing Goal = "serving"
	// GoalDrained: no gateway gives it anything new, and nothing that could be
	// counted is left of what it had begun.
	GoalDrained Goal = "drained"
)

// Reaches reports whether a container or service has come to a goal, and if not,
// what is missing; "" for nothing. Of a service, the instances that leave don't hold up that it is
// serving, as long as others are there.
func (e Explanation) Reaches(goal Goal) (reached bool, missing string) {
	switch {
	case len(e.Services) > 0:
	case len(e.Problems) == 0:
		return false, "nothing is known of it"
	case goal == GoalDrained && e.Problems[0].Reason != v1.Starting: // it does not count, and is not about to
		return true, ""
	default:
		return false, e.Problems[0].Error()
	}
	for i := range e.Services {
		s := &e.Services[i]
		missing := s.undrained
		if goal == GoalServing {
			missing = func() string { return s.unserving(s.Service == e.Subject) }
		}
		if why := missing(); why != "" {
			return false, why
		}
	}
	return true, ""
}

// unserving says what keeps the service's instances from traffic; "" for nothing.
// Where all of a service is meant, those that leave may.
func (s *Service) unserving(all bool) string {
	served, why := 0, ""
	for _, i := range s.Instances {
		missing, leaves := unserving(i, s)
		switch {
		case missing == "":
			served++
		case !all || !leaves:
			return i.Container + " on " + missing
		default:
			why = i.Container + " on " + missing
		}
	}
	switch {
	case served > 0:
		return ""
	case why != "":
		return why
	}
	if s.Selection != nil {
		return "service " + s.Service + " has no instances: " + s.Selection.Say("that run")
	}
	return "service " + s.Service + " has no instances"
}

// unserving says on which gateway an instance of the service gets no traffic, and why; leaves
// tells that it is on its way out.
func unserving(i desired.InstanceStanding, s *Service) (missing string, leaves bool) {
	wanted := 0
	for _, v := range i.Verdicts {
		if v.Reason == v1.NotEnabled {
			continue
		}
		wanted++
		switch {
		case v.Reason != v1.Serving:
			return sayMissing(v), v.Reason == v1.Draining
		case s.waits(v.Gateway):
			return string(v.Gateway) + ": not applied yet", false
		case !v.Accepted.IsZero():
			return sayMissing(v), false
		}
	}
	if wanted == 0 {
		return "any gateway: it is enabled on none", false
	}
	return "", false
}

// undrained says which gateway still has to do with an instance; "" for none.
func (s *Service) undrained() string {
	for _, i := range s.Instances {
		for _, v := range i.Verdicts {
			on := i.Container + " on " + string(v.Gateway)
			switch {
			case v.Reason == v1.Serving:
				return on + ": it gets traffic"
			case s.waits(v.Gateway):
				return on + ": the gateway does not know yet that it gets nothing more"
			case v.Reason == v1.GatewayRejected, v.Reason == v1.GatewayUnreachable, v.Reason == v1.GatewayUnwritable: // and what was there before stays
				return on + ": it may get traffic as before: " + sayMissing(v)
			case v.Uncounted != "":
				return on + ": how many sessions it has is not known: " + v.Uncounted
			case v.Sessions != nil && *v.Sessions > 0:
				return fmt.Sprintf("%s: %d sessions go on", on, *v.Sessions)
			}
		}
	}
	return ""
}

func sayMissing(v desired.Verdict) string {
	said := string(v.Gateway) + ": " + string(v.Reason)
	if v.Message != "" {
		said += ": " + v.Message
	}
	if v.Fix != "" {
		said += "; " + v.Fix
	}
	return said
}
