package kong

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Nodes keeps several addresses of Kong: one cluster over a database, or nodes
// without one, each of which holds everything by itself. Which of the two is asked
// with the first look.
//
// Of nodes without a database, each is read, written and watched for itself; what
// one holds and another does not is a change like any other. One that does not
// answer is left out until it does, and named by a problem meanwhile.
type Nodes struct {
	options Options
	each    []*Reconciler
	cluster atomic.Pointer[Reconciler] // over the database, once that is known

	states []plan.State // of each node, as last observed; nil where it did not answer
	down   []error      // why it did not

	decided chan struct{} // closed when it is known which of the two they are
	settled sync.Once     // that was done
	verification

	watched atomic.Bool // Watch goes on, and says when a node is back
}

var (
	_ reconcilers.Reconciler = (*Nodes)(nil)
	_ reconcilers.Watcher    = (*Nodes)(nil)
	_ reconcilers.Verifier   = (*Nodes)(nil)
)

// Gateway is what Open returns: one reconciler, whatever it keeps.
type Gateway interface {
	reconcilers.Reconciler
	reconcilers.Watcher
	reconcilers.Witness
	reconcilers.Verifier
}

// Open returns a reconciler for all of the addresses. It asks none of them yet.
func Open(o Options) (Gateway, error) {
	if len(o.AdminURLs) < 2 {
		return New(o)
	}
	var err error
	if o.metrics, err = newMetrics(o.Registerer); err != nil {
		return nil, err
	}
	if o.file, err = declaration.Open(entity.Table(), o.Base); err != nil {
		return nil, err
	}
	n := &Nodes{options: o, decided: make(chan struct{})}
	for i, url := range o.AdminURLs {
		o.AdminURLs = []string{url}
		if len(n.options.ProxyURLs) == len(n.options.AdminURLs) {
			o.ProxyURLs = n.options.ProxyURLs[i : i+1]
		}
		node, err := New(o)
		if err != nil {
			return nil, err
		}
		n.each = append(n.each, node)
	}
	n.states, n.down = make([]plan.State, len(n.each)), make([]error, len(n.each))
	return n, nil
}

// decide asks the nodes, until one answers, whether they have a database.
func (n *Nodes) decide(ctx context.Context) error {
	var failed []error
	for _, node := range n.each {
		if node.facts != nil {
			return nil // without one, for this was asked before
		}
	}
	for i, node := range n.each {
		err := node.ask(ctx)
		if err == nil && node.facts.dbless() {
			return nil
		}
		if err == nil {
			node.facts = nil // the next look begins with the cluster
			cluster, err := New(n.options)
			if err != nil {
				return err
			}
			n.cluster.Store(cluster)
			return nil
		}
		node.health.fell()
		n.down[i] = explain(fmt.Errorf("read kong: %w", err))
		failed = append(failed, n.down[i])
	}
	return failed[0]
}

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

// all does something for each node at once.
func (n *Nodes) all(do func(i int, node *Reconciler)) {
	var group sync.WaitGroup
	for i, node := range n.each {
		group.Go(func() { do(i, node) })
	}
	group.Wait()
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

// about is the problem of one node among several.
func (r *Reconciler) about(err error) v1.Problem {
	problem := *problemOf(err)
	problem.Object = v1.Key{Kind: v1.KindEntity, Name: "node/" + r.client.Where()}
	if problem.Fix == "" {
		problem.Fix = "it is tried again by itself"
	}
	return problem
}

// Watch implements reconcilers.Watcher: each node is looked at.
func (n *Nodes) Watch(ctx context.Context, poke func()) error {
	n.watched.Store(true)
	defer n.watched.Store(false)
	ticker := time.NewTicker(n.each[0].options.WatchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		if cluster := n.cluster.Load(); cluster != nil {
			if cluster.due(ctx) {
				poke()
			}
			continue
		}
		if n.options.file.Changed() {
			poke()
		}
		n.all(func(_ int, node *Reconciler) {
			if node.due(ctx) {
				poke()
			}
		})
	}
}

// Close implements reconcilers.Reconciler.
func (n *Nodes) Close() error {
	var failed []error
	for _, node := range n.each {
		failed = append(failed, node.Close())
	}
	if cluster := n.cluster.Load(); cluster != nil {
		failed = append(failed, cluster.Close())
	}
	return errors.Join(failed...)
}
