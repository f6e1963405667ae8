package haproxy

import (
	"context"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Observe implements reconcilers.Reconciler. Afresh it reads the files and the
// process; else it answers from what the last look and all changes since left.
func (r *Reconciler) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	if scope.Fresh || !r.known {
		if err := r.refresh(ctx); err != nil {
			return nil, err
		}
	}
	return r.state(scope), nil
}

// state returns what was found or made last, within the scope.
func (r *Reconciler) state(scope reconcilers.Scope) plan.State {
	state := plan.State{}
	if scope.All() {
		c := r.condition
		if r.behind.any() {
			c.files = "unwritten"
		}
		item := baseObject(c)
		state[item.Key] = item
		r.observeCertificates(state)
		for _, n := range r.model.Natives() {
			item := object.Section(n)
			state[item.Key] = item
		}
		for _, n := range r.model.Restrictions() {
			item := object.Restriction(n)
			state[item.Key] = item
		}
		for _, o := range r.model.Openings() {
			item := object.Opening(o)
			state[item.Key] = item
		}
		r.tellExpiry()
		for s := range r.model.Sections() {
			observeSection(state, s)
		}
		return state
	}
	for _, name := range scope.Services {
		if s := r.model.Section(name); s != nil {
			observeSection(state, s)
		}
	}
	return state
}

// observeSection adds a service's objects. A retired or prepared backend is nobody's, but
// a server that still stands in it must go.
func observeSection(state plan.State, s *config.Section) {
	for _, b := range s.Backends {
		if !b.Retired && b.Service != "" {
			item := object.Backend(b)
			state[item.Key] = item
		}
		for _, srv := range b.Servers {
			item := object.Server(b, srv)
			state[item.Key] = item
		}
	}
	for _, r := range s.Routes {
		item := object.Held(r)
		state[item.Key] = item
	}
}
