package haproxy

import (
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
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
	next := nextRestrictions(r.model.Restrictions(), steps)
	if err := rt.entries(r.table.Restrain(next)); err != nil {
		failAll(mine, err)
		r.table = routemap.New(r.o.Owner, r.model) // it was ahead of what was done
		return false
	}
	r.model.SetRestrictions(next)
	return true
}
