package desired

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// await tells which plugins of manifests wait for the service, or for one of its routes,
// as nobody makes these yet: perhaps their names are mistyped, and then what they are to
// protect is open.
func (b *Builder) await(s *service, result *Result) {
	waiting := s.awaited()
	if slices.Equal(s.waiting, waiting) {
		return
	}
	s.waiting = waiting
	result.Waiting[s.name] = waiting
}

// awaited returns a problem for each of these plugins, sorted by what it is on and by name.
func (s *service) awaited() []v1.Problem {
	if s.declared == nil {
		return nil
	}
	var out []v1.Problem
	if !s.there() {
		for i := range s.declared.Service.Plugins {
			out = append(out, s.awaits(v1.Key{Kind: v1.KindService, Name: s.name}, &s.declared.Service.Plugins[i]))
		}
	}
	for _, route := range slices.Sorted(maps.Keys(s.declared.OnRoutes)) {
		if s.there() && slices.ContainsFunc(s.asked.Routes, func(r v1.Route) bool { return r.Name == route }) {
			continue
		}
		for i := range s.declared.OnRoutes[route] {
			out = append(out, s.awaits(v1.Key{Kind: v1.KindRoute, Name: route}, &s.declared.OnRoutes[route][i]))
		}
	}
	return out
}

// awaits says that a plugin waits for what it is on.
func (s *service) awaits(on v1.Key, p *v1.Plugin) v1.Problem {
	problem := v1.Problem{
		Reason: v1.NotRunning, Object: on, Origin: p.Origin,
		Message: fmt.Sprintf("no container and no manifest declares the %s %q, so the plugin %s holds for nothing", on.Kind, on.Name, p.Name),
		Fix:     "correct the name, or start a container that makes it",
	}
	if s.there() { // without that route
		problem.Reason, problem.Fix = v1.InvalidManifest, "correct the name of the route"
		if s.declared.Alone {
			problem.Fix += ", or declare it: labels make no routes of a service with override: forbid"
		}
	}
	return problem
}
