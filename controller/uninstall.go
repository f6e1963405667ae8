package controller

import (
	"context"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Uninstall removes everything of ours from a gateway that no Controller keeps: as if
// nothing were desired, and then what is there even so. A gateway that its reconciler
// keeps running is ended, and keeps what it needs to start. preview says what would go, and
// changes nothing.
func Uninstall(ctx context.Context, gateway Gateway, preview bool) Pruned {
	pruned := Pruned{Gateway: gateway.Name}
	keeper, keeps := gateway.Reconciler.(reconcilers.Keeper)
	p, err := toNothing(ctx, gateway.Reconciler, !keeps)
	would := removalsOf(p)
	if preview || err != nil {
		pruned.take(would, nil, err)
		return pruned
	}
	last := []bool{false}
	switch {
	case len(would) == 0:
		last = nil
	case !keeps: // the writer's mark goes by itself: until then nobody else may write
		last = append(last, true)
	}
	for _, whole := range last {
		p, err := toNothing(ctx, gateway.Reconciler, whole)
		var outcomes []plan.Outcome
		if err == nil {
			outcomes, err = gateway.Reconciler.Apply(ctx, p)
		}
		pruned.take(nil, outcomes, err)
		if err != nil || !keeps && slices.ContainsFunc(outcomes, func(o plan.Outcome) bool { return o.Problem != nil }) {
			return pruned // as long as something of ours is there, the mark is
		}
	}
	if keeps {
		pruned.take(nil, nil, keeper.End(ctx))
	}
	return pruned
}

// take notes what became of removals, or what would. Where the gateway as a whole is at
// fault, that is said once.
func (p *Pruned) take(would []plan.Change, outcomes []plan.Outcome, err error) {
	if err != nil {
		p.Error = err.Error()
		return
	}
	for _, change := range would {
		p.Outcomes = append(p.Outcomes, plan.Outcome{Change: change})
	}
	for _, outcome := range outcomes {
		if outcome.Change.Op == plan.Delete {
			p.Outcomes = append(p.Outcomes, outcome)
		}
	}
}

// toNothing returns what leads to a gateway where nothing is desired; whole: to one that
// holds nothing of ours at all. It brings nothing back to life.
func toNothing(ctx context.Context, r reconcilers.Reconciler, whole bool) (plan.Plan, error) {
	observed, err := r.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err != nil {
		return plan.Plan{}, err
	}
	wanted := plan.State{}
	if !whole {
		wanted, _ = r.Compile(reconcilers.Scope{}, v1.Set{}, v1.Shared{})
	}
	p := plan.Diff(observed, wanted)
	if keeper, keeps := r.(reconcilers.Keeper); keeps {
		p.Changes = slices.DeleteFunc(p.Changes, keeper.Revives)
	}
	return p, nil
}

// removalsOf returns the removals of a plan.
func removalsOf(p plan.Plan) []plan.Change {
	return slices.DeleteFunc(slices.Clone(p.Changes), func(c plan.Change) bool { return c.Op != plan.Delete })
}
