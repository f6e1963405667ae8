package haproxy

import (
	"errors"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// soften makes the changes that need no reload: servers that come or change,
// then the map, then servers that go. What succeeded is in the model afterwards.
func (r *Reconciler) soften(rt *runtime, steps []*step) {
	if len(steps) == 0 {
		return
	}
	coming, going, routes := sortSteps(steps)
	rt.softenCertificates(steps, false)
	rt.give(coming, rt.server)
	if !r.softenRestrictions(rt, steps) {
		failAll(routes, errors.New("waits until hosts are kept to their Listeners"))
		routes = nil
	}
	r.softenRoutes(rt, routes)
	rt.give(going, rt.removeServer)
	rt.softenCertificates(steps, true)
	generation := r.model.Generation()
	r.model.Certs = nextCertificates(r.model.Certs, steps)
	r.take(r.model, steps)
	rt.bury(steps)
	r.fallBehind(pending(steps), r.model.Generation() != generation)
}

// fallBehind notes which files do not say yet what was done.
func (r *Reconciler) fallBehind(steps []*step, base bool) {
	if r.behind.configs == nil {
		r.behind.configs = map[string]bool{}
	}
	if base {
		r.behind.configs[disk.Config] = true
	}
	for _, s := range steps {
		switch native := s.change.Object().Native.(type) {
		case condition:
			r.behind.all = true
		case *routemap.Route, *routemap.Restriction:
			r.behind.maps = true
		case *crt.Certificate:
			r.behind.certs = true
		case *config.Backend:
			r.behind.configs[r.model.FileOf(native.Name())] = true
		case config.Place:
			r.behind.configs[r.model.FileOf(native.Backend)] = true
		}
	}
}

// sortSteps returns the steps about servers that stay, servers that go, and routes.
func sortSteps(steps []*step) (coming, going, routes []*step) {
	for _, s := range steps {
		switch s.change.Object().Native.(type) {
		case config.Place:
			if s.change.Op == plan.Delete {
				going = append(going, s)
			} else {
				coming = append(coming, s)
			}
		case *routemap.Route, condition:
			routes = append(routes, s)
		}
	}
	return coming, going, routes
}

// softenRoutes brings the map up to the routes of the steps. A condition among
// the steps says that the map in the process was edited: then all of it is compared.
func (r *Reconciler) softenRoutes(rt *runtime, steps []*step) {
	touched, all := map[string]bool{}, false
	for _, s := range steps {
		before, after := nativeRoute(s.change.Before), nativeRoute(s.change.After)
		if before == nil && after == nil {
			all = true
			for key := range r.running {
				touched[key] = true
			}
			for key := range r.table.All() {
				touched[key] = true
			}
			continue
		}
		if have := r.model.Route(s.change.Object().Service, s.change.Key.Name); have != nil {
			note(touched, r.table.Remove(have))
		}
		if after != nil {
			note(touched, r.table.Add(after))
		}
	}
	if len(touched) == 0 && !all || r.condition.process != processRuns {
		return
	}
	err := rt.routes(slices.Sorted(maps.Keys(touched)))
	if err == nil {
		err = rt.hostEntries(steps)
	}
	if err != nil {
		failAll(steps, err)
		r.table = routemap.New(r.o.Owner, r.model) // it was ahead of what was done
		return
	}
	r.condition.routes = "current"
}

func note(set map[string]bool, keys []string) {
	for _, key := range keys {
		set[key] = true
	}
}

// nativeRoute returns the route that an object is, or nil.
func nativeRoute(o *plan.Object) *routemap.Route {
	if o == nil {
		return nil
	}
	native, _ := o.Native.(*routemap.Route)
	return native
}
