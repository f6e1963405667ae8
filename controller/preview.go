package controller

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Preview is what would be changed on one gateway now.
type Preview struct {
	Gateway v1.Gateway
	Plan    plan.Plan
	// Error says why nothing can be said about the gateway; "" when it can.
	Error string
}

// ask is a question to a worker; the worker answers once.
type ask chan Preview

// Previews compares every gateway afresh with what it should hold, and changes
// nothing. It waits until every source has loaded, or ctx ends.
func (c *Controller) Previews(ctx context.Context) ([]Preview, error) {
	asks := make([]ask, len(c.workers))
	for i, w := range c.workers {
		asks[i] = make(ask, 1)
		select {
		case w.asks <- asks[i]:
		case <-ctx.Done():
			return nil, fmt.Errorf("gateway %s: no answer: %w", w.name, ctx.Err())
		}
	}
	previews := make([]Preview, len(c.workers))
	for i, w := range c.workers {
		select {
		case previews[i] = <-asks[i]:
		case <-ctx.Done():
			return nil, fmt.Errorf("gateway %s: no answer: %w", w.name, ctx.Err())
		}
	}
	return previews, nil
}

// preview answers one question. It runs in the worker's goroutine, because a
// reconciler serves one goroutine at a time.
func (w *worker) preview(ctx context.Context) Preview {
	w.mu.Lock()
	for name, service := range w.pending { // the next round will find them changed all the same
		w.put(name, service)
	}
	w.mu.Unlock()
	scope := reconcilers.Scope{Fresh: true}
	wanted, _ := w.reconciler.Compile(scope, w.set)
	observed, err := w.reconciler.Observe(ctx, scope)
	if err != nil {
		return Preview{Gateway: w.name, Error: err.Error()}
	}
	totals := reconcilers.Totals{Services: len(w.set), Routes: w.routes}
	return Preview{Gateway: w.name, Plan: w.guard.Clone().Filter(time.Now(), scope, plan.Diff(observed, wanted), totals)}
}
