package kong

import (
	"maps"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/deck"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Render implements reconcilers.Renderer: what Kong is to hold, as a decK file.
// Secrets stand in it as variables of decK's.
func (r *Reconciler) Render(set v1.Set, shared v1.Shared) ([]reconcilers.File, []v1.Problem, error) {
	state, problems := r.Compile(reconcilers.Scope{}, set, shared)
	maps.DeleteFunc(state, func(key v1.Key, _ *plan.Object) bool { return entity.IsProof(key) }) // nobody declares it
	text, err := deck.Render(r.rows, state, r.catalog())
	if err != nil {
		return nil, problems, err
	}
	return []reconcilers.File{{Name: deckName, Text: string(text)}}, problems, nil
}

// deckName is what a decK file is called.
const deckName = "kong.yaml"

// Render implements reconcilers.Renderer.
func (n *Nodes) Render(set v1.Set, shared v1.Shared) ([]reconcilers.File, []v1.Problem, error) {
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Render(set, shared)
	}
	for i, node := range n.each {
		if n.down[i] == nil {
			return node.Render(set, shared)
		}
	}
	return n.each[0].Render(set, shared)
}
