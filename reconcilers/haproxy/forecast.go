package haproxy

import (
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Revives implements reconcilers.Keeper.
func (r *Reconciler) Revives(change plan.Change) bool {
	before, is := beforeCondition(change)
	return is && r.process != nil && before.process != processRuns
}

// Forecast implements reconcilers.Forecaster. What comes along with something else
// is not said again: everything with the process or its files, a server or route
// with its backend.
func (r *Reconciler) Forecast(p plan.Plan) plan.Plan {
	if r.model == nil {
		return p
	}
	free, whole := len(r.free()), r.condition.process == processRuns && r.condition.loaded == "yes"
	changes := make([]plan.Change, len(p.Changes))
	for i, change := range p.Changes {
		if _, base := change.Object().Native.(condition); base || whole {
			change.Reload = r.forecast(change, &free)
		}
		changes[i] = change
	}
	p.Changes = changes
	return p
}

// forecast says why one change needs a reload; "" when it needs none. free is how
// many prepared backends are left.
func (r *Reconciler) forecast(change plan.Change, free *int) string {
	if _, native := change.Object().Native.(*native.Section); native {
		return "HAProxy takes over native sections with its files alone"
	}
	switch change.Object().Native.(type) {
	case *frontend.Opening:
		return "HAProxy takes over addresses with its files alone"
	case *routemap.Restriction:
		if r.needsReload(change) {
			return "what HAProxy keeps to Listeners changes with its files"
		}
		return ""
	}
	if change.After == nil || !r.needsReload(change) {
		return ""
	}
	switch native := change.After.Native.(type) {
	case condition:
		if before, ok := beforeCondition(change); ok && before.process != native.process {
			return "HAProxy does not run, or answers nobody"
		}
		return "HAProxy has not loaded what the files are to say"
	case *config.Backend:
		switch fresh := len(r.unheard([]*step{{change: change}})) > 0; {
		case change.Before != nil:
			return "options of a backend change"
		case !native.Standard():
			return "a new backend has options of its own"
		case !fresh:
			return "HAProxy lacks a backend that it should have"
		case r.can().addsBackends:
			return ""
		case *free == 0:
			return "no prepared backend is left"
		}
		*free--
	case config.Place:
		if _, there := r.model.Server(native); there {
			return "whether a server is a backup changes"
		}
	}
	return ""
}
