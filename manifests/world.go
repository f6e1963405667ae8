package manifests

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// World is what all files declare together. It is immutable.
type World struct {
	// Services are by name; routes and plugins that are declared apart stand in them.
	// Those that are an Addition no manifest declares.
	Services map[string]*v1.Declared
	// Certificates, Sections, Listeners and Policies are sorted by name.
	Certificates []*Certificate
	Sections     []v1.Section
	Listeners    []v1.Listener
	// Entities are sorted by kind and name. In their bodies stand references to secrets.
	Entities []*v1.Entity
	Policies policy.Set
}

// The order of its lists, in which no two of one list are equal.
func orderCertificates(a, b *Certificate) int { return cmp.Compare(a.Name, b.Name) }
func orderSections(a, b v1.Section) int       { return cmp.Compare(a.Name, b.Name) }
func orderListeners(a, b v1.Listener) int     { return cmp.Compare(a.Name, b.Name) }
func orderPolicies(a, b *policy.Policy) int   { return cmp.Compare(a.Name, b.Name) }
func orderEntities(a, b *v1.Entity) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), orderPlaces(a.Origin, b.Origin))
}

// orderPlaces sorts by file, line and column.
func orderPlaces(a, b v1.Origin) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Commit, b.Commit))
}

// sort puts the lists in order.
func (w *World) sort() {
	slices.SortFunc(w.Certificates, orderCertificates)
	slices.SortFunc(w.Sections, orderSections)
	slices.SortFunc(w.Listeners, orderListeners)
	slices.SortFunc(w.Entities, orderEntities)
	slices.SortFunc(w.Policies, orderPolicies)
}

// add adds what an object declares, routes aside.
func (w *World) add(o *Object) {
	switch {
	case o.Service != nil:
		w.Services[o.Name] = o.Service
	case o.Certificate != nil:
		w.Certificates = append(w.Certificates, o.Certificate)
	case o.Section != nil:
		w.Sections = append(w.Sections, *o.Section)
	case o.Listener != nil:
		w.Listeners = append(w.Listeners, *o.Listener)
	case o.Policy != nil:
		w.Policies = append(w.Policies, o.Policy)
	}
	w.Entities = append(w.Entities, o.Entities...)
}

// addLists adds what stands in the lists of another one.
func (w *World) addLists(o *World) {
	w.Certificates = append(w.Certificates, o.Certificates...)
	w.Sections = append(w.Sections, o.Sections...)
	w.Listeners = append(w.Listeners, o.Listeners...)
	w.Entities = append(w.Entities, o.Entities...)
	w.Policies = append(w.Policies, o.Policies...)
}

// attach adds routes that are declared apart to copies of their services.
func (w *World) attach(routes []*Route) {
	changed := map[string]*v1.Declared{}
	for _, route := range routes {
		service := changed[route.Service]
		if service == nil {
			next := *w.Services[route.Service]
			next.Service.Routes, next.Fields, next.Places = slices.Clone(next.Service.Routes), slices.Clone(next.Fields), maps.Clone(next.Places)
			if next.Places == nil {
				next.Places = map[string]v1.Origin{}
			}
			service = &next
			changed[route.Service] = service
		}
		service.Service.Routes = append(service.Service.Routes, route.Route)
		service.Fields = append(service.Fields, route.Fields...)
		maps.Copy(service.Places, route.Places)
	}
	for _, service := range changed {
		slices.SortFunc(service.Service.Routes, func(a, b v1.Route) int { return strings.Compare(a.Name, b.Name) })
		slices.Sort(service.Fields)
	}
	maps.Copy(w.Services, changed)
}
