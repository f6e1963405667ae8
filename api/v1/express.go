package v1

import (
	"maps"
	"slices"
)

// limits are, by gateway and scope, the fields of which the gateway can't express every
// value, in the order of the table. All others never stand in its way.
var limits = map[Gateway]map[Scope][]*Field{Kong: limitsOf(Kong), HAProxy: limitsOf(HAProxy)}

func limitsOf(g Gateway) map[Scope][]*Field {
	out := map[Scope][]*Field{}
	for i := range rows {
		if f := &rows[i]; f.Scope != OfContainer && !f.Rendering(g).whole() {
			out[f.Scope] = append(out[f.Scope], f)
		}
	}
	return out
}

// Inexpressible returns the names of the route's fields that are set, that the
// gateway can't express and that are not marked optional, sorted. A route with
// any of them is not served there at all: without the field it would be more
// open than asked. When nothing would be left to match by, the optional
// fields count too, for a route without a match would take every request. The
// plugins of its service count as the route's own: service are these.
func Inexpressible(r *Route, g Gateway, service []Plugin) []string {
	names := append(inexpressible(service, g), inexpressible(r.Plugins, g)...)
	own, given := lacking(OfRoute, target{route: r}, g, r.Optional)
	names = append(names, own...)
	if len(given) > 0 && r.open(g) {
		names = append(names, given...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// InexpressibleOfService returns the same of the service's own fields, which are
// not those of its routes and plugins. A service with any of them is not served
// there at all.
func InexpressibleOfService(s *Service, g Gateway) []string {
	names, _ := lacking(OfService, target{service: s}, g, s.Optional)
	slices.Sort(names)
	return names
}

// InexpressibleOfInstance returns the same of one container's own fields. It
// gets no traffic there.
func InexpressibleOfInstance(d *DeclaredService, g Gateway) []string {
	names, _ := lacking(OfInstance, target{instance: d}, g, d.Optional)
	slices.Sort(names)
	return names
}

// lacking looks through the fields of a scope for those that are set and that the
// gateway can't express, or only in part: names are those that are not
// optional, given those that are.
func lacking(scope Scope, of target, g Gateway, optional []string) (names, given []string) {
	for _, f := range lost(scope, of, g) {
		if slices.Contains(optional, f.Name) {
			given = append(given, f.Name)
		} else {
			names = append(names, f.Name)
		}
	}
	return names, given
}

// loss is a field that is set and that a gateway can't express, or only in part.
type loss struct {
	*Field
	kept Value // what the gateway can express of it
}

// lost returns those of a scope, in the order of the table.
func lost(scope Scope, of target, g Gateway) []loss {
	fields := limits[g][scope]
	if limits[g] == nil { // no gateway that rows know of
		fields = limitsOf(g)[scope]
	}
	var out []loss
	for _, f := range fields {
		value := f.get(of)
		if !f.isSet(value) {
			continue
		}
		if kept := f.keep(of.service, value, g); !f.same(value, kept) {
			out = append(out, loss{f, kept})
		}
	}
	return out
}

// open reports whether nothing is left to match by of a route as the gateway can serve it.
func (r *Route) open(g Gateway) bool {
	of := target{route: r}
	for i := range rows {
		if f := &rows[i]; f.Match && f.isSet(f.keep(nil, f.get(of), g)) {
			return false
		}
	}
	return true
}

// LeftOut returns what the gateway leaves out of a route that it serves: fields by
// name, the values that it can't express where it takes the others ("paths=~/(a+)+b"),
// and plugins, those of its service among them; sorted.
func LeftOut(r *Route, g Gateway, service []Plugin) []string {
	out := leftOut(OfRoute, target{route: r}, g)
	for _, plugins := range [][]Plugin{service, r.Plugins} {
		for i := range plugins {
			if p := plugins[i : i+1]; p[0].Enabled && len(ExpressiblePlugins(p, g)) == 0 {
				out = append(out, wordPlugins+"."+p[0].Name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// LeftOutOfService returns the same of the service's own fields.
func LeftOutOfService(s *Service, g Gateway) []string {
	return leftOut(OfService, target{service: s}, g)
}

// LeftOutOfInstance returns the same of one container's own fields.
func LeftOutOfInstance(d *DeclaredService, g Gateway) []string {
	return leftOut(OfInstance, target{instance: d}, g)
}

// leftOut looks through the fields of a scope for what cut takes away, sorted.
func leftOut(scope Scope, of target, g Gateway) []string {
	var out []string
	for _, f := range lost(scope, of, g) {
		if f.Type != List || len(f.kept.List) == 0 {
			out = append(out, f.Name)
			continue
		}
		for _, item := range f.get(of).List {
			if !slices.Contains(f.kept.List, item) {
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
func Expressible(r *Route, g Gateway) Route {
	out := *without(r, OfRoute, func(r *Route) target { return target{route: r} }, g)
	out.Plugins = ExpressiblePlugins(r.Plugins, g)
	return out
}

// ExpressibleService returns the same of a service, whose routes are left as they are.
func ExpressibleService(s *Service, g Gateway) Service {
	out := *without(s, OfService, func(s *Service) target { return target{service: s} }, g)
	out.Plugins = ExpressiblePlugins(s.Plugins, g)
	return out
}

// ExpressibleInstance returns the same of one container's part in a service, whose service is
// left as it is.
func ExpressibleInstance(d *DeclaredService, g Gateway) DeclaredService {
	return *without(d, OfInstance, func(d *DeclaredService) target { return target{instance: d} }, g)
}

// without returns what is declared less what the gateway can't express of the fields of its
// scope, which are at the target: a copy, or the very same where nothing is lost.
func without[T any](declared *T, scope Scope, at func(*T) target, g Gateway) *T {
	cut := declared
	for _, f := range lost(scope, at(declared), g) {
		if cut == declared {
			cut = new(*declared)
		}
		f.set(at(cut), f.kept)
	}
	return cut
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
