package manifests

import (
	"fmt"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// advice says what to do about services that nobody declares: which one may be meant. It is
// the one thing that depends on all names that there are, and so it keeps what it found.
type advice struct {
	nearest map[string]string // by the name that is missing: the declared one that comes nearest; "" for none
}

func newAdvice() *advice { return &advice{nearest: map[string]string{}} }

// maxAdvised is for how many missing names it is looked which one may be meant, the first by
// their places: each is held against all names that there are.
const maxAdvised = 100

// complete returns what was found as problems, sorted by place.
func (a *advice) complete(findings []finding, services map[string]*v1.Declared) []v1.Problem {
	slices.SortStableFunc(findings, func(a, b finding) int { return orderPlaces(a.Origin, b.Origin) })
	var problems []v1.Problem
	missing := map[string]string{}
	for _, f := range findings {
		if f.missing != "" {
			near, known := missing[f.missing]
			if !known && len(missing) < maxAdvised {
				near = a.near(f.missing, services)
				missing[f.missing] = near
			}
			f.Fix = "declare it: a Service without a spec leaves everything to the labels of its containers"
			if near != "" {
				f.Fix = fmt.Sprintf("did you mean %s? If not, %s", near, f.Fix)
			}
		}
		problems = append(problems, f.Problem)
	}
	a.nearest = missing
	return slices.Compact(sorted(problems))
}

// near returns the declared service that a missing one was probably meant to be, or "".
func (a *advice) near(missing string, services map[string]*v1.Declared) string {
	if near, known := a.nearest[missing]; known {
		return near
	}
	names := make([]string, 0, len(services))
	for name, service := range services {
		if isDeclared(service) {
			names = append(names, name)
		}
	}
	return v1.Nearest(missing, names)
}

// heed takes note of services that are declared from now on, and of those that no longer are.
func (a *advice) heed(came, gone []string) {
	for missing, near := range a.nearest {
		switch {
		case slices.Contains(gone, near):
			delete(a.nearest, missing) // the next one is looked for among all
		case near == "":
			a.nearest[missing] = v1.Nearest(missing, came)
		default:
			a.nearest[missing] = v1.Nearest(missing, append([]string{near}, came...))
		}
	}
}

// isDeclared reports whether there is a service that a manifest declares, and not only adds to.
func isDeclared(service *v1.Declared) bool { return service != nil && !service.Addition }
