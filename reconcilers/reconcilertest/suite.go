package reconcilertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// property is one thing that must hold. It returns why it does not; an
// errSkip says that the gateway has no way to show it.
type property struct {
	name  string
	check func(ctx context.Context, b *bench, fresh func() *bench) error
}

var errSkip = errors.New("this gateway has no way to show it")

func properties() []property {
	return []property{
		{"observed equals compiled", observedEqualsCompiled},
		{"second run writes nothing", secondRunWritesNothing},
		{"narrowed equals full", narrowedEqualsFull},
		{"strangers stay", strangersStay},
		{"held route comes back", heldRouteComesBack},
		{"emptied by an empty set", emptiedByEmptySet},
		{"partial failure is told", partialFailureIsTold},
		{"cancel is honoured", cancelIsHonoured},
		{"same input same plan", sameInputSamePlan},
	}
}

// Run measures a reconciler by every property, and takes the random walks.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, p := range properties() {
		t.Run(p.name, func(t *testing.T) {
			err := p.check(t.Context(), newBench(t, h), func() *bench { return newBench(t, h) })
			if errors.Is(err, errSkip) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	seeds, events := h.Seeds, h.Events
	if seeds == nil {
		seeds = []uint64{1, 2, 3}
	}
	if events == 0 {
		events = 250
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("walk/seed=%d", seed), func(t *testing.T) {
			w := walk{bench: newBench(t, h), fleet: NewFleet(seed), behind: true}
			if err := w.take(t.Context(), events, func() *bench { return newBench(t, h) }); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}

// story returns a fleet of n services that has lived for a while.
func story(seed uint64, n, steps int) *Fleet {
	f := NewFleet(seed)
	f.Grow(n)
	for range steps {
		f.Step()
	}
	return f
}

func observedEqualsCompiled(ctx context.Context, b *bench, _ func() *bench) error {
	f := story(11, 5, 0)
	for step := range 25 {
		r, err := b.settle(ctx, f.Set())
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		for _, fresh := range []bool{false, true} {
			observed, err := b.reconciler.Observe(ctx, reconcilers.Scope{Fresh: fresh})
			if err != nil {
				return fmt.Errorf("step %d: observe: %w", step, err)
			}
			if p := plan.Diff(observed, r.Desired); !p.Empty() {
				return fmt.Errorf("step %d: observed (fresh: %t) is not what was applied:\n%s", step, fresh, Sentences(p))
			}
			if p := plan.Diff(plan.Apply(r.Observed, r.Plan.Changes), observed); !p.Empty() {
				return fmt.Errorf("step %d: observed (fresh: %t) is not what the plan promised:\n%s", step, fresh, Sentences(p))
			}
		}
		f.Step()
	}
	return nil
}

func secondRunWritesNothing(ctx context.Context, b *bench, _ func() *bench) error {
	f := story(12, 6, 40)
	if _, err := b.settle(ctx, f.Set()); err != nil {
		return err
	}
	before, writes := b.World(), b.Writes()
	for _, step := range []string{"second run", "run with a fresh look", "run after a restart"} {
		if step == "run after a restart" {
			if err := b.reopen(); err != nil {
				return err
			}
		}
		r, err := b.must(ctx, reconcilers.Scope{Fresh: step == "run with a fresh look"}, f.Set())
		if err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
		if !r.Plan.Empty() {
			return fmt.Errorf("%s: the plan is not empty:\n%s", step, Sentences(r.Plan))
		}
		if now := b.Writes(); now != writes {
			return fmt.Errorf("%s: %d writes", step, now-writes)
		}
		if diff := cmp.Diff(before, b.World()); diff != "" {
			return fmt.Errorf("%s: the world changed:\n%s", step, diff)
		}
	}
	return nil
}

func narrowedEqualsFull(ctx context.Context, b *bench, fresh func() *bench) error {
	f, other := story(13, 6, 10), fresh()
	for _, each := range []*bench{b, other} {
		if _, err := each.settle(ctx, f.Set()); err != nil {
			return err
		}
	}
	for step := range 40 {
		event, service := f.Step()
		narrowed := v1.Set{}
		if s, ok := f.Set()[service]; ok {
			narrowed[service] = s
		}
		small, err := b.must(ctx, reconcilers.Scope{Services: []string{service}}, narrowed)
		if err != nil {
			return fmt.Errorf("step %d, %s: narrowed: %w", step, event, err)
		}
		full, err := other.settle(ctx, f.Set())
		if err != nil {
			return fmt.Errorf("step %d, %s: full: %w", step, event, err)
		}
		if diff := cmp.Diff(Sentences(full.Plan), Sentences(small.Plan)); diff != "" {
			return fmt.Errorf("step %d, %s: plans differ (-full +narrowed):\n%s", step, event, diff)
		}
		if diff := cmp.Diff(other.World(), b.World()); diff != "" {
			return fmt.Errorf("step %d, %s: worlds differ (-full +narrowed):\n%s", step, event, diff)
		}
	}
	return nil
}

func strangersStay(ctx context.Context, b *bench, _ func() *bench) error {
	if b.Plant == nil {
		return errSkip
	}
	if err := b.Plant(); err != nil {
		return fmt.Errorf("plant a stranger's objects: %w", err)
	}
	before := b.Strangers()
	if before == "" {
		return errors.New("the harness shows no stranger's objects after planting them")
	}
	f := story(14, 4, 0)
	for step := range 30 {
		if _, err := b.settle(ctx, f.Set()); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		f.Step()
	}
	if _, err := b.settle(ctx, v1.Set{}); err != nil {
		return err
	}
	if diff := cmp.Diff(before, b.Strangers()); diff != "" {
		return fmt.Errorf("a stranger's objects changed:\n%s", diff)
	}
	return nil
}

func heldRouteComesBack(ctx context.Context, b *bench, _ func() *bench) error {
	f := story(15, 4, 10)
	r, err := b.settle(ctx, f.Set())
	if err != nil {
		return err
	}
	before := b.World()
	observed, err := b.reconciler.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err != nil {
		return fmt.Errorf("observe: %w", err)
	}
	held := plan.State{}
	for key, o := range observed {
		held[key] = o
		if o.Owner.Kind == v1.KindRoute && o.Hold != nil {
			held[key] = o.Hold
		}
	}
	turn := plan.Diff(observed, held)
	if turn.Empty() {
		return errors.New("no observed route says how it is held")
	}
	if err := b.applied(ctx, observed, turn); err != nil {
		return fmt.Errorf("hold routes: %w", err)
	}
	if b.World() == before {
		return errors.New("held routes look the same on the gateway")
	}
	if err := b.reopen(); err != nil {
		return err
	}
	if observed, err = b.reconciler.Observe(ctx, reconcilers.Scope{Fresh: true}); err != nil {
		return fmt.Errorf("observe: %w", err)
	}
	if p := plan.Diff(observed, held); !p.Empty() {
		return fmt.Errorf("held routes are not observed as held:\n%s", Sentences(p))
	}
	if err := b.applied(ctx, observed, plan.Diff(observed, r.Desired)); err != nil {
		return fmt.Errorf("bring routes back: %w", err)
	}
	if diff := cmp.Diff(before, b.World()); diff != "" {
		return fmt.Errorf("the world is not as before the hold:\n%s", diff)
	}
	return nil
}

// applied makes the changes of a plan, all of them.
func (b *bench) applied(ctx context.Context, observed plan.State, p plan.Plan) error {
	outcomes, err := b.reconciler.Apply(ctx, p)
	if err != nil {
		return err
	}
	if err := complete(result{Observed: observed, Plan: p, Outcomes: outcomes}); err != nil {
		return err
	}
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			return outcome.Problem
		}
	}
	return nil
}

func emptiedByEmptySet(ctx context.Context, b *bench, fresh func() *bench) error {
	if _, err := b.settle(ctx, story(16, 5, 20).Set()); err != nil {
		return err
	}
	other := fresh()
	for _, each := range []*bench{b, other} {
		if _, err := each.settle(ctx, v1.Set{}); err != nil {
			return err
		}
	}
	if diff := cmp.Diff(other.World(), b.World()); diff != "" {
		return fmt.Errorf("something is left (-fresh +emptied):\n%s", diff)
	}
	return nil
}

func sameInputSamePlan(_ context.Context, b *bench, _ func() *bench) error {
	f := story(17, 8, 40)
	var first string
	for range 20 { // maps are walked in another order each time
		state, problems := b.reconciler.Compile(reconcilers.Scope{}, f.Set())
		if len(problems) > 0 {
			return problems[0]
		}
		text := Sentences(plan.Diff(plan.State{}, state))
		if first == "" {
			first = text
		}
		if diff := cmp.Diff(first, text); diff != "" {
			return fmt.Errorf("two plans from the same input:\n%s", diff)
		}
	}
	return nil
}

func cancelIsHonoured(ctx context.Context, b *bench, _ func() *bench) error {
	f := story(18, 4, 0)
	r, err := b.settle(ctx, f.Set())
	if err != nil {
		return err
	}
	f.Grow(3)
	desired, _ := b.reconciler.Compile(reconcilers.Scope{}, f.Set())
	p := plan.Diff(plan.Apply(r.Observed, r.Plan.Changes), desired)
	before, writes := b.World(), b.Writes()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := b.reconciler.Observe(ended, reconcilers.Scope{Fresh: true}); err == nil {
		return errors.New("observe goes on after its context ended")
	}
	start := time.Now()
	outcomes, _ := b.reconciler.Apply(ended, p)
	if took := time.Since(start); took > 5*time.Second {
		return fmt.Errorf("apply took %s after its context had ended", took)
	}
	if err := complete(result{Plan: p, Outcomes: outcomes}); err != nil {
		return err
	}
	untold := slices.ContainsFunc(outcomes, func(o plan.Outcome) bool { return o.Problem == nil || o.Problem.Reason != v1.GatewayUnreachable })
	if untold {
		return fmt.Errorf("what was not tried is not reported as %s", v1.GatewayUnreachable)
	}
	if now := b.Writes(); now != writes || b.World() != before {
		return fmt.Errorf("%d writes after the context had ended", now-writes)
	}
	_, err = b.settle(ctx, f.Set())
	return err
}

func partialFailureIsTold(ctx context.Context, b *bench, _ func() *bench) error {
	if b.Break == nil {
		return errSkip
	}
	f := story(19, 4, 0)
	if _, err := b.settle(ctx, f.Set()); err != nil {
		return err
	}
	for after := range 12 {
		f.Grow(1)
		f.Step()
		f.Step()
		b.Break(after)
		r, roundErr := b.round(ctx, reconcilers.Scope{}, f.Set())
		b.Heal()
		if r.Plan.Empty() { // it could not even look
			continue
		}
		if err := complete(r); err != nil {
			return errors.Join(fmt.Errorf("broken after %d calls: %w", after, err), roundErr)
		}
		observed, err := b.reconciler.Observe(ctx, reconcilers.Scope{Fresh: true})
		if err != nil {
			return fmt.Errorf("observe after a failure: %w", err)
		}
		left := map[v1.Key]bool{}
		for _, change := range plan.Diff(observed, r.Desired).Changes {
			left[change.Key] = true
		}
		for _, outcome := range r.Outcomes {
			if outcome.Problem == nil && left[outcome.Change.Key] {
				return fmt.Errorf("broken after %d calls: told as done, but it is not: %s", after, outcome.Change.Sentence())
			}
		}
		if _, err := b.settle(ctx, f.Set()); err != nil {
			return fmt.Errorf("broken after %d calls: the next run: %w", after, err)
		}
	}
	return nil
}
