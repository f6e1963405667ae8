package v1

import (
	"iter"
	"slices"
)

// Saying is a field that says more than its default.
type Saying struct {
	Field    *Field
	Value    Value
	Optional bool // a gateway may leave it out
}

// Says returns the service's own fields that say more than their defaults, in the
// order of the table; routes and plugins aside.
func (s *Service) Says() []Saying {
	return says(OfService, &DeclaredService{Service: *s}, nil, s.Optional)
}

// Says returns the same of a route.
func (r *Route) Says() []Saying { return says(OfRoute, &DeclaredService{}, r, r.Optional) }

func says(scope Scope, s *DeclaredService, r *Route, optional []string) []Saying {
	var out []Saying
	for f, v := range said(scope, s, r) {
		out = append(out, Saying{Field: f, Value: v, Optional: slices.Contains(optional, f.Name)})
	}
	return out
}

// said goes through the fields of a scope that say more than their defaults, in the
// order of the table.
func said(scope Scope, s *DeclaredService, r *Route) iter.Seq2[*Field, Value] {
	return func(yield func(*Field, Value) bool) {
		for i := range rows {
			f := &rows[i]
			if f.Scope != scope {
				continue
			}
			if v := f.get(s, r); f.isSet(v) && !yield(f, v) {
				return
			}
		}
	}
}
