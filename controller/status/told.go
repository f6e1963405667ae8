package status

import (
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// told is what a gateway was told of the services, and took. What it was never told of is
// not served while it is being told; what it was told of before goes on meanwhile.
type told struct{ set v1.Set }

// take notes what a round that went well told.
func (t *told) take(round Round) {
	if round.Services == nil {
		t.set = maps.Clone(round.Told)
		return
	}
	for _, name := range round.Services {
		if service := round.Told[name]; service == nil {
			delete(t.set, name)
		} else if t.set == nil {
			t.set = v1.Set{name: service}
		} else {
			t.set[name] = service
		}
	}
}

// holds reports whether a gateway that clients come to was told of a route or an instance
// of a service. through is the gateway behind it over which it reaches instances; "" for none.
func (t *told) holds(service string, key v1.Key, through v1.Gateway) bool {
	s := t.set[service]
	switch {
	case s == nil:
		return false
	case key.Kind == v1.KindRoute:
		return slices.ContainsFunc(s.Routes, func(r v1.Route) bool { return r.Name == key.Name })
	case through == v1.Kong, through == v1.HAProxy && s.Via.Port != 0: // which instances there are is not its business
		return true
	}
	return slices.ContainsFunc(s.Endpoints, func(e v1.Endpoint) bool { return !e.Draining && sameInstance(key.Name, e.ID) })
}

// takesOver is holds of a gateway behind another one, which may know nothing of routes.
func (t *told) takesOver(service string, key v1.Key) bool {
	if key.Kind == v1.KindRoute {
		return t.set[service] != nil
	}
	return t.holds(service, key, "")
}
