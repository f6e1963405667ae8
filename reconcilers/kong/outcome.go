package kong

import (
	"context"
	"errors"
	"fmt"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// patienceWith5xx is how many changes may end with Kong's own errors until the
// rest is not tried: one bad entity must not stop the others, a broken database may.
const patienceWith5xx = 3

// judge decides what an error means for the rest of the batch.
func (b *batch) judge(ctx context.Context, stop context.CancelCauseFunc, err error) {
	var (
		none   *admin.Unreachable
		moving *moved
	)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		b.doubtful.Store(true) // a try whose answer was lost may have been carried out
	case errors.As(err, &none) && !none.Answered:
		b.doubtful.Store(true)
		b.health.fell()
		stop(err)
	case errors.As(err, &none):
		b.doubtful.Store(true)
		if b.troubles.Add(1) >= patienceWith5xx {
			stop(err)
		}
	case errors.As(err, &moving), admin.IsCode(err, admin.CodeUnsupported):
		b.doubtful.Store(true)
	}
}

// note keeps what Kong holds after a change.
func (b *batch) note(i int) {
	change, problem := b.changes[i], b.outcomes[i].Problem
	if change.Key.Kind == v1.KindPlugin && change.Op != plan.Delete {
		b.problems[change.Key] = problem
		delete(b.pending, change.Key)
	}
	if problem == nil {
		b.keep(change.Key, change.Object().Service, nil)
		if change.Op == plan.Delete {
			delete(b.names.Adopted, change.Key)
		}
		if change.Before != nil { // it may have been in another group
			b.keep(change.Key, change.Before.Service, nil)
		}
		if now := b.done[i]; now != nil {
			b.keep(now.Key, now.Service, now)
		}
		if change.Key == markKey() && change.Op != plan.Delete {
			b.mark.writer, b.mark.mine = b.options.Writer, true
		}
		return
	}
	rec, ok := change.Object().Native.(*entity.Record)
	switch {
	case change.Op == plan.Create:
		b.failed[change.Key] = problem
	case change.Op == plan.Delete && ok:
		for _, parent := range rec.Parents() {
			b.failed[parent] = problem
		}
	}
}

// hindered says why a change can't be made after what went wrong before it.
func (b *batch) hindered(change plan.Change) *v1.Problem {
	rec, ok := change.Object().Native.(*entity.Record)
	if !ok {
		return nil
	}
	if rec.Row.Kind == v1.KindPlugin && change.Op == plan.Delete {
		return b.keeps(rec)
	}
	if len(b.failed) == 0 {
		return nil
	}
	because := func(problem *v1.Problem, how string, other v1.Key) *v1.Problem {
		p := *problem
		p.Message = fmt.Sprintf("it waits for %s, which could not be %s: %s", other, how, problem.Message)
		return &p
	}
	if change.Op == plan.Delete {
		if problem := b.failed[change.Key]; problem != nil {
			return because(problem, "left by all others", change.Key)
		}
		return nil
	}
	for _, parent := range rec.Parents() {
		if problem := b.failed[parent]; problem != nil {
			return because(problem, "made", parent)
		}
	}
	return nil
}
