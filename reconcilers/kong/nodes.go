package kong

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lockstep/lockstep/reconcilers"
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
	reconcilers.Configured
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

// all does something for each node at once.
func (n *Nodes) all(do func(i int, node *Reconciler)) {
	var group sync.WaitGroup
	for i, node := range n.each {
		group.Go(func() { do(i, node) })
	}
	group.Wait()
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
