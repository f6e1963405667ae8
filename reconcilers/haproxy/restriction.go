package haproxy

import (
	"maps"

	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// softenRestrictions brings the map up to the restrictions of the steps; false when that
// failed, and no route may come.
func (r *Reconciler) softenRestrictions(rt *runtime, steps []*step) bool {
	var mine []*step
	for _, s := range steps {
		if _, ok := s.change.Object().Native.(*routemap.Restriction); ok {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return true
	}
	next := nextRestrictions(r.model.restrictions, steps)
	if err := rt.entries(r.table.Restrain(next)); err != nil {
		failAll(mine, err)
		r.table = routemap.New(r.o.Owner, r.model) // it was ahead of what was done
		return false
	}
	r.model.restrictions = next
	return true
}

// nextRestrictions applies the steps that have not failed.
func nextRestrictions(have map[string]*routemap.Restriction, steps []*step) map[string]*routemap.Restriction {
	next := map[string]*routemap.Restriction{}
	maps.Copy(next, have)
	for _, s := range steps {
		n, ok := s.change.Object().Native.(*routemap.Restriction)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, n.Name)
		default:
			next[n.Name] = n
		}
	}
	return next
}

// nextOpenings applies the steps that have not failed.
func nextOpenings(have map[string]*frontend.Opening, steps []*step) map[string]*frontend.Opening {
	next := map[string]*frontend.Opening{}
	maps.Copy(next, have)
	for _, s := range steps {
		o, ok := s.change.Object().Native.(*frontend.Opening)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, o.Name)
		default:
			next[o.Name] = o
		}
	}
	return next
}
