package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
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
	status     *status.Store
	metrics    *Metrics
	log        *slog.Logger
	resync     time.Duration
	dryRun     bool
	poke       chan struct{}
	asks       chan ask

	mu      sync.Mutex
	pending v1.Set    // services that changed since the last round; nil value: gone
	build   int       // the newest build in pending
	seen    time.Time // when the oldest event behind pending reached us
	loaded  bool      // a first build was submitted
	fresh   bool      // the next round looks at the gateway itself, at all services
	confirm bool      // the next round lets go what the guard holds
	forgive bool      // the next round asks again for what was refused

	// Owned by the goroutine of run.
	set      v1.Set             // what the gateway should hold
	routes   int                // how many routes are in set
	refused  map[v1.Key]refusal // objects that the gateway refused
	warned   map[v1.Key]string  // what was last logged of a change that fails
	failures int                // rounds in a row after which something is to be tried again
	down     bool               // the last round failed as a whole
	lastErr  string
}

// refusal is what a gateway refused, and why. The same is not asked again.
type refusal struct {
	asked   string // a text of the object's fields
	problem v1.Problem
}

// submit hands over services that changed. It never blocks on the gateway.
func (w *worker) submit(changed v1.Set, build int, seen time.Time) {
	w.mu.Lock()
	maps.Copy(w.pending, changed)
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
	again := time.NewTimer(time.Hour)
	defer again.Stop()
	for {
		var asks chan ask // nobody is answered before there is something to say
		if w.ready() {
			asks = w.asks
		}
		select {
		case <-ctx.Done():
			return nil
		case a := <-asks:
			a <- w.preview(ctx)
			continue
		case <-resync.C:
			w.refresh()
			continue
		case <-w.poke:
			if w.down { // what is new goes along with the next try
				continue
			}
		case <-again.C:
		}
		again.Reset(w.round(ctx))
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
}

// take returns what the next round is about; false when there is nothing to do.
func (w *worker) take() (job, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.loaded || len(w.pending) == 0 && !w.fresh {
		return job{}, false
	}
	j := job{scope: reconcilers.Scope{Services: slices.Sorted(maps.Keys(w.pending))}, build: w.build, seen: w.seen}
	if w.fresh {
		j.scope = reconcilers.Scope{Fresh: true}
	}
	for name, service := range w.pending {
		w.put(name, service)
	}
	if w.confirm {
		w.guard.Confirm()
	}
	if w.forgive {
		clear(w.refused)
	}
	w.pending, w.fresh, w.confirm, w.forgive, w.seen = v1.Set{}, false, false, false, time.Time{}
	return j, true
}

// put sets what the gateway should hold of one service; nil means nothing.
func (w *worker) put(name string, service *v1.Service) {
	if before := w.set[name]; before != nil {
		w.routes -= len(before.Routes)
		delete(w.set, name)
	}
	if service != nil {
		w.routes += len(service.Routes)
		w.set[name] = service
	}
}

// round brings the gateway to what is desired and returns when to look again.
func (w *worker) round(ctx context.Context) time.Duration {
	j, due := w.take()
	if !due && w.guard.Wake().IsZero() {
		return time.Hour
	}
	if !due { // a held removal may be due
		j.scope = reconcilers.Scope{Fresh: true}
	}
	began := time.Now()
	p, problems, err := w.plan(ctx, j.scope)
	var outcomes []plan.Outcome
	if err == nil && !p.Empty() && !w.dryRun {
		outcomes, err = w.reconciler.Apply(ctx, p)
	}
	if ctx.Err() != nil {
		return time.Hour
	}
	if w.dryRun {
		for _, change := range p.Changes {
			w.log.Info("would change", "change", change.Sentence())
		}
	}
	retry := w.judge(outcomes, problems)
	w.record(j, p, outcomes, problems, err, began)
	return w.next(err, retry)
}

// next returns when to look again after a round. A round that failed as a
// whole, or in part for a passing reason, is repeated over everything.
func (w *worker) next(err error, retry bool) time.Duration {
	w.down = err != nil
	if w.down || retry {
		w.failures++
		w.mu.Lock()
		w.fresh = true
		w.mu.Unlock()
		return backoff(w.failures)
	}
	w.failures = 0
	if wake := w.guard.Wake(); !wake.IsZero() {
		return max(time.Until(wake), time.Second)
	}
	return time.Hour
}

// plan compares what the gateway holds with what it should hold, within scope.
func (w *worker) plan(ctx context.Context, scope reconcilers.Scope) (plan.Plan, map[string][]v1.Problem, error) {
	set := w.set
	if !scope.All() {
		set = v1.Set{}
		for _, name := range scope.Services {
			if service, ok := w.set[name]; ok {
				set[name] = service
			}
		}
	}
	wanted, inexpressible := w.reconciler.Compile(scope, set)
	observed, err := w.reconciler.Observe(ctx, scope)
	if err != nil {
		return plan.Plan{}, nil, err
	}
	problems := map[string][]v1.Problem{}
	for _, problem := range inexpressible {
		problem.Gateway = w.name
		service := serviceOf(problem.Object)
		problems[service] = append(problems[service], problem)
	}
	totals := reconcilers.Totals{Services: len(w.set), Routes: w.routes}
	p := w.guard.Filter(time.Now(), scope, plan.Diff(observed, wanted), totals)
	p.Changes = w.withoutRefused(p.Changes, problems)
	return p, problems, nil
}

// withoutRefused leaves out what the gateway refused before, as long as the
// same is asked, and puts the reason among the problems.
func (w *worker) withoutRefused(changes []plan.Change, problems map[string][]v1.Problem) []plan.Change {
	if len(w.refused) == 0 {
		return changes
	}
	kept := make([]plan.Change, 0, len(changes))
	for _, change := range changes {
		known, ok := w.refused[change.Key]
		if !ok || known.asked != asked(change) {
			kept = append(kept, change)
			continue
		}
		service := change.Object().Service
		problems[service] = append(problems[service], known.problem)
	}
	return kept
}

// judge sorts failed changes. What the gateway refuses waits for a change of
// the input; the rest is tried again, and with it what was refused of the same
// service, perhaps only because something that it needs had failed. What belongs
// to no service is always tried again, because everything needs it.
func (w *worker) judge(outcomes []plan.Outcome, problems map[string][]v1.Problem) (retry bool) {
	passing := map[string]bool{}
	for _, outcome := range outcomes {
		if outcome.Problem != nil && (!final(outcome.Problem.Reason) || outcome.Change.Object().Service == "") {
			passing[outcome.Change.Object().Service] = true
		}
	}
	for _, outcome := range outcomes {
		key, object := outcome.Change.Key, outcome.Change.Object()
		if outcome.Problem == nil {
			delete(w.refused, key)
			continue
		}
		problem := *outcome.Problem
		problem.Gateway, problem.Object = w.name, object.Owner
		if problem.Origin.IsZero() {
			problem.Origin = object.Origin
		}
		problems[object.Service] = append(problems[object.Service], problem)
		if final(problem.Reason) && object.Service != "" && !passing[object.Service] {
			w.refused[key] = refusal{asked: asked(outcome.Change), problem: problem}
		}
	}
	return len(passing) > 0
}

// final reports whether asking again for the same would be in vain.
func final(reason v1.Reason) bool {
	return reason == v1.GatewayRejected || reason == v1.Conflict || reason == v1.NotExpressible
}

// asked returns what a change asks of the gateway, as text.
func asked(change plan.Change) string {
	if change.After == nil {
		return string(change.Op)
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(change.After.Fields)) {
		fmt.Fprintf(&text, "%s=%q ", name, change.After.Fields[name])
	}
	return text.String()
}

// record tells status, metrics and log what became of a round.
func (w *worker) record(j job, p plan.Plan, outcomes []plan.Outcome, problems map[string][]v1.Problem, err error, began time.Time) {
	now := time.Now()
	round := status.Round{Services: j.scope.Services, Build: j.build, Reason: v1.Serving, Problems: problems, At: now}
	made := map[plan.Op]int{}
	for _, outcome := range outcomes {
		key := outcome.Change.Key
		if outcome.Problem == nil {
			made[outcome.Change.Op]++
			round.Changes++
			delete(w.warned, key)
			w.log.Debug("changed", "change", outcome.Change.Sentence())
			continue
		}
		if text := outcome.Problem.Error(); w.warned[key] != text {
			w.warned[key] = text
			w.log.Warn("change failed", "change", outcome.Change.Sentence(), "problem", text)
		}
	}
	for _, held := range w.guard.Held() {
		round.Held = append(round.Held, status.Held(held))
	}
	if err != nil {
		round.Reason, round.Error = v1.GatewayUnreachable, err.Error()
		var problem v1.Problem
		if errors.As(err, &problem) {
			round.Reason = problem.Reason
		}
	}
	w.status.Applied(w.name, round)
	w.metrics.round(w.name, j, made, len(round.Held), err, began, now)
	switch {
	case round.Error != "" && round.Error != w.lastErr:
		w.log.Warn("gateway can't be brought up to date; it goes on as it is", "error", round.Error)
	case round.Error == "" && w.lastErr != "":
		w.log.Info("gateway is up to date again")
	}
	w.lastErr = round.Error
	if round.Changes > 0 {
		w.log.Info("applied", "created", made[plan.Create], "updated", made[plan.Update], "deleted", made[plan.Delete],
			"held", len(round.Held), "took", now.Sub(began).Round(time.Microsecond))
	}
}

// serviceOf returns the service that a neutral object is or belongs to.
func serviceOf(object v1.Key) string {
	if object.Kind == v1.KindRoute {
		if dot := strings.LastIndexByte(object.Name, '.'); dot > 0 {
			return object.Name[:dot]
		}
	}
	return object.Name
}

// backoff returns how long to wait after n failures in a row: from 100 ms
// doubling to 10 s, less up to a third at random so that daemons don't beat in time.
func backoff(n int) time.Duration {
	d := min(100*time.Millisecond<<min(n-1, 10), 10*time.Second)
	return d - time.Duration(rand.Int64N(int64(d/3)))
}

func newWorker(gateway Gateway, c *Controller) *worker {
	return &worker{
		name:       gateway.Name,
		reconciler: gateway.Reconciler,
		guard:      reconcilers.NewGuard(c.options.Guard),
		status:     c.status,
		metrics:    c.metrics,
		log:        c.log.With("gateway", string(gateway.Name)),
		resync:     c.options.Resync,
		dryRun:     c.options.DryRun,
		poke:       make(chan struct{}, 1),
		asks:       make(chan ask),
		pending:    v1.Set{},
		fresh:      true,
		set:        v1.Set{},
		refused:    map[v1.Key]refusal{},
		warned:     map[v1.Key]string{},
	}
}
