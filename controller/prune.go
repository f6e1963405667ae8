package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// PruneOrder asks to remove at once what is ours and what nothing asks for, also what
// the guard keeps back.
type PruneOrder struct {
	// Objects are what somebody has agreed to, as v1.Key's text has them: where more
	// would go by now, nothing does. None means whatever is there.
	Objects []string
	// Preview says what would become of the order, and changes nothing.
	Preview bool
	// By is who asks, for people.
	By string
}

// Pruned is what became of a PruneOrder on one gateway, or would.
type Pruned struct {
	Gateway v1.Gateway
	// Outcomes are of removals; of a preview, none has a problem.
	Outcomes []plan.Outcome
	// Error says why nothing is removed there; "" when that is not so.
	Error string
}

// Prune removes what nothing asks for.
func (c *Controller) Prune(ctx context.Context, o PruneOrder) ([]Pruned, error) {
	if c.options.DryRun {
		return nil, errDry
	}
	out := make([]Pruned, 0, len(c.workers))
	for _, w := range c.workers {
		answer := make(chan Pruned, 1)
		if err := w.visit(ctx, func(ctx context.Context) { answer <- w.prune(ctx, o) }); err != nil {
			out = append(out, Pruned{Gateway: w.name, Error: "it does not answer: " + err.Error()})
			continue
		}
		out = append(out, <-answer)
	}
	return out, nil
}

// prune answers. It runs in the worker's goroutine.
func (w *worker) prune(ctx context.Context, o PruneOrder) Pruned {
	pruned := Pruned{Gateway: w.name}
	if pause := w.paused(); pause != nil {
		pruned.Error = fmt.Sprintf("paused by %s; let it follow again first, with: lockstep resume %s", pause.By, w.name)
		return pruned
	}
	if w.inDoubt() {
		pruned.Error = "what there should be is not known for sure just now, for a source does not answer (see lockstep status); ask again when it does"
		return pruned
	}
	j, guard, refused := w.foresee(), w.guard, w.refused
	if o.Preview {
		guard = w.guard.Clone()
	}
	w.refused = map[v1.Key]refusal{} // what the gateway did not remove goes with the rest
	p, _, err := w.plan(ctx, reconcilers.Scope{Fresh: true}, guard)
	w.refused = refused
	if w.drift.keep(w.dryRun, w.log) { // nobody else will see what was found just now
		w.refresh()
	}
	if err != nil {
		pruned.Error = err.Error()
		return pruned
	}
	for _, change := range slices.Concat(p.Changes, p.Held) {
		if change.Op == plan.Delete {
			pruned.Outcomes = append(pruned.Outcomes, plan.Outcome{Change: change})
		}
	}
	if o.Preview || len(pruned.Outcomes) == 0 {
		return pruned
	}
	for _, outcome := range pruned.Outcomes {
		if len(o.Objects) > 0 && !slices.Contains(o.Objects, outcome.Change.Key.String()) {
			pruned.Outcomes, pruned.Error = nil, "more would go by now than was agreed to: "+outcome.Change.Before.Noun+"; ask again"
			return pruned
		}
	}
	return w.removeHeld(ctx, o, pruned, j)
}

// removeHeld removes what was found, with all else that is due.
func (w *worker) removeHeld(ctx context.Context, o PruneOrder, pruned Pruned, j job) Pruned {
	defer w.refresh()
	w.guard.Confirm()
	clear(w.refused)
	outcomes, err := w.work(ctx, j, time.Now())
	if err != nil {
		pruned.Outcomes, pruned.Error = nil, err.Error()
		return pruned
	}
	pruned.Outcomes = slices.DeleteFunc(outcomes, func(outcome plan.Outcome) bool { return outcome.Change.Op != plan.Delete })
	w.log.Info("pruned", "removed", len(pruned.Outcomes), "by", o.By)
	return pruned
}
