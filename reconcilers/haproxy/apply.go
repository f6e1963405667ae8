package haproxy

import (
	"context"

	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

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
	err := r.apply(ctx, steps, p.Progress)
	outcomes := make([]plan.Outcome, len(steps))
	for i, s := range steps {
		outcomes[i] = plan.Outcome{Change: s.change, Problem: s.problem, Again: s.again}
	}
	return outcomes, err
}

func (r *Reconciler) apply(ctx context.Context, steps []*step, p *plan.Progress) error {
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
	p.Add(len(soft))
	if len(hard) > 0 {
		p.AtOnce("reload")
		r.harden(ctx, hard)
	}
	if err := r.settle(); err != nil {
		return unsettled(soft, err)
	}
	return nil
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
	case *native.Section, *frontend.Opening:
		return true
	case *routemap.Restriction: // what it kept apart must not be opened before its addresses go
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
	case *config.Backend:
		return !r.reusable(native)
	case config.Place:
		b := r.model.Backend(native.Backend)
		if b == nil || !r.backends[b.Live()] {
			return true
		}
		have, there := r.model.Server(native)
		return there && have.Backup != native.Server.Backup
	case *routemap.Route:
		if native.Client && (r.condition.loaded != "yes" || !frontend.Verifies(r.model.Base())) {
			return true // the process would let everybody in
		}
		if r.unrestrained() && !native.Stream() {
			return true // the process would answer everywhere
		}
		if r.o.Via.covers(native.Port) && (r.condition.loaded != "yes" || !frontend.ListensForKong(r.model.Base(), r.o.Owner, r.o.Via.Host, native.Port)) {
			return true // nobody of ours would take what Kong sends
		}
		if native.Backend == "" {
			return !r.backends[":hold"]
		}
		b := r.model.Backend(native.Backend)
		return b == nil || !r.backends[b.Live()]
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
func (r *Reconciler) reusable(b *config.Backend) bool {
	have := r.model.Backend(b.Name())
	return have != nil && have.Same(b) && r.backends[have.Live()] && r.condition.loaded == "yes"
}
