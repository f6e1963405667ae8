package status

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// waits returns what waits for a service or route that there is not, sorted by service.
func (s *Store) waits() []v1.Problem {
	var out []v1.Problem
	for _, name := range slices.Sorted(maps.Keys(s.waiting)) {
		out = append(out, s.waiting[name]...)
	}
	return out
}

// maxNear is of how many things that wait it is said what may be meant instead: each is held
// against all names that there are.
const maxNear = 16

// near adds to the first of some things that wait the nearest name that there is. It comes after
// the store's lock was left, for it takes long where there is much.
func (r *Report) near(waiting []v1.Problem) {
	for i := range waiting[:min(len(waiting), maxNear)] {
		problem := &waiting[i]
		if near := v1.Nearest(problem.Object.Name, r.named(problem.Object.Kind)); near != "" {
			problem.Fix = fmt.Sprintf("did you mean %s? If not, %s", near, problem.Fix)
		}
	}
}

// named returns the names of all services, or of all routes.
func (r *Report) named(kind v1.Kind) []string {
	var names []string
	for i := range r.Services {
		if kind != v1.KindRoute {
			names = append(names, r.Services[i].Service)
			continue
		}
		for n := range r.Services[i].Routes {
			names = append(names, r.Services[i].Routes[n].Name)
		}
	}
	return names
}
