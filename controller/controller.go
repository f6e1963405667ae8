package controller

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
)

// Controller keeps every gateway equal to what its sources say.
type Controller struct {
	options Options
	builder *desired.Builder
	memory  *ledger.Ledger
	workers []*worker
	status  *status.Store
	metrics *Metrics
	log     *slog.Logger

	states []source.State // as last told
	hints  []string       // likewise
	poke   chan struct{}
	orders chan order
	// questions are about what the loop owns; they change nothing.
	questions chan func()
	waiting   snapshot.Delta // what came in before every source had loaded
	loaded    bool           // every source has loaded once
	unsaved   bool           // the ledger changed and could not be written
}

// New returns a Controller that has not begun.
func New(options Options) *Controller {
	options = options.withDefaults()
	names := make([]v1.Gateway, len(options.Gateways))
	for i, gateway := range options.Gateways {
		names[i] = gateway.Name
	}
	c := &Controller{
		options: options,
		memory:  options.Memory,
		builder: desired.New(desired.Options{
			Grammar: options.Grammar, Gateways: names, PublishAddress: options.PublishAddress, Ways: options.Ways, Chain: options.Chain, Settled: options.DryRun,
			TLSPassthrough: options.TLSPassthrough, Given: options.Given,
		}, options.Memory),
		status:    options.Status,
		metrics:   NewMetrics(options.Registry, options.Status.Unsaved),
		log:       options.Log,
		poke:      make(chan struct{}, 1),
		orders:    make(chan order),
		questions: make(chan func()),
	}
	for _, gateway := range options.Gateways {
		c.workers = append(c.workers, newWorker(gateway, c))
	}
	return c
}

// Run works until ctx ends and then returns nil; the gateways go on serving.
func (c *Controller) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range c.options.Sources {
		group.Go(func() error { return ended(ctx, s.Run(ctx, c.Poke)) })
	}
	for _, w := range c.workers {
		group.Go(func() error { return w.run(ctx) })
		if watcher, ok := w.reconciler.(reconcilers.Watcher); ok {
			group.Go(func() error { return ended(ctx, watcher.Watch(ctx, w.refresh)) })
		}
		if verifier, ok := w.reconciler.(reconcilers.Verifier); ok && verifier.Verifies() {
			group.Go(func() error { return ended(ctx, verifier.Verify(ctx, w.verified)) })
		}
	}
	if keeper := c.options.History; keeper != nil {
		group.Go(func() error { return keeper.Run(ctx) })
	}
	group.Go(func() error { return c.loop(ctx) })
	return group.Wait()
}

// ended turns the end of ctx into success.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// Poke asks for a round. It never blocks.
func (c *Controller) Poke() {
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

// Confirm lets go what the guards hold.
func (c *Controller) Confirm() {
	for _, w := range c.workers {
		w.release()
	}
}

// Repair has what others changed at the gateways put back, where that was reported only.
func (c *Controller) Repair() {
	for _, w := range c.workers {
		w.repairs()
	}
}

// loop does one round for each poke, and one when time alone changes something.
func (c *Controller) loop(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.poke:
		case o := <-c.orders:
			timer.Reset(c.obey(o))
			continue
		case look := <-c.questions:
			look()
			continue
		case <-timer.C:
		}
		wake := c.round(time.Now())
		timer.Reset(wake)
	}
}

// round takes what is new, works out what follows, and hands it to the
// gateways' workers. It returns how long until time alone changes something.
func (c *Controller) round(now time.Time) time.Duration {
	delta, complete := c.take()
	if !complete {
		return time.Hour
	}
	c.hear()
	result := c.builder.Update(now, delta)
	c.metrics.builds.Observe(time.Since(now).Seconds())
	c.remember()
	c.note(now, result.Settled, delta.Full)
	c.hint()
	c.metrics.pins.Set(float64(c.memory.Pins.Len()))
	for _, r := range result.Reselected { // which no generation tells of
		c.log.Info("service selects by other labels", "service", r.Service, "origin", r.Origin.String(), "containers", r.After, "before", r.Before)
	}
	for _, problem := range ordered(result.Refused) {
		c.log.Warn("container is left out", "problem", problem.Error())
	}
	for _, problem := range ordered(result.Waiting) {
		c.log.Warn("plugin of a manifest holds for nothing", "problem", problem.Error())
	}
	build := c.status.Desired(result)
	for _, w := range c.workers {
		if changed := result.Sets[w.name]; len(changed) > 0 || result.Shared != nil || delta.Full {
			w.submit(changed, result.Shared, build, delta.Seen)
		}
	}
	return c.sleep(result.Wake)
}

// take collects what the sources have to say. Until every source has loaded once, and
// everything is known of the containers that manifests select, nothing is concluded, because
// half a world looks like removals.
func (c *Controller) take() (delta snapshot.Delta, complete bool) {
	states := make([]source.State, 0, len(c.options.Sources))
	loaded, doubt := true, false
	for _, s := range c.options.Sources {
		// The state comes first: a source that loads between the two calls would
		// otherwise count as loaded, and what it had not yet said as gone.
		state := s.State()
		next := s.Take()
		next.Full = false // the whole of that source is not the whole world
		c.waiting = c.waiting.Then(next)
		states = append(states, state)
		loaded, doubt = loaded && state.Loaded, doubt || !state.Connected
		c.metrics.source(state.Name, state.Connected)
	}
	c.tell(states)
	for _, w := range c.workers {
		w.setDoubt(doubt, time.Now())
	}
	if !c.loaded && (!loaded || desired.HalfSeen(c.waiting)) {
		return snapshot.Delta{}, false
	}
	delta, c.waiting = c.waiting, snapshot.Delta{}
	delta.Full = !c.loaded
	c.loaded = true
	return delta, true
}

// tell passes the sources' states on, and logs when one was lost or is back.
func (c *Controller) tell(states []source.State) {
	for i, state := range states {
		if i < len(c.states) && c.states[i].Error == state.Error {
			continue
		}
		if state.Error != "" && !state.Loaded {
			c.log.Warn("source can't be read yet; the gateways stay as they are until it is", "source", state.Name, "error", state.Error)
		} else if state.Error != "" {
			c.log.Warn("source is disturbed; its last good state stays", "source", state.Name, "error", state.Error)
		} else if i < len(c.states) {
			c.log.Info("source is back", "source", state.Name)
		}
	}
	c.states = states
	c.status.Sources(states)
}

// ordered returns problems in the order of what they are of.
func ordered(found map[string][]v1.Problem) []v1.Problem {
	var out []v1.Problem
	for _, of := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[of]...)
	}
	return out
}

// remember saves the ledger when it changed, and tries again when it could not.
func (c *Controller) remember() {
	if !c.memory.Changed() {
		return
	}
	err := c.options.Remember(c.memory)
	if err == nil {
		c.memory.Saved()
	}
	if err != nil && !c.unsaved {
		c.log.Error("ledger can't be saved; claims and grace times would be lost at a restart", "error", err)
	}
	if err == nil && c.unsaved {
		c.log.Info("ledger is saved again")
	}
	c.unsaved = err != nil
}

// sleep returns how long the loop may wait when nobody pokes it.
func (c *Controller) sleep(wake time.Time) time.Duration {
	d := time.Hour
	if !wake.IsZero() {
		d = max(time.Until(wake), time.Millisecond)
	}
	if c.unsaved {
		d = min(d, time.Second)
	}
	return d
}
