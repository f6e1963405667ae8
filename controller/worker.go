package controller

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// worker keeps one gateway: it takes the services that changed since its last
// round and reconciles just these, or all of them when a fresh look is due.
type worker struct {
	name       v1.Gateway
	reconciler reconcilers.Reconciler
	guard      *reconcilers.Guard
	keepGuard  func(reconcilers.GuardMemory) error
	drift      *drift
	status     *status.Store
	metrics    *Metrics
	log        *slog.Logger
	resync     time.Duration
	dryRun     bool
	letGo      string // the command that lets go what the guard holds back
	poke       chan struct{}
	visits     chan func(context.Context) // what else wants to use the reconciler
	tell       func()                     // has the loop look at what is known

	mu      sync.Mutex
	pending v1.Set        // services that changed since the last round; nil value: gone
	beside  *v1.Shared    // what belongs to no service, when that changed since
	build   int           // the newest build in pending
	seen    time.Time     // when the oldest event behind pending reached us
	loaded  bool          // a first build was submitted
	fresh   bool          // the next round looks at the gateway itself, at all services
	confirm bool          // the next round lets go what the guard holds
	repair  bool          // the next round repairs what is reported
	forgive bool          // the next round asks again for what was refused
	pause   *ledger.Pause // the order by which the gateway is left alone; nil when there is none
	known   known         // what the loop is to know of the gateway
	doubt   bool          // a source is not there to say what it wants
	doubted time.Time     // when that was last known to be so; zero: never

	// Owned by the goroutine of run.
	set        v1.Set                         // what the gateway should hold
	shared     v1.Shared                      // likewise, what belongs to no service
	totals     reconcilers.Totals             // of set, less what was derived for rollouts
	refused    map[v1.Key]refusal             // objects that the gateway refused
	warned     map[v1.Key]string              // what was last logged of a change that fails
	failures   int                            // rounds over everything in a row after which something is to be tried again
	again      time.Time                      // when everything is to be tried again; zero when all went well
	down       bool                           // the last round failed as a whole
	common     []v1.Problem                   // what the last round over everything left of what belongs to no service
	kept       saved[reconcilers.GuardMemory] // of the guard
	held       map[v1.Key]bool                // whose removal the guard keeps back
	differs    []plan.Change                  // all that the gateway was last found to differ in
	absent     bool                           // a part of the gateway did not answer then
	unmade     []v1.Problem                   // what the gateway was last found to have no words for
	toldUnmade map[string]bool                // of these, what was logged
	lastErr    string
	lastReason v1.Reason
}

// submit hands over services that changed, and what belongs to none when that
// did. It never blocks on the gateway.
func (w *worker) submit(changed v1.Set, shared *v1.Shared, build int, seen time.Time) {
	w.mu.Lock()
	w.unsettle(changed)
	maps.Copy(w.pending, changed)
	if shared != nil {
		mine := shared.For(w.name)
		w.beside = &mine
	}
	w.build = build
	if w.seen.IsZero() {
		w.seen = seen
	}
	w.loaded = true
	w.mu.Unlock()
	w.wake()
}

// refresh asks for a round over all services that reads the gateway itself and
// asks again for what was refused: the gateway may have changed meanwhile.
func (w *worker) refresh() {
	w.mu.Lock()
	w.fresh, w.forgive = true, true
	w.mu.Unlock()
	w.wake()
}

func (w *worker) wake() {
	select {
	case w.poke <- struct{}{}:
	default:
	}
}

// asked reports whether somebody who has seen a reason asked for a fresh look, as
// one that watches the gateway does when it is back. Then nobody waits for the next try.
func (w *worker) asked() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fresh
}

// release lets go what the guard holds.
func (w *worker) release() {
	w.mu.Lock()
	w.confirm = true
	w.mu.Unlock()
	w.refresh()
}

// run works until ctx ends. The gateway goes on serving what it holds.
func (w *worker) run(ctx context.Context) error {
	resync := time.NewTicker(w.resync)
	defer resync.Stop()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		var visits chan func(context.Context) // nobody is let in before there is something to say
		if w.ready() {
			visits = w.visits
		}
		select {
		case <-ctx.Done():
			return nil
		case visit := <-visits:
			visit(ctx)
			continue
		case <-resync.C:
			w.refresh()
			continue
		case <-w.poke:
			if w.down && !w.asked() { // what is new goes along with the next try
				continue
			}
		case <-alarm.C:
		}
		alarm.Reset(w.round(ctx))
	}
}

// ready reports whether a first build was submitted.
func (w *worker) ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.loaded
}

// job is what one round is about.
type job struct {
	scope reconcilers.Scope
	build int
	seen  time.Time
	// withheld says why changes were not made, by a dry run or a pause; "" when they were.
	withheld string
}

// take returns what the next round is about; false when there is nothing to do.
func (w *worker) take(now time.Time) (job, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fresh := w.fresh || w.overdue(now)
	if !w.loaded || len(w.pending) == 0 && w.beside == nil && !fresh {
		return job{}, false
	}
	j := job{scope: reconcilers.Scope{Services: slices.Sorted(maps.Keys(w.pending))}, build: w.build, seen: w.seen}
	switch {
	case fresh:
		j.scope = reconcilers.Scope{Fresh: true}
	case w.beside != nil: // what belongs to no service is looked at together with all of them
		j.scope = reconcilers.Scope{}
	}
	w.settle()
	if w.confirm {
		w.guard.Confirm()
	}
	if w.repair {
		w.drift.Repair()
	}
	if w.forgive {
		clear(w.refused)
	}
	w.pending, w.fresh, w.confirm, w.repair, w.forgive, w.seen = v1.Set{}, false, false, false, false, time.Time{}
	return j, true
}

