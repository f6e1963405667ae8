package status

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// Expected returns everything as it will be once the gateways have taken what is desired:
// how far they are says nothing in it.
func (s *Store) Expected() Report {
	report := s.report(func(_ *Store, standing *desired.Standing) desired.Standing {
		return qualify(copied(standing))
	})
	report.near(report.Waiting)
	return report
}

// copied returns a standing whose verdicts are its own.
func copied(standing *desired.Standing) desired.Standing {
	out := *standing
	out.Instances, out.Routes = slices.Clone(standing.Instances), slices.Clone(standing.Routes)
	for i := range out.Instances {
		out.Instances[i].Verdicts = slices.Clone(out.Instances[i].Verdicts)
	}
	for i := range out.Routes {
		out.Routes[i].Verdicts = slices.Clone(out.Routes[i].Verdicts)
	}
	return out
}

// Wrong returns what is wrong with what was asked for, or holds for nothing: containers that
// are left out, plugins that wait, and what is wrong within the sources.
func (r *Report) Wrong() []v1.Problem {
	var out []v1.Problem
	for _, refused := range r.Refused {
		out = append(out, refused.Problems...)
	}
	out = append(out, r.Waiting...)
	for i := range r.Sources {
		out = append(out, r.Sources[i].Problems...)
	}
	return out
}

// Unserved returns all that is wrong with what was asked for, and why services are not
// served as asked on a gateway, each cause once.
func (r *Report) Unserved(gateway v1.Gateway) []v1.Problem {
	var out []v1.Problem
	for i := range r.Services {
		out = append(out, r.Services[i].unserved(gateway)...)
	}
	for _, problem := range r.Wrong() {
		if problem.Gateway == "" || problem.Gateway == gateway {
			out = append(out, problem)
		}
	}
	return out
}

// unserved returns why a service is not served as asked on a gateway. Routes without any
// container are one problem, of the service.
func (s *Service) unserved(gateway v1.Gateway) []v1.Problem {
	out, empty := slices.Clone(s.Problems), false
	for _, route := range s.Routes {
		verdict := verdictOn(gateway, route.Verdicts)
		vacant := len(s.Instances) == 0 && verdict.Reason == v1.Draining
		switch {
		case !verdict.Wanting() || vacant && empty:
		case vacant:
			empty = true
			out = append(out, verdict.Problem(v1.Key{Kind: v1.KindService, Name: s.Service}, s.Manifest))
		default:
			out = append(out, verdict.Problem(v1.Key{Kind: v1.KindRoute, Name: route.Name}, route.Origin))
		}
	}
	for _, instance := range s.Instances {
		verdict := verdictOn(gateway, instance.Verdicts)
		said := slices.ContainsFunc(out, func(p v1.Problem) bool { return strings.HasSuffix(p.Message, verdict.Message) })
		if (verdict.Reason == v1.NoPort || verdict.Reason == v1.NoSharedNetwork) && !said {
			at := instance.Origin
			if at.IsZero() {
				at = v1.Origin{Container: instance.Container}
			}
			out = append(out, verdict.Problem(v1.Key{Kind: v1.KindInstance, Name: instance.ID}, at))
		}
	}
	return out
}
