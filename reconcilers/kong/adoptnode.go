package kong

import (
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Without a database nothing is adopted where it stands: a push replaces all that a
// node holds. To adopt the node is to let that happen, once.

// kindNode is what a node without a database is called among what can be adopted.
const kindNode v1.Kind = "node"

// replacements returns the node, when it holds what a push would remove.
func (r *Reconciler) replacements(ctx context.Context) ([]reconcilers.Adoption, error) {
	if r.stranger == "" {
		return nil, nil
	}
	lists, err := r.lists(ctx, nil)
	if err != nil {
		return nil, explain(fmt.Errorf("read kong: %w", err))
	}
	hash, _ := r.health.expected()
	a := reconcilers.Adoption{
		Gateway: v1.Kong, ID: hash, Names: []string{string(kindNode) + "/" + r.client.Where()},
		Change: plan.Change{Op: plan.Delete, Key: v1.Key{Kind: kindNode, Name: r.client.Where()}},
		Advice: "to keep it, start Lockstep with --kong-base and a declarative file that holds it",
	}
	for _, row := range r.rows {
		for _, body := range lists[row.Kind] {
			if e := (&entry{row, body}); !r.names.Ours(body) && !r.base.Has(row, body) {
				a.Goes = append(a.Goes, v1.OneLine(row.Word()+" "+e.called()))
			}
		}
	}
	for upstream, addresses := range r.guests {
		for _, address := range addresses {
			a.Goes = append(a.Goes, v1.OneLine(fmt.Sprintf("target %s of %s", address, strings.TrimPrefix(upstream, entity.OwnWords))))
		}
	}
	if slices.Sort(a.Goes); len(a.Goes) == 0 { // what we have no word for
		a.Goes = []string{r.stranger}
	}
	return []reconcilers.Adoption{a}, nil
}

// replaces reports whether the next push may remove what others have on the node.
func (r *Reconciler) replaces() bool {
	hash, _ := r.health.expected()
	return r.facts.dbless() && r.stranger != "" && r.adopting[hash]
}

// Adoptions implements reconcilers.Adopter: of nodes without a database, each that
// answers.
func (n *Nodes) Adoptions(ctx context.Context, set v1.Set, shared v1.Shared) ([]reconcilers.Adoption, error) {
	if _, err := n.Observe(ctx, reconcilers.Scope{Fresh: true}); err != nil {
		return nil, err
	}
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Adoptions(ctx, set, shared)
	}
	var out []reconcilers.Adoption
	for i, node := range n.each {
		if n.down[i] != nil {
			continue
		}
		of, err := node.replacements(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, of...)
	}
	return out, nil
}

// Adopt implements reconcilers.Adopter.
func (n *Nodes) Adopt(chosen []reconcilers.Adoption) {
	if cluster := n.cluster.Load(); cluster != nil {
		cluster.Adopt(chosen)
		return
	}
	for _, node := range n.each {
		node.Adopt(slices.DeleteFunc(slices.Clone(chosen), func(a reconcilers.Adoption) bool {
			return a.Change.Key.Name != node.client.Where()
		}))
	}
}
