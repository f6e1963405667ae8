package haproxy

import (
	"context"
	"errors"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// step is one change on its way.
type step struct {
	change  plan.Change
	problem *v1.Problem // why it was not made
}

// fail notes why a step was not made; the first reason stays.
func (s *step) fail(reason v1.Reason, message, fix string) {
	if s.problem == nil {
		s.problem = &v1.Problem{
			Reason: reason, Gateway: v1.HAProxy, Object: s.change.Object().Owner, Origin: s.change.Object().Origin,
			Message: message, Fix: fix,
		}
	}
}

func (s *step) failed() bool { return s.problem != nil }

// Apply implements reconcilers.Reconciler. First everything that the running
// process can take over at runtime; then, if anything is left, one reload for
// all of it; at last the files, which always say what runs.
func (r *Reconciler) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if p.Empty() {
		return nil, nil
	}
	steps := make([]*step, len(p.Changes))
	for i, change := range p.Changes {
		steps[i] = &step{change: change}
	}
	err := r.apply(ctx, steps)
	outcomes := make([]plan.Outcome, len(steps))
	for i, s := range steps {
		outcomes[i] = plan.Outcome{Change: s.change, Problem: s.problem}
	}
	return outcomes, err
}

func (r *Reconciler) apply(ctx context.Context, steps []*step) error {
	err := ctx.Err()
	if err == nil {
		err = r.dir.Claim(r.o.Takeover)
	}
	if err == nil && !r.known {
		err = r.refresh(ctx)
	}
	if err != nil {
		failAll(steps, err)
		return err
	}
	if err := r.fillDefault(steps); err != nil {
		failAll(steps, err)
		return err
	}
	rt := &runtime{r: r, ctx: ctx}
	r.assign(rt, steps)
	soft, hard := r.split(steps)
	r.soften(rt, soft)
	rt.close() // the worker that it speaks with would not end
	if rt.broken {
		r.known = false // the next look sorts it out
	}
	if len(hard) > 0 {
		r.harden(ctx, hard)
	}
	return r.settle()
}

// failAll fails what has not failed yet for one reason that concerns all.
func failAll(steps []*step, err error) {
	reason, message, fix := v1.GatewayUnreachable, err.Error(), ""
	if problem, ok := errors.AsType[v1.Problem](err); ok {
		reason, message, fix = problem.Reason, problem.Message, problem.Fix
	}
	for _, s := range steps {
		s.fail(reason, message, fix)
	}
}

// split sorts steps into those that the running process can take over and
// those for which it must load the files again.
func (r *Reconciler) split(steps []*step) (soft, hard []*step) {
	for _, s := range steps {
		if r.needsReload(s.change) {
			hard = append(hard, s)
		} else {
			soft = append(soft, s)
		}
	}
	return soft, hard
}

func (r *Reconciler) needsReload(change plan.Change) bool {
	after := change.After
	switch change.Object().Native.(type) {
	case *native.Section, *opening:
		return true
	case *restriction: // what it kept apart must not be opened before its addresses go
		return after == nil || r.unrestrained()
	}
	if after == nil {
		if c, ok := change.Before.Native.(*crt.Certificate); ok && c.Name == crt.Default {
			return true // its listeners must go before it
		}
		return false // what goes can always be left without traffic at once
	}
	switch native := after.Native.(type) {
	case condition:
		before, ok := beforeCondition(change)
		return !ok || before.process != native.process || before.loaded != native.loaded || before.text != native.text
	case *crt.Certificate:
		return r.certs == nil || len(native.PEM()) > crt.Limit
	case *backend:
		return !r.reusable(native)
	case place:
		b := r.model.backendOf(native.backend)
		if b == nil || !r.backends[b.live()] {
			return true
		}
		have, there := r.model.server(native)
		return there && have.backup != native.server.backup
	case *route:
		if native.client && (r.condition.loaded != "yes" || !r.model.verifies()) {
			return true // the process would let everybody in
		}
		if r.unrestrained() && !native.stream() {
			return true // the process would answer everywhere
		}
		if native.backend == "" {
			return !r.backends[":hold"]
		}
		b := r.model.backendOf(native.backend)
		return b == nil || !r.backends[b.live()]
	}
	return true
}

