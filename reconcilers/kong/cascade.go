package kong

import (
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// spare finds what needs no request because Kong removes it along with its parent:
// targets with their upstream, plugins with their service or route, credentials
// with their consumer. A plugin that went before its route would leave that open
// for a moment.
func (b *batch) spare() {
	going := map[v1.Key]bool{}
	for _, change := range b.changes {
		if change.Op == plan.Delete && (change.Key.Kind != v1.KindUpstream || len(b.guests[change.Key.Name]) == 0) {
			going[change.Key] = true
		}
	}
	for i, change := range b.changes {
		rec, ok := change.Object().Native.(*entity.Record)
		if !ok || change.Op != plan.Delete {
			continue
		}
		for _, field := range rec.Row.Going {
			if parent := (v1.Key{Kind: rec.Row.Refs[field], Name: rec.ParentKeys[field]}); going[parent] {
				b.cascade[i] = parent
			}
		}
	}
}

// orphans notes what went with its parent, and returns what is left of those whose
// parent stayed after all: an instance that is gone must not keep its target.
func (b *batch) orphans() []int {
	stays := map[v1.Key]*v1.Problem{}
	for i, change := range b.changes {
		if change.Op == plan.Delete {
			stays[change.Key] = b.outcomes[i].Problem
		}
	}
	var left []int
	for _, i := range slices.Sorted(maps.Keys(b.cascade)) {
		switch problem := stays[b.cascade[i]]; {
		case problem != nil && b.changes[i].Key.Kind == v1.KindPlugin: // it protects what stayed
			b.outcomes[i].Problem = problem
		case problem != nil:
			left = append(left, i)
			continue
		}
		b.progress.Add(1)
		b.note(i)
	}
	return left
}
