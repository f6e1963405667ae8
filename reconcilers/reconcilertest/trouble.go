package reconcilertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

func cancelIsHonoured(ctx context.Context, b *bench, _ func() *bench) error {
	f := story(18, 4, 0)
	r, err := b.settle(ctx, f.Set())
	if err != nil {
		return err
	}
	f.Grow(3)
	desired, _ := b.reconciler.Compile(reconcilers.Scope{}, f.Set(), v1.Shared{})
	p := plan.Diff(plan.Apply(r.Observed, r.Plan.Changes), desired)
	before, writes := b.World(), b.Writes()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := b.reconciler.Observe(ended, reconcilers.Scope{Fresh: true}); err == nil {
		return errors.New("observe goes on after its context ended")
	}
	start := time.Now()
	outcomes, _ := b.reconciler.Apply(ended, p)
	if took := time.Since(start); took > 30*time.Second {
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
