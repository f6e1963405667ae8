package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Preview is what would be changed on one gateway now.
type Preview struct {
	Gateway v1.Gateway
	Plan    plan.Plan
	// Problems are why the gateway will not serve what was asked for: what it can't express
	// or has refused, what was decided otherwise, and what is wrong with the input.
	Problems []v1.Problem
	// Error says why nothing can be said about the gateway; "" when it can.
	Error  string
	silent bool // it did not answer in time
}

// Previews compares every gateway afresh with what it should hold, and changes
// nothing. It waits until every source has loaded, or ctx ends; a gateway that
// has not answered by then says so, and holds up no other. The error says that
// none has answered.
func (c *Controller) Previews(ctx context.Context) ([]Preview, error) {
	c.acquaint(ctx)
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
	c.explainPreviews(ctx, previews)
	return previews, nil
}

// explainPreviews adds why what was asked for is not in the plans.
func (c *Controller) explainPreviews(ctx context.Context, previews []Preview) {
	report := c.status.Expected()
	c.selections(ctx, &report)
	for i := range previews {
		p := &previews[i]
		own := p.Problems
		for _, problem := range report.Unserved(p.Gateway) {
			if !slices.ContainsFunc(own, func(told v1.Problem) bool {
				return told.Reason == problem.Reason && strings.HasSuffix(problem.Message, told.Message)
			}) {
				p.Problems = append(p.Problems, problem)
			}
		}
		p.Problems = v1.Once(p.Problems, nil)
	}
}

// ask puts the question to the worker and waits for the answer, or ctx's end.
func (w *worker) ask(ctx context.Context) Preview {
	answer := make(chan Preview, 1)
	if err := w.visit(ctx, func(ctx context.Context) { answer <- w.preview(ctx) }); err != nil {
		return Preview{Gateway: w.name, Error: "it does not answer: " + err.Error(), silent: true}
	}
	return <-answer
}

// foresee takes over what was submitted, before the next round does: that will find
// it changed all the same. It returns a job about all that there is by then.
func (w *worker) foresee() job {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, service := range w.pending {
		w.put(name, service)
	}
	if w.beside != nil {
		w.shared = *w.beside
	}
	return job{build: w.build}
}

// preview answers. It runs in the worker's goroutine.
func (w *worker) preview(ctx context.Context) Preview {
	w.foresee()
	scope := reconcilers.Scope{Fresh: true}
	p, problems, err := w.plan(ctx, scope, w.guard.Clone())
	if w.drift.keep(w.dryRun, w.log) { // nobody else will see what was found just now
		w.refresh()
	}
	if err != nil {
		return Preview{Gateway: w.name, Error: err.Error()}
	}
	if f, ok := w.reconciler.(reconcilers.Forecaster); ok {
		p = f.Forecast(p)
	}
	preview := Preview{Gateway: w.name, Plan: p}
	if contested, ok := w.reconciler.(reconcilers.Contested); ok {
		if rival := contested.Rival(); rival != nil {
			preview.Problems = append(preview.Problems, *rival)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(problems)) {
		for _, problem := range problems[service] {
			problem.Gateway = w.name
			preview.Problems = append(preview.Problems, problem)
		}
	}
	return preview
}

// visit runs a function in the worker's goroutine between two rounds, because a
// reconciler serves one goroutine at a time, and waits until it has ended. The
// error is that of ctx, when that ended before; the function may run all the same.
func (w *worker) visit(ctx context.Context, f func(context.Context)) error {
	done := make(chan struct{})
	select {
	case w.visits <- func(ctx context.Context) { defer close(done); f(ctx) }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
