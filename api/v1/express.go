package v1

import (
	"maps"
	"slices"
)

// Inexpressible returns the names of the route's fields that are set, that the
// gateway can't express and that are not marked optional, sorted. A route with
// any of them is not served there at all: without the field it would be more
// open than asked. When nothing would be left to match by, the optional
// fields count too, for a route without a match would take every request. The
// plugins of its service count as the route's own: service are these.
func Inexpressible(r Route, g Gateway, service []Plugin) []string {
	names := append(inexpressible(service, g), inexpressible(r.Plugins, g)...)
	own, given, open := lacking(OfRoute, &DeclaredService{}, &r, g, r.Optional)
	names = append(names, own...)
	if open {
		names = append(names, given...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// InexpressibleOfService returns the same of the service's own fields, which are
// not those of its routes and plugins. A service with any of them is not served
// there at all.
func InexpressibleOfService(s Service, g Gateway) []string {
	names, _, _ := lacking(OfService, &DeclaredService{Service: s}, nil, g, s.Optional)
	slices.Sort(names)
	return names
}

// InexpressibleOfInstance returns the same of one container's own fields. It
// gets no traffic there.
func InexpressibleOfInstance(d DeclaredService, g Gateway) []string {
	names, _, _ := lacking(OfInstance, &d, nil, g, d.Optional)
	slices.Sort(names)
	return names
}

// lacking looks through the fields of a scope for those that are set and that the
// gateway can't express, or only in part: names are those that are not
// optional, given those that are. open says that no match is left.
func lacking(scope Scope, s *DeclaredService, r *Route, g Gateway, optional []string) (names, given []string, open bool) {
	open = true
	for f, value := range said(scope, s, r) {
		kept := f.keep(&s.Service, value, g)
		if f.Match && f.isSet(kept) {
			open = false
		}
		switch {
		case f.Rendering(g).whole() || f.same(value, kept):
		case slices.Contains(optional, f.Name):
			given = append(given, f.Name)
		default:
			names = append(names, f.Name)
		}
	}
	return names, given, open
}

// LeftOut returns what the gateway leaves out of a route that it serves: fields by
// name, the values that it can't express where it takes the others ("paths=~/(a+)+b"),
// and plugins, those of its service among them; sorted.
func LeftOut(r Route, g Gateway, service []Plugin) []string {
	out := leftOut(OfRoute, &DeclaredService{}, &r, g)
	for _, p := range slices.Concat(service, r.Plugins) {
		if p.Enabled && len(ExpressiblePlugins([]Plugin{p}, g)) == 0 {
			out = append(out, wordPlugins+"."+p.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// LeftOutOfService returns the same of the service's own fields.
func LeftOutOfService(s Service, g Gateway) []string {
	return leftOut(OfService, &DeclaredService{Service: s}, nil, g)
}

// LeftOutOfInstance returns the same of one container's own fields.
func LeftOutOfInstance(d DeclaredService, g Gateway) []string {
	return leftOut(OfInstance, &d, nil, g)
}

// leftOut looks through the fields of a scope for what cut takes away, sorted.
func leftOut(scope Scope, s *DeclaredService, r *Route, g Gateway) []string {
	var out []string
	for f, value := range said(scope, s, r) {
		kept := f.keep(&s.Service, value, g)
		if f.same(value, kept) {
			continue
		}
		if f.Type != List || len(kept.List) == 0 {
			out = append(out, f.Name)
			continue
		}
		for _, item := range value.List {
			if !slices.Contains(kept.List, item) {
				out = append(out, f.Name+"="+item)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Expressible returns the route as the gateway can serve it: what it can't
// express is left out. Only for a route of which nothing is Inexpressible is
// the result what the user asked for. The route itself is not changed.
func Expressible(r Route, g Gateway) Route {
	cut(OfRoute, &DeclaredService{}, &r, g)
	r.Plugins = ExpressiblePlugins(r.Plugins, g)
	return r
}

// ExpressibleService returns the same of a service, whose routes are left as they are.
func ExpressibleService(s Service, g Gateway) Service {
	d := DeclaredService{Service: s}
	cut(OfService, &d, nil, g)
	d.Service.Plugins = ExpressiblePlugins(s.Plugins, g)
	return d.Service
}

// ExpressibleInstance returns the same of one container's part in a service.
func ExpressibleInstance(d DeclaredService, g Gateway) DeclaredService {
	cut(OfInstance, &d, nil, g)
	return d
}

// cut sets the fields of a scope to what the gateway can express of them.
func cut(scope Scope, s *DeclaredService, r *Route, g Gateway) {
	for i := range rows {
		f := &rows[i]
		if f.Scope != scope || f.Rendering(g).whole() {
			continue
		}
		if value := f.get(s, r); f.isSet(value) {
			f.set(target{service: s, route: r}, f.keep(&s.Service, value, g))
		}
	}
}

// keep returns the part of a value that a gateway can express, for a service where
// it is the service's; where that is nothing, the default.
func (f *Field) keep(s *Service, v Value, g Gateway) Value {
	how := f.Rendering(g)
	switch {
	case how.whole():
		return v
	case how.foreign != nil:
		if how.foreign(s) {
			return f.Default
		}
		return v
	case f.Type == Text && how.expresses(v.Text):
		return v
	case how.As == "" || f.Type != List:
		return f.Default
	}
	var kept []string
	for _, item := range v.List {
		if how.expresses(item) {
			kept = append(kept, item)
		}
	}
	return Value{List: kept}
}

// same reports whether two values of the field are equal.
func (f *Field) same(a, b Value) bool {
	return a.Bool == b.Bool && a.Int == b.Int && a.Duration == b.Duration && a.Text == b.Text &&
		slices.Equal(a.List, b.List) && maps.Equal(a.Shares, b.Shares) && maps.EqualFunc(a.Map, b.Map, slices.Equal[[]string])
}
