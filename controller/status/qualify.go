package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// qualify says of an instance that it gets no traffic when none of its service's
// routes is served, and of a route that it answers 503 when no instance is ready.
// The standing's lists are its own already.
func qualify(s desired.Standing) desired.Standing {
	instances, routes := map[v1.Gateway]bool{}, map[v1.Gateway]bool{}
	for _, i := range s.Instances {
		note(instances, i.Verdicts)
	}
	for _, r := range s.Routes {
		note(routes, r.Verdicts)
	}
	for _, i := range s.Instances {
		for n, verdict := range i.Verdicts {
			if verdict.Reason == v1.Serving && !routes[cmp.Or(verdict.From, verdict.Gateway)] {
				i.Verdicts[n] = withoutRoute(verdict, s.Routes)
			}
		}
	}
	for _, r := range s.Routes {
		for n, verdict := range r.Verdicts {
			if verdict.Reason == v1.Serving && !instances[verdict.Gateway] {
				r.Verdicts[n] = withoutInstance(verdict, s, r.Stream())
			}
		}
	}
	return s
}

// note marks the gateways on which something is served.
func note(served map[v1.Gateway]bool, verdicts []desired.Verdict) {
	for _, verdict := range verdicts {
		served[verdict.Gateway] = served[verdict.Gateway] || verdict.Reason == v1.Serving
	}
}

// withoutRoute says why an instance that the gateway holds is not asked.
func withoutRoute(verdict desired.Verdict, routes []desired.RouteStanding) desired.Verdict {
	if len(routes) == 0 {
		verdict.Message = "no label says which requests its service gets, so it is reached only by what names its backend"
		return verdict
	}
	why := verdictOn(cmp.Or(verdict.From, verdict.Gateway), routes[0].Verdicts)
	verdict.Reason, verdict.Fix = why.Reason, why.Fix
	verdict.Message = "none of its service's routes is served here: " + why.Message
	if verdict.From != "" {
		verdict.Message = fmt.Sprintf("%s, from which alone it gets requests, serves none of its service's routes: %s", verdict.From, why.Message)
	}
	return verdict
}

// vacant begins why a route whose service has no instance answers as it does.
const vacant = ": its service has no "

// Select notes what became of the service's selector, which says more of routes without
// any instance than that there is none.
func (s *Service) Select(selection *desired.Selection) {
	s.Selection = selection
	if selection == nil || len(s.Instances) > 0 {
		return
	}
	for _, route := range s.Routes {
		for i := range route.Verdicts {
			verdict := &route.Verdicts[i]
			if does, _, is := strings.Cut(verdict.Message, vacant); is && verdict.Reason == v1.Draining {
				verdict.Message = does + ": " + selection.Say("that run")
				verdict.Fix = cmp.Or(selection.Advice(), verdict.Fix)
			}
		}
	}
}

// withoutInstance says why a route that the gateway holds answers 503, or closes
// the connections of a stream.
func withoutInstance(verdict desired.Verdict, s desired.Standing, stream bool) desired.Verdict {
	does := "it answers 503"
	if stream {
		does = "it closes connections"
	}
	verdict.Reason, verdict.Message = v1.Draining, does+vacant
	switch {
	case len(s.Instances) == 0 && s.DecidedBy != "":
		verdict.Message += "container left"
		verdict.Fix = "start one, or see what became of the last one, while Docker has it: lockstep explain " + s.DecidedBy
	case len(s.Instances) == 0 && s.Manifest.IsZero():
		verdict.Message += "container left"
	case len(s.Instances) == 0: // none that it has had is known
		verdict.Message += fmt.Sprintf("instance: its manifest (%s) names no endpoints, and no container joins it", s.Manifest)
		verdict.Fix = "name endpoints or a selector there, or start a container whose label names it as its service"
	default:
		why := verdictOn(verdict.Gateway, s.Instances[0].Verdicts)
		verdict.Reason, verdict.Fix = why.Reason, why.Fix
		verdict.Message = does + ": no instance is ready, " + s.Instances[0].Container + ": " + why.Message
	}
	return verdict
}

// distinct returns the gateway's problems by service, each cause once: what
// concerns all services comes first and is not said of each again.
func (g *gateway) distinct() []v1.Problem {
	common, said := map[string]bool{}, map[v1.Problem]bool{}
	var out []v1.Problem
	for _, problem := range g.problems[""] {
		if !common[problem.Message] {
			common[problem.Message] = true
			out = append(out, problem)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(g.problems)) {
		for _, problem := range g.problems[service] {
			if service != "" && !common[problem.Message] && !said[problem] { // a container may be in several services
				said[problem] = true
				out = append(out, problem)
			}
		}
	}
	return out
}
