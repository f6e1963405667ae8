package reconcilertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// unavailable is the backend of an owner that held routes point to.
const unavailable = "@unavailable"

// Reconciler keeps a Memory. It remembers nothing: every Observe reads.
type Reconciler struct {
	memory   *Memory
	owner    string
	adopting []reconcilers.Adoption
}

// Open returns a reconciler that works for an owner.
func (m *Memory) Open(owner string) *Reconciler { return &Reconciler{memory: m, owner: owner} }

// Compile implements reconcilers.Reconciler: a backend for each service, with
// its servers and routes.
func (r *Reconciler) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state := plan.State{}
	add := func(t Thing, service string, origin v1.Origin) {
		o := r.object(t, service)
		o.Origin = origin
		state[o.Key] = o
	}
	if scope.All() {
		add(Thing{Kind: "backend", Name: r.owner + unavailable, Owner: r.owner}, "", v1.Origin{})
	}
	for name, s := range set {
		fields := map[string]string{
			"connect_timeout": s.ConnectTimeout.String(), "read_timeout": s.ReadTimeout.String(), "write_timeout": s.WriteTimeout.String(),
		}
		if s.Via.Port != 0 {
			fields["via"] = fmt.Sprintf("%s:%d", s.Via.Host, s.Via.Port)
		}
		add(Thing{Kind: "backend", Name: name, Owner: r.owner, Fields: fields}, name, s.Origin)
		for _, e := range s.Endpoints {
			weight := e.Weight
			if e.Draining {
				weight = 0
			}
			add(Thing{Kind: "server", Name: name + "/" + e.ID, Owner: r.owner, Parent: name, Fields: map[string]string{
				"address": e.Address.String(), "weight": strconv.Itoa(weight),
			}}, name, e.Origin)
		}
		for _, route := range s.Routes {
			add(Thing{Kind: "route", Name: route.Name, Owner: r.owner, Parent: name, Fields: map[string]string{
				"match": matchText(route), "strip_path": strconv.FormatBool(route.StripPath), "preserve_host": strconv.FormatBool(route.PreserveHost),
				"service": name,
			}}, name, route.Origin)
		}
	}
	return state, nil
}

// Observe implements reconcilers.Reconciler.
func (r *Reconciler) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	things, err := r.memory.List(r.owner)
	if err != nil {
		return nil, err
	}
	state := plan.State{}
	for _, t := range things {
		o := r.object(t, r.serviceOf(t))
		if scope.All() || slices.Contains(scope.Services, o.Service) {
			state[o.Key] = o
		}
	}
	return state, nil
}

// Apply implements reconcilers.Reconciler. What fails does not stop the rest.
func (r *Reconciler) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	defer r.Adopt(nil)
	outcomes := make([]plan.Outcome, 0, len(p.Changes))
	for _, change := range p.Changes {
		err := ctx.Err()
		if err == nil {
			err = r.apply(change)
		}
		outcomes = append(outcomes, plan.Outcome{Change: change, Problem: problem(change, err)})
		p.Progress.Add(1)
	}
	return outcomes, nil
}

// Close implements reconcilers.Reconciler.
func (r *Reconciler) Close() error { return nil }

func (r *Reconciler) apply(change plan.Change) error {
	t, ok := change.Object().Native.(Thing)
	if !ok {
		return fmt.Errorf("the object %s was not made by this reconciler", change.Key)
	}
	switch change.Op {
	case plan.Create:
		if r.adopts(t) {
			if err := r.memory.Give(t.Kind, t.Name, r.owner); err != nil {
				return err
			}
			return r.memory.Update(t)
		}
		return r.memory.Create(t)
	case plan.Update:
		return r.memory.Update(t)
	}
	if err := r.memory.Delete(r.owner, t.Kind, t.Name); !errors.Is(err, ErrUnknown) {
		return err
	}
	return nil // absent is what was asked for
}

func problem(change plan.Change, err error) *v1.Problem {
	if err == nil {
		return nil
	}
	reason := v1.GatewayUnreachable
	switch {
	case errors.Is(err, ErrTaken), errors.Is(err, ErrNotOwner):
		reason = v1.Conflict
	case errors.Is(err, ErrNoParent), errors.Is(err, ErrChildren), errors.Is(err, ErrUnknown), errors.Is(err, ErrKind):
		reason = v1.GatewayRejected
	}
	return &v1.Problem{Reason: reason, Object: change.Key, Origin: change.Object().Origin, Message: err.Error(), Fix: "see the test"}
}

// object is a thing as the plan sees it.
func (r *Reconciler) object(t Thing, service string) *plan.Object {
	o := &plan.Object{
		Key: v1.Key{Kind: v1.Kind(t.Kind), Name: t.Name}, Service: service,
		Owner: v1.Key{Kind: v1.KindService, Name: service}, Noun: t.Kind + " " + t.Name,
		Fields: maps.Clone(t.Fields), Native: t,
	}
	switch t.Kind {
	case "server":
		o.Level, o.Owner = 1, v1.Key{Kind: v1.KindInstance, Name: t.Name}
	case "route":
		o.Level, o.Owner, o.Match = 2, v1.Key{Kind: v1.KindRoute, Name: t.Name}, t.Fields["match"]
		if t.Parent != r.owner+unavailable {
			held := t
			held.Parent, held.Fields = r.owner+unavailable, maps.Clone(t.Fields)
			held.Fields["service"] = r.owner + unavailable
			o.Hold = r.object(held, service)
		}
	}
	return o
}

// serviceOf returns the service that a thing belongs to, by its name alone.
func (r *Reconciler) serviceOf(t Thing) string {
	switch {
	case t.Name == r.owner+unavailable:
		return ""
	case t.Kind == "server":
		return t.Name[:strings.LastIndex(t.Name, "/")]
	case t.Kind == "route":
		return t.Name[:strings.LastIndex(t.Name, ".")]
	}
	return t.Name
}

func matchText(r v1.Route) string {
	return fmt.Sprintf("hosts=%q paths=%q methods=%q headers=%q", r.Hosts, r.Paths, r.Methods, r.Headers)
}
