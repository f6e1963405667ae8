package controller

import (
	"context"
	"fmt"
	"sync"
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
	Error  string
	silent bool // it did not answer in time
}

// ask is a question to a worker; the worker answers once.
type ask chan Preview

// Previews compares every gateway afresh with what it should hold, and changes
// nothing. It waits until every source has loaded, or ctx ends; a gateway that
// has not answered by then says so, and holds up no other. The error says that
// none has answered.
func (c *Controller) Previews(ctx context.Context) ([]Preview, error) {
	previews := make([]Preview, len(c.workers))
	answered := false
	var group sync.WaitGroup
	for i, w := range c.workers {
		group.Go(func() { previews[i] = w.ask(ctx) })
	}
	group.Wait()
	for _, preview := range previews {
		answered = answered || !preview.silent
	}
	if !answered {
		return nil, fmt.Errorf("no gateway answers: %w", ctx.Err())
	}
	return previews, nil
}

// ask puts one question to the worker and waits for the answer, or ctx's end.
func (w *worker) ask(ctx context.Context) Preview {
	answer := make(ask, 1)
	select {
	case w.asks <- answer:
		select {
		case preview := <-answer:
			return preview
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return Preview{Gateway: w.name, Error: "it does not answer: " + ctx.Err().Error(), silent: true}
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
