package kong

import (
	"maps"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

var (
	_ reconcilers.Witness = (*Reconciler)(nil)
	_ reconcilers.Witness = (*Nodes)(nil)
	_ reconcilers.Kin     = (*entity.Record)(nil)
)

// Left implements reconcilers.Witness. Whoever changes the writer's mark as well is
// another writer, or the gateway is another one: then nobody's hand can be told.
func (r *Reconciler) Left(scope reconcilers.Scope) plan.State {
	left := r.left
	if scope.All() {
		r.left = nil
	}
	if left == nil || r.mark.writer != r.options.Writer {
		return nil
	}
	state := plan.State{}
	if scope.All() {
		for _, objects := range left {
			maps.Copy(state, objects)
		}
		return state
	}
	for _, service := range scope.Services {
		maps.Copy(state, left[service])
	}
	return state
}

// leave remembers what was held before Kong was read, less what a write whose answer was
// lost may have changed.
func (r *Reconciler) leave(before map[string]plan.State) {
	if r.options.Witness && r.left == nil && before != nil {
		r.left = make(map[string]plan.State, len(before))
		for service, objects := range before {
			r.left[service] = maps.Clone(objects)
		}
		for key, service := range r.unsure {
			delete(r.left[service], key)
		}
	}
	clear(r.unsure)
}

// tried notes what a plan wrote: what was left before is not to be told from it, and
// where a write failed nobody knows what became of it.
func (r *Reconciler) tried(outcomes []plan.Outcome) {
	if !r.options.Witness {
		return
	}
	for _, outcome := range outcomes {
		key, service := outcome.Change.Key, outcome.Change.Object().Service
		delete(r.left[service], key)
		delete(r.unsure, key)
		if outcome.Problem != nil {
			r.unsure[key] = service
		}
	}
}

// Left implements reconcilers.Witness. Nodes must be alike: what only some of them hold
// otherwise is nobody's wish.
func (n *Nodes) Left(scope reconcilers.Scope) plan.State {
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Left(scope)
	}
	var states []plan.State
	read := false
	for i, node := range n.each {
		left := node.Left(scope)
		read = read || left != nil
		if left == nil {
			left = n.states[i]
		}
		if n.down[i] == nil {
			states = append(states, left)
		}
	}
	if !read || len(states) == 0 {
		return nil
	}
	return merged(states)
}