// settle takes over what was submitted.
func (w *worker) settle() {
	for name, service := range w.pending {
		w.put(name, service)
	}
	if w.beside != nil {
		w.shared, w.beside = *w.beside, nil
	}
}

// put sets what the gateway should hold of one service; nil means nothing.
func (w *worker) put(name string, service *v1.Service) {
	if before := w.set[name]; before != nil {
		w.tally(before, -1)
		delete(w.set, name)
	}
	if service != nil {
		w.tally(service, 1)
		w.set[name] = service
	}
}

// tally counts a service and its routes in or out, as the guard counts them.
func (w *worker) tally(s *v1.Service, by int) {
	if !v1.Derived(s.Name) {
		w.totals.Services += by
	}
	for i := range s.Routes {
		if !v1.Derived(s.Routes[i].Name) {
			w.totals.Routes += by
		}
	}
}

// round brings the gateway to what is desired and returns when to look again.
func (w *worker) round(ctx context.Context) time.Duration {
	began := time.Now()
	j, due := w.take(began)
	if !due {
		return w.idle(began)
	}
	if _, err := w.work(ctx, j, began); err != nil && ctx.Err() != nil {
		return time.Hour
	}
	return w.idle(time.Now())
}

// work does what a job is about, and tells status, metrics and log what became of it.
// The error concerns the gateway as a whole.
func (w *worker) work(ctx context.Context, j job, began time.Time) ([]plan.Outcome, error) {
	pause, guard := w.paused(), w.guard
	if pause != nil { // the guard counts what is made
		guard = w.guard.Clone()
	}
	p, problems, err := w.plan(ctx, j.scope, guard)
	w.keep()
	w.drift.keep(w.dryRun, w.log)
	if err == nil {
		p, j.withheld = w.withhold(p, pause)
	}
	var outcomes []plan.Outcome
	compared := err == nil
	if err == nil && !p.Empty() {
		outcomes, err = w.apply(ctx, p)
	}
	if ctx.Err() != nil {
		return outcomes, context.Cause(ctx)
	}
	if compared {
		w.settleVia(j.scope, outcomes, problems)
		w.tellUnmade(j.scope)
	}
	w.stall(err != nil || j.withheld != "")
	w.report(p.Reported, problems)
	retry := w.judge(outcomes, problems, err)
	w.record(j, outcomes, problems, err, began)
	w.next(j.scope, err, retry)
	return outcomes, err
}

// plan compares what the gateway holds with what it should hold, within scope,
// less what guard keeps back and what the gateway has refused.
func (w *worker) plan(ctx context.Context, scope reconcilers.Scope, guard *reconcilers.Guard) (plan.Plan, map[string][]v1.Problem, error) {
	set := w.set
	if !scope.All() {
		set = v1.Set{}
		for _, name := range scope.Services {
			if service, ok := w.set[name]; ok {
				set[name] = service
			}
		}
	}
	observed, err := w.reconciler.Observe(ctx, scope)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	w.meet()
	wanted, inexpressible := w.reconciler.Compile(scope, set, w.shared)
	w.unmade = inexpressible
	problems := reconcilers.ByService(w.name, set, inexpressible)
	now := time.Now()
	guard.Doubt(w.doubtedUntil(now))
	totals := w.totals
	for i := range w.shared.Entities {
		switch w.shared.Entities[i].Kind {
		case v1.KindService:
			totals.Services++
		case v1.KindRoute:
			totals.Routes++
		}
	}
	diff := plan.Diff(observed, wanted)
	w.differs = diff.Changes
	kept := w.drift.filter(now, scope, observed, diff)
	p := guard.Filter(now, scope, kept, wanted, totals)
	p.Reported = kept.Reported
	p.Changes = w.withoutRefused(p.Changes, problems)
	return p, problems, nil
}

// keep saves what the guard remembers when that changed. Where it can't be
// saved, removals go on being guarded until the daemon ends.
func (w *worker) keep() {
	if w.keepGuard == nil || w.dryRun {
		return
	}
	if _, err := w.kept.keep(w.guard.Memory(), w.keepGuard); err != nil {
		w.log.Warn("what the guard remembers can't be saved; a restart would let more removals pass", "error", err)
	}
}

// verified notes what is known of whether the gateway serves what it accepted.
func (w *worker) verified(v reconcilers.Verification) {
	w.status.Verified(w.name, v, time.Now())
}

func newWorker(gateway Gateway, c *Controller) *worker {
	guard := reconcilers.NewGuard(c.options.Guard)
	guard.Remember(time.Now(), gateway.Guarded)
	var pause *ledger.Pause
	if p, paused := c.memory.Pauses.Lookup(string(gateway.Name)); paused {
		pause = &p
	}
	if verifier, slow := gateway.Reconciler.(reconcilers.Verifier); slow {
		c.status.Slow(gateway.Name, verifier.Verifies())
	}
	return &worker{
		name:       gateway.Name,
		pause:      pause,
		reconciler: gateway.Reconciler,
		guard:      guard,
		keepGuard:  gateway.KeepGuard,
		drift:      newDrift(gateway),
		kept:       saved[reconcilers.GuardMemory]{memory: guard.Memory()},
		status:     c.status,
		metrics:    c.metrics,
		log:        c.log.With("gateway", string(gateway.Name)),
		resync:     c.options.Resync,
		dryRun:     c.options.DryRun,
		letGo:      c.options.LetGo,
		tell:       c.Poke,
		poke:       make(chan struct{}, 1),
		visits:     make(chan func(context.Context)),
		pending:    v1.Set{},
		fresh:      true,
		set:        v1.Set{},
		refused:    map[v1.Key]refusal{},
		warned:     map[v1.Key]string{},
	}
}
