package status

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// waits returns what waits for a service or route that there is not, sorted by service,
// with the nearest name that there is.
func (s *Store) waits() []v1.Problem {
	var out []v1.Problem
	for _, name := range slices.Sorted(maps.Keys(s.waiting)) {
		for _, problem := range s.waiting[name] {
			if near := v1.Nearest(problem.Object.Name, s.named(problem.Object.Kind)); near != "" {
				problem.Fix = fmt.Sprintf("did you mean %s? If not, %s", near, problem.Fix)
			}
			out = append(out, problem)
		}
	}
	return out
}

// named returns the names of all services, or of all routes, sorted.
func (s *Store) named(kind v1.Kind) []string {
	services := slices.Sorted(maps.Keys(s.standings))
	if kind != v1.KindRoute {
		return services
	}
	var routes []string
	for _, name := range services {
		for i := range s.standings[name].Routes {
			routes = append(routes, s.standings[name].Routes[i].Name)
		}
	}
	return routes
}
