package controller

import (
	"context"
	"fmt"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// Render returns what a gateway is to hold now, in its own words and without
// secrets, and what can't be said in them.
func (c *Controller) Render(ctx context.Context, gateway v1.Gateway) ([]reconcilers.File, []v1.Problem, error) {
	for _, w := range c.workers {
		if w.name != gateway {
			continue
		}
		renderer, can := w.reconciler.(reconcilers.Renderer)
		if !can {
			return nil, nil, fmt.Errorf("%s can't be rendered by this version", gateway)
		}
		c.acquaint(ctx)
		type answer struct {
			files    []reconcilers.File
			problems []v1.Problem
			err      error
		}
		answers := make(chan answer, 1) // nobody may be there any more to take it
		err := w.visit(ctx, func(ctx context.Context) {
			var a answer
			a.files, a.problems, a.err = w.render(ctx, renderer)
			answers <- a
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%s does not answer: %w", gateway, err)
		}
		a := <-answers
		return a.files, a.problems, a.err
	}
	return nil, nil, fmt.Errorf("%s is not kept here; name it with the flags of run", gateway)
}

// render answers. It runs in the worker's goroutine, and first looks at the
// gateway: how things are said depends on what that can do.
func (w *worker) render(ctx context.Context, renderer reconcilers.Renderer) ([]reconcilers.File, []v1.Problem, error) {
	w.foresee()
	if _, err := w.reconciler.Observe(ctx, reconcilers.Scope{}); err != nil {
		return nil, nil, err
	}
	return renderer.Render(w.set, w.shared)
}
