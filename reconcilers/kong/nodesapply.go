package kong

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Apply implements reconcilers.Reconciler.
func (n *Nodes) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Apply(ctx, p)
	}
	if len(n.up()) == 0 {
		return n.each[0].untried(p, n.down[0])
	}
	p.Progress.AtOnce("push")
	results := make([][]plan.Outcome, len(n.each))
	failed := make([]error, len(n.each))
	n.all(func(i int, node *Reconciler) {
		if n.down[i] == nil {
			results[i], failed[i] = node.Apply(ctx, n.share(i, p))
		}
	})
	outcomes := make([]plan.Outcome, len(p.Changes))
	for at, change := range p.Changes {
		outcomes[at].Change = change
	}
	var errs []error
	generation := n.accept()
	for i, node := range n.each {
		there := map[v1.Key]plan.Outcome{}
		for _, outcome := range results[i] {
			there[outcome.Change.Key] = outcome
		}
		for at := range outcomes {
			if there[outcomes[at].Change.Key].Generation > 0 {
				outcomes[at].Generation = generation
				outcomes[at].Opens = outcomes[at].Opens || there[outcomes[at].Change.Key].Opens
			}
			if problem := there[outcomes[at].Change.Key].Problem; problem != nil && outcomes[at].Problem == nil {
				here := *problem
				here.Message = fmt.Sprintf("at the node %s: %s", node.client.Where(), problem.Message)
				outcomes[at].Problem = &here
			}
		}
		if failed[i] != nil {
			errs = append(errs, failed[i])
		}
	}
	if len(errs) == len(n.up()) {
		return outcomes, errors.Join(errs...)
	}
	return outcomes, nil
}

// share is what of a plan is still to be done at one node.
func (n *Nodes) share(i int, p plan.Plan) plan.Plan {
	var out plan.Plan
	for _, change := range p.Changes {
		before, after := n.states[i][change.Key], change.After
		next := plan.Change{Op: plan.Update, Key: change.Key, Before: before, After: after, Reload: change.Reload}
		switch {
		case before == nil && after == nil:
			continue
		case before == nil:
			next.Op = plan.Create
		case after == nil:
			next.Op = plan.Delete
		default:
			if next.Fields = before.Differs(after); len(next.Fields) == 0 {
				continue
			}
		}
		out.Changes = append(out.Changes, next)
	}
	return out
}
