package kong

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// patienceWith5xx is how many changes may end with Kong's own errors until the
// rest is not tried: one bad entity must not stop the others, a broken database may.
const patienceWith5xx = 3

// batch is one plan being written to a Kong with a database.
type batch struct {
	*Reconciler
	changes  []plan.Change
	outcomes []plan.Outcome
	done     []*plan.Object         // by change: what Kong holds now
	failed   map[v1.Key]*v1.Problem // parents that could not be made, or whose children could not be removed
	cascade  map[int]v1.Key         // by change: the upstream whose removal removes this target

	freeing   sync.Mutex  // one at a time moves names out of the way
	doubtful  atomic.Bool // what Kong holds is not what is remembered
	troubles  atomic.Int32
	writtenMu sync.Mutex
	written   map[string]bool // ids that this batch made or changed: not to be removed under another key
}

// write makes the changes: parents before children, children gone before
// parents, and all of one level at once.
func (r *Reconciler) write(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	b := &batch{
		Reconciler: r, changes: p.Changes, outcomes: make([]plan.Outcome, len(p.Changes)), done: make([]*plan.Object, len(p.Changes)),
		failed: map[v1.Key]*v1.Problem{}, cascade: map[int]v1.Key{}, written: map[string]bool{},
	}
	b.spare()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for from := 0; from < len(p.Changes); {
		var indexes []int
		to := from
		for ; to < len(p.Changes) && samePhase(p.Changes[from], p.Changes[to]); to++ {
			b.outcomes[to].Change = p.Changes[to]
			if _, spared := b.cascade[to]; !spared {
				indexes = append(indexes, to)
			}
		}
		b.phase(ctx, stop, indexes)
		from = to
	}
	b.phase(ctx, stop, b.orphans())
	if b.doubtful.Load() {
		r.stale = true
	}
	return b.outcomes, nil
}

// samePhase reports whether two neighbours of a plan may be made at once.
func samePhase(a, b plan.Change) bool {
	return (a.Op == plan.Delete) == (b.Op == plan.Delete) && a.Object().Level == b.Object().Level
}

// spare finds the targets that need no request because Kong removes them along
// with their upstream.
func (b *batch) spare() {
	going := map[v1.Key]bool{}
	for _, change := range b.changes {
		if change.Op == plan.Delete && change.Key.Kind == kindUpstream && len(b.guests[change.Before.Service]) == 0 {
			going[change.Key] = true
		}
	}
	for i, change := range b.changes {
		if change.Op != plan.Delete || change.Key.Kind != kindTarget {
			continue
		}
		if rec, ok := change.Before.Native.(*record); ok {
			upstream := v1.Key{Kind: kindUpstream, Name: rec.parents["upstream"]}
			if going[upstream] {
				b.cascade[i] = upstream
			}
		}
	}
}

// phase makes the changes with the given indexes, and then notes what became of them.
func (b *batch) phase(ctx context.Context, stop context.CancelCauseFunc, indexes []int) {
	var group errgroup.Group
	group.SetLimit(b.options.Concurrency)
	for _, i := range indexes {
		if problem := b.hindered(b.changes[i]); problem != nil {
			b.outcomes[i].Problem = problem
			continue
		}
		group.Go(func() error {
			object, err := b.change(ctx, b.changes[i])
			b.done[i], b.outcomes[i].Problem = object, problemOf(err)
			b.judge(ctx, stop, err)
			return nil
		})
	}
	_ = group.Wait() // the errors are in the outcomes
	for _, i := range indexes {
		b.note(i)
	}
}

// judge decides what an error means for the rest of the batch.
func (b *batch) judge(ctx context.Context, stop context.CancelCauseFunc, err error) {
	var (
		none   *unreachable
		moving *moved
	)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		b.doubtful.Store(true) // a try whose answer was lost may have been carried out
	case errors.As(err, &none) && !none.answered:
		b.doubtful.Store(true)
		b.health.fell()
		stop(err)
	case errors.As(err, &none):
		b.doubtful.Store(true)
		if b.troubles.Add(1) >= patienceWith5xx {
			stop(err)
		}
	case errors.As(err, &moving), is(err, codeUnsupported):
		b.doubtful.Store(true)
	}
}

// note keeps what Kong holds after a change.
func (b *batch) note(i int) {
	change, problem := b.changes[i], b.outcomes[i].Problem
	if problem == nil {
		b.keep(change.Key, change.Object().Service, nil)
		if now := b.done[i]; now != nil {
			b.keep(now.Key, now.Service, now)
		}
		if change.Key == markKey() && change.Op != plan.Delete {
			b.mark.writer, b.mark.mine = b.options.Writer, true
		}
		return
	}
	rec, ok := change.Object().Native.(*record)
	switch {
	case change.Op == plan.Create:
		b.failed[change.Key] = problem
	case change.Op == plan.Delete && ok:
		for _, parent := range rec.parentKeys() {
			b.failed[parent] = problem
		}
	}
}

// hindered says why a change can't be made after what went wrong before it.
func (b *batch) hindered(change plan.Change) *v1.Problem {
	if len(b.failed) == 0 {
		return nil
	}
	rec, ok := change.Object().Native.(*record)
	if !ok {
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
	for _, parent := range rec.parentKeys() {
		if problem := b.failed[parent]; problem != nil {
			return because(problem, "made", parent)
		}
	}
	return nil
}

// orphans notes the targets that went with their upstream, and returns those
// whose upstream stayed after all: an instance that is gone must not keep its target.
func (b *batch) orphans() []int {
	stays := map[v1.Key]bool{}
	for i, change := range b.changes {
		if change.Op == plan.Delete && change.Key.Kind == kindUpstream {
			stays[change.Key] = b.outcomes[i].Problem != nil
		}
	}
	var left []int
	for _, i := range slices.Sorted(maps.Keys(b.cascade)) {
		if stays[b.cascade[i]] {
			left = append(left, i)
			continue
		}
		b.note(i)
	}
	return left
}

// change makes one change and returns the object that Kong holds after it.
func (b *batch) change(ctx context.Context, change plan.Change) (*plan.Object, error) {
	rec, ok := change.Object().Native.(*record)
	if !ok {
		return nil, fmt.Errorf("the object %s was not made by this reconciler", change.Key)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("it was not tried: %w", err)
	}
	switch change.Op {
	case plan.Create:
		b.wrote(rec.id)
		return b.create(ctx, rec)
	case plan.Update:
		b.wrote(rec.id)
		return b.update(ctx, rec)
	}
	if b.wasWritten(rec.id) {
		return nil, nil // it was found under a wrong key, and is now what it should be
	}
	return nil, b.remove(ctx, rec)
}

func (b *batch) wrote(id string) {
	b.writtenMu.Lock()
	defer b.writtenMu.Unlock()
	b.written[id] = true
}

func (b *batch) wasWritten(id string) bool {
	b.writtenMu.Lock()
	defer b.writtenMu.Unlock()
	return b.written[id]
}
