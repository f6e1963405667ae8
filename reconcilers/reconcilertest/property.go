package reconcilertest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

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
		state, problems := b.reconciler.Compile(reconcilers.Scope{}, f.Set(), v1.Shared{})
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