func beforeCondition(change plan.Change) (condition, bool) {
	if change.Before == nil {
		return condition{}, false
	}
	c, ok := change.Before.Native.(condition)
	return c, ok
}

// reusable reports whether the process has exactly this backend already.
func (r *Reconciler) reusable(b *backend) bool {
	have := r.model.backendOf(b.name())
	return have != nil && have.same(b) && r.backends[have.live()] && r.condition.loaded == "yes"
}

// settle writes the files when they do not say yet what the model says.
func (r *Reconciler) settle() error {
	names := slices.Sorted(maps.Keys(r.behind.configs))
	if r.behind.all {
		err := r.writeAuthorities(r.model) // before what names them: HAProxy would not start without
		if err != nil {
			return err
		}
		if names, err = r.dir.Differing(r.model.content()); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := r.dir.Update(name, r.model.renderConfig(name)); err != nil {
			return err
		}
	}
	if r.behind.maps || r.behind.all {
		if err := r.writeMaps(r.model, r.table); err != nil {
			return err
		}
	}
	if r.behind.certs || r.behind.all {
		if err := r.settleCertificates(); err != nil {
			return err
		}
	}
	r.behind = behind{}
	r.condition.files = "current"
	r.tellExpiry()
	r.metrics.spares.Set(float64(len(r.free())))
	return nil
}

// writeMaps makes the maps say what a model says. Files that say it already
// are not touched.
func (r *Reconciler) writeMaps(m *model, t *table) error {
	if r.o.Mode == External {
		if err := r.dir.Update(disk.Hosts, renderHosts(r.o.Owner, hostsOf(m))); err != nil {
			return err
		}
	}
	if err := r.dir.Update(disk.Patterns, renderPatterns(r.o.Owner, t.special.patterns())); err != nil {
		return err
	}
	return r.dir.Update(disk.Routes, renderMap(r.o.Owner, m, t))
}

// draftOf applies the steps that have not failed to sections.
func (r *Reconciler) draftOf(m *model, steps []*step) map[string]*section {
	e := newEdit(r.o.Owner, m)
	for _, s := range steps {
		if s.failed() {
			continue
		}
		if s.change.After != nil {
			e.put(s.change.After.Native)
		} else {
			e.drop(s.change.Before.Native, r.backends)
		}
	}
	return e.sections()
}

// put adds or replaces one object.
func (e *edit) put(native any) {
	switch n := native.(type) {
	case *backend:
		d := e.of(n.service)
		next := *n
		if have := d.backends[n.name()]; have != nil {
			next.servers = have.servers
			if p := poolOf(have.spare); p != nil && p.settings == next.Settings {
				next.spare = have.spare
			}
		}
		d.backends[n.name()] = &next
	case place:
		d := e.of(serviceOf(n.backend))
		if b := d.backends[n.backend]; b != nil {
			d.backends[n.backend] = b.with(n.server)
		}
	case *route:
		e.of(n.service).routes[n.name] = n
	}
}

// drop removes one object. A backend that the process has stays, retired.
func (e *edit) drop(native any, live map[string]bool) {
	switch n := native.(type) {
	case *backend:
		d := e.of(n.service)
		have := d.backends[n.name()]
		switch {
		case have == nil:
		case live[have.live()] || have.spare != "":
			next := *have
			next.retired = true
			d.backends[n.name()] = &next
		default:
			delete(d.backends, n.name())
		}
	case place:
		d := e.of(serviceOf(n.backend))
		if b := d.backends[n.backend]; b != nil {
			d.backends[n.backend] = b.without(n.server.name)
		}
	case *route:
		delete(e.of(n.service).routes, n.name)
	}
}
