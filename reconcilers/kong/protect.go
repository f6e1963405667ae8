package kong

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// With a database, a route's plugins can only be made once the route is there.
// So that it is never more open than asked, it is made in the form in which it
// answers 503, then its plugins, and then it is turned to its service. A change
// of a route waits for its plugins as well, and a route that is live without a
// plugin that Kong refuses is turned away from its service.

// early reports whether a route must not be as it is asked for yet: one of its
// plugins is not there, or is still to be changed by this batch.
func (b *batch) early(rec *entity.Record) bool {
	return slices.ContainsFunc(rec.Needs, func(need v1.Key) bool {
		return !b.satisfied(rec.Service, need) || b.pending[need]
	})
}

// satisfied reports whether Kong holds a plugin, and it works.
func (b *batch) satisfied(service string, need v1.Key) bool {
	return slices.ContainsFunc(b.near(service), func(state plan.State) bool { return entity.Works(state, need) })
}

// near is what Kong holds of a service and of what is for everything; of what is
// declared in Kong's own words, all of it: a route goes to another group without its
// plugins being changed.
func (b *batch) near(service string) []plan.State {
	if !strings.HasPrefix(service, "@") {
		return []plan.State{b.held[service], b.held[entity.DeclaredGroup]}
	}
	var states []plan.State
	for group, state := range b.held {
		if strings.HasPrefix(group, "@") {
			states = append(states, state)
		}
	}
	return states
}

// open makes a change of a route that may have to wait for its plugins. What
// is made of it now is returned; the rest is for turn.
func (b *batch) open(ctx context.Context, i int, rec *entity.Record) (*plan.Object, error) {
	create := b.changes[i].Op == plan.Create && !b.adopts(b.changes[i]) // else it goes on as it is meanwhile
	if !b.early(rec) {
		if create {
			return b.create(ctx, rec)
		}
		return b.update(ctx, rec)
	}
	b.writtenMu.Lock()
	b.waiting[i] = rec
	b.writtenMu.Unlock()
	if create {
		return b.create(ctx, rec.Held(b.names))
	}
	return b.changes[i].Before, nil
}

// waits reports whether a change is one that turn will end.
func (b *batch) waits(i int) bool {
	b.writtenMu.Lock()
	defer b.writtenMu.Unlock()
	return b.waiting[i] != nil
}

// turn makes the routes as they are asked for whose plugins are there now.
func (b *batch) turn(ctx context.Context, stop context.CancelCauseFunc) {
	var ready []int
	for _, i := range slices.Sorted(maps.Keys(b.waiting)) {
		if b.outcomes[i].Problem != nil {
			continue
		}
		b.outcomes[i].Problem = b.lacking(b.waiting[i])
		if b.outcomes[i].Problem == nil {
			ready = append(ready, i)
		}
	}
	b.progress.Add(len(b.waiting) - len(ready))
	b.each(ready, func(i int) {
		object, err := b.update(ctx, b.waiting[i])
		b.done[i], b.outcomes[i].Problem = object, problemOf(err)
		b.judge(ctx, stop, err)
		b.progress.Add(1)
	})
	for _, i := range ready {
		b.note(i)
	}
}

// lacking says which plugin a route still waits for. One that Kong holds and
// does not want changed is as good as it was.
func (b *batch) lacking(rec *entity.Record) *v1.Problem {
	for _, need := range rec.Needs {
		cause := b.problems[need]
		if b.satisfied(rec.Service, need) && (cause == nil || final(cause.Reason)) {
			continue
		}
		problem := waiting(need, cause)
		return &problem
	}
	return nil
}

// shut turns the routes away from their service that are live without a plugin
// that Kong refuses.
func (b *batch) shut(ctx context.Context, stop context.CancelCauseFunc) {
	for i, change := range b.changes {
		problem := b.outcomes[i].Problem
		rec, ok := change.Object().Native.(*entity.Record)
		if !ok || rec.Row.Kind != v1.KindPlugin || change.Op == plan.Delete || problem == nil || !final(problem.Reason) ||
			change.After.Fields["enabled"] != "true" || b.satisfied(rec.Service, change.Key) {
			continue
		}
		for _, o := range b.liveRoutes(rec) {
			held, ok := o.Hold.Native.(*entity.Record)
			if !ok {
				continue
			}
			object, err := b.update(ctx, held)
			if err != nil {
				b.judge(ctx, stop, err)
				b.doubtful.Store(true)
				b.outcomes[i].Problem = &v1.Problem{Reason: v1.GatewayUnreachable, Gateway: v1.Kong,
					Message: fmt.Sprintf("%s; and the route %s could not be closed: %v", problem.Message, o.Key.Name, err), Fix: "it is tried again by itself"}
				continue
			}
			b.keep(object.Key, object.Service, object)
		}
	}
}

// liveRoutes are the routes that a plugin is for and that lead to their service.
func (b *batch) liveRoutes(rec *entity.Record) []*plan.Object {
	var routes []*plan.Object
	for _, state := range b.near(rec.Service) {
		for _, o := range state {
			route, ok := o.Native.(*entity.Record)
			if ok && o.Hold != nil && rec.Protects(route) && len(o.Differs(o.Hold)) > 0 {
				routes = append(routes, o)
			}
		}
	}
	slices.SortFunc(routes, func(x, y *plan.Object) int { return x.Key.Compare(y.Key) })
	return routes
}

// keeps says why a plugin can't be removed yet: what was to take its place, or
// the route in the form that does without it, could not be made.
func (b *batch) keeps(rec *entity.Record) *v1.Problem {
	for i, change := range b.changes {
		problem := b.outcomes[i].Problem
		other, ok := change.Object().Native.(*entity.Record)
		if problem == nil || change.Op == plan.Delete || !ok || other.Service != rec.Service ||
			rec.Declared && !rec.Protects(other) && (other.Row.Kind != v1.KindPlugin || !maps.Equal(other.ParentKeys, rec.ParentKeys)) {
			continue
		}
		route := rec.ParentKeys["route"]
		if other.Row.Kind == v1.KindPlugin || other.Row.Kind == v1.KindRoute && (route == "" || route == other.Key) {
			p := *problem
			p.Message = fmt.Sprintf("it stays, for %s could not be made: %s", change.Key, problem.Message)
			return &p
		}
	}
	return nil
}

// final reports whether asking again for the same would be in vain.
func final(reason v1.Reason) bool { return reason == v1.GatewayRejected || reason == v1.Conflict }

// beside returns the plugin that holds the place of another: the same name on
// the same service or route, or the same instance name.
func (b *batch) beside(ctx context.Context, rec *entity.Record) (map[string]any, error) {
	for field, kind := range rec.Row.Refs {
		parent := entity.Reference(rec.Body, field)
		if parent == "" {
			continue
		}
		siblings, err := b.client.List(ctx, "/"+entity.RowOf(b.rows, kind).Path+"/"+parent+"/plugins", nil)
		if err != nil && !admin.IsStatus(err, http.StatusNotFound) {
			return nil, err
		}
		for _, body := range siblings {
			if body["name"] == rec.Name() && body["id"] != rec.ID && body["consumer"] == nil {
				return body, nil
			}
		}
	}
	instance, _ := rec.Body["instance_name"].(string)
	if instance == "" {
		return nil, nil
	}
	return b.find(ctx, rec, instance)
}
