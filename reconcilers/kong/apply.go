package kong

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// batch is one plan being written to a Kong with a database.
type batch struct {
	*Reconciler
	changes  []plan.Change
	progress *plan.Progress
	outcomes []plan.Outcome
	done     []*plan.Object         // by change: what Kong holds now
	failed   map[v1.Key]*v1.Problem // parents that could not be made, or whose children could not be removed
	cascade  map[int]v1.Key         // by change: the parent whose removal removes this as well
	pending  map[v1.Key]bool        // plugins that are still to be made or changed
	problems map[v1.Key]*v1.Problem // what went wrong with a plugin
	waiting  map[int]*entity.Record // by change: routes that wait for their plugins

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
		Reconciler: r, changes: p.Changes, progress: p.Progress, outcomes: make([]plan.Outcome, len(p.Changes)), done: make([]*plan.Object, len(p.Changes)),
		failed: map[v1.Key]*v1.Problem{}, cascade: map[int]v1.Key{}, written: map[string]bool{},
		pending: map[v1.Key]bool{}, problems: map[v1.Key]*v1.Problem{}, waiting: map[int]*entity.Record{},
	}
	b.spare()
	for _, change := range p.Changes {
		b.pending[change.Key] = change.Key.Kind == v1.KindPlugin && change.Op != plan.Delete
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	turned := false
	var proof []int
	for from := 0; from < len(p.Changes); {
		if !turned && p.Changes[from].Op == plan.Delete {
			turned = true
			b.settleRoutes(ctx, stop)
		}
		var indexes []int
		to := from
		for ; to < len(p.Changes) && samePhase(p.Changes[from], p.Changes[to]); to++ {
			b.outcomes[to].Change = p.Changes[to]
			if own := entity.IsProof(p.Changes[to].Key); own && p.Changes[to].Op != plan.Delete {
				proof = append(proof, to)
			} else if _, spared := b.cascade[to]; !spared {
				indexes = append(indexes, to)
			}
		}
		b.phase(ctx, stop, indexes)
		from = to
	}
	if !turned {
		b.settleRoutes(ctx, stop)
	}
	b.phase(ctx, stop, b.orphans())
	b.outcomes = b.awaited(b.outcomes, b.prove(ctx, stop, proof))
	if b.doubtful.Load() || len(r.adopting) > 0 {
		r.stale = true // what could not be adopted has the id again that follows from its name
	}
	return b.outcomes, nil
}

// settleRoutes ends what concerns routes and their plugins, before anything is removed.
func (b *batch) settleRoutes(ctx context.Context, stop context.CancelCauseFunc) {
	b.turn(ctx, stop)
	b.shut(ctx, stop)
}

// samePhase reports whether two neighbours of a plan may be made at once.
func samePhase(a, b plan.Change) bool {
	return (a.Op == plan.Delete) == (b.Op == plan.Delete) && a.Object().Level == b.Object().Level
}

// phase makes the changes with the given indexes, and then notes what became of them.
func (b *batch) phase(ctx context.Context, stop context.CancelCauseFunc, indexes []int) {
	var free []int
	for _, i := range indexes {
		if b.outcomes[i].Problem = b.hindered(b.changes[i]); b.outcomes[i].Problem == nil {
			free = append(free, i)
		}
	}
	b.progress.Add(len(indexes) - len(free))
	// What is adopted serves: it waits for all else of its level, as a service for targets.
	fresh, adopted := free, []int(nil)
	if len(b.adopting) > 0 {
		fresh = slices.DeleteFunc(slices.Clone(free), func(i int) bool { return b.adopts(b.changes[i]) })
		adopted = slices.DeleteFunc(free, func(i int) bool { return !b.adopts(b.changes[i]) })
	}
	for _, some := range [][]int{fresh, adopted} {
		b.each(some, func(i int) {
			object, err := b.change(ctx, i)
			b.done[i], b.outcomes[i].Problem = object, problemOf(err)
			b.judge(ctx, stop, err)
			if !b.waits(i) {
				b.progress.Add(1)
			}
		})
	}
	for _, i := range indexes {
		b.note(i)
	}
}

// each does something for each of some changes at once.
func (b *batch) each(indexes []int, do func(i int)) {
	var group errgroup.Group
	group.SetLimit(b.options.Concurrency)
	for _, i := range indexes {
		group.Go(func() error {
			do(i)
			return nil // the errors are in the outcomes
		})
	}
	_ = group.Wait()
}

// change makes one change and returns the object that Kong holds after it.
func (b *batch) change(ctx context.Context, i int) (*plan.Object, error) {
	change := b.changes[i]
	rec, ok := change.Object().Native.(*entity.Record)
	if !ok {
		return nil, fmt.Errorf("the object %s was not made by this reconciler", change.Key)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("it was not tried: %w", err)
	}
	if change.Op != plan.Delete {
		b.wrote(rec.ID)
	}
	switch {
	case change.Op != plan.Delete && len(rec.Needs) > 0:
		return b.open(ctx, i, rec)
	case b.adopts(change), change.Op == plan.Update:
		return b.update(ctx, rec)
	case change.Op == plan.Create:
		return b.create(ctx, rec)
	}
	if b.wasWritten(rec.ID) {
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
