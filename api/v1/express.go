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
	var given []string
	names := append(inexpressible(service, g), inexpressible(r.Plugins, g)...)
	open := true
	for i := range rows {
		f := &rows[i]
		if f.Scope != OfRoute {
			continue
		}
		value := f.get(nil, &r)
		if !f.isSet(value) {
			continue
		}
		kept := f.keep(value, g)
		if f.Match && f.isSet(kept) {
			open = false
		}
		switch {
		case f.Rendering(g).whole() || f.same(value, kept):
		case slices.Contains(r.Optional, f.Name):
			given = append(given, f.Name)
		default:
			names = append(names, f.Name)
		}
	}
	if open {
		names = append(names, given...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Expressible returns the route as the gateway can serve it: what it can't
// express is left out. Only for a route of which nothing is Inexpressible is
// the result what the user asked for. The route itself is not changed.
func Expressible(r Route, g Gateway) Route {
	for i := range rows {
		f := &rows[i]
		if f.Scope != OfRoute || f.Rendering(g).whole() {
			continue
		}
		if value := f.get(nil, &r); f.isSet(value) {
			f.set(target{route: &r}, f.keep(value, g))
		}
	}
	r.Plugins = ExpressiblePlugins(r.Plugins, g)
	return r
}

// keep returns the part of a value that a gateway can express; where that is
// nothing, the default.
func (f *Field) keep(v Value, g Gateway) Value {
	how := f.Rendering(g)
	switch {
	case how.whole():
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
