package kong

import (
	"context"
	"maps"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Observe implements reconcilers.Reconciler.
func (n *Nodes) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	if n.cluster.Load() == nil {
		if err := n.decide(ctx); err != nil {
			return nil, err
		}
		if err := n.paired(); err != nil {
			return nil, err
		}
		n.settled.Do(func() { close(n.decided) })
	}
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Observe(ctx, scope)
	}
	n.options.file.Follow(n.each[0].options.Log) // the same for all of them
	n.all(func(i int, node *Reconciler) {
		if n.silent(ctx, i) {
			n.states[i] = nil
			return
		}
		n.states[i], n.down[i] = node.Observe(ctx, scope)
		if n.down[i] == nil && !node.facts.dbless() {
			n.states[i], n.down[i] = nil, admin.Problem(v1.Conflict, "several addresses of Kong are given, and the one at "+node.client.Where()+" has a database, while others have none",
				"name nodes without a database, or nodes of one cluster with one")
		}
	})
	n.looked()
	up := n.up()
	if len(up) == 0 {
		return nil, n.down[0]
	}
	return merged(up), nil
}

// silent reports whether a node that did not answer still does not. All tries of a
// request would take a minute at one that swallows what it is sent, and the other nodes
// wait for the slowest: so it is asked once, by Watch where that goes on.
func (n *Nodes) silent(ctx context.Context, i int) bool {
	node := n.each[i]
	if n.down[i] == nil || !node.health.isDown() {
		return false
	}
	if !n.watched.Load() {
		node.look(ctx)
	}
	return node.health.isDown()
}

// up are the states of the nodes that answered.
func (n *Nodes) up() []plan.State {
	var out []plan.State
	for i := range n.each {
		if n.down[i] == nil {
			out = append(out, n.states[i])
		}
	}
	return out
}

// merged is what all of some states hold. What is not alike everywhere is unlike
// what anybody asks for.
func merged(states []plan.State) plan.State {
	if len(states) == 1 {
		return states[0]
	}
	out := maps.Clone(states[0])
	for _, state := range states[1:] {
		for key, o := range state {
			if out[key] == nil {
				out[key] = o
			}
		}
	}
	for key, o := range out {
		for _, state := range states {
			if other := state[key]; other == nil || len(other.Differs(o)) > 0 {
				uneven := *o
				uneven.Fields = maps.Clone(o.Fields)
				uneven.Fields["nodes"] = "some"
				out[key] = &uneven
				break
			}
		}
	}
	return out
}

// Compile implements reconcilers.Reconciler.
func (n *Nodes) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Compile(scope, set, shared)
	}
	var state plan.State
	var problems []v1.Problem
	open := n.open()
	for i, node := range n.each {
		if n.down[i] != nil {
			continue
		}
		node.open = open
		// Each takes from it what it must know of itself; they differ in nothing else.
		made, found := node.Compile(scope, set, shared)
		if state == nil {
			state, problems = made, found
		}
	}
	if state == nil { // none was asked yet
		return n.each[0].Compile(scope, set, shared)
	}
	for i, node := range n.each {
		if n.down[i] != nil && scope.All() {
			problems = append(problems, node.about(n.down[i]))
		}
	}
	return state, problems
}

// open are the routes that lead to their services at any node: one that came back empty
// says nothing about what was asked for before.
func (n *Nodes) open() map[v1.Key]bool {
	open := map[v1.Key]bool{}
	for _, state := range n.up() {
		for key, o := range state {
			if key.Kind == v1.KindRoute && entity.IsOpen(o) {
				open[key] = true
			}
		}
	}
	return open
}
