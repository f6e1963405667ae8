package v1

import "slices"

// Saying is a field that says more than its default.
type Saying struct {
	Field    *Field
	Value    Value
	Optional bool // a gateway may leave it out
}

// Says returns the service's own fields that say more than their defaults, in the
// order of the table; routes and plugins aside.
func (s *Service) Says() []Saying {
	return says(OfService, target{service: s}, s.Optional)
}

// Says returns the same of a route.
func (r *Route) Says() []Saying { return says(OfRoute, target{route: r}, r.Optional) }

func says(scope Scope, of target, optional []string) []Saying {
	var out []Saying
	for i := range rows {
		f := &rows[i]
		if f.Scope != scope {
			continue
		}
		if v := f.get(of); f.isSet(v) {
			out = append(out, Saying{Field: f, Value: v, Optional: slices.Contains(optional, f.Name)})
		}
	}
	return out
}
