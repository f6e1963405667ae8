package kong

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
)

// verification is what is known of whether several nodes serve what they accepted. The
// generation of all is the sum of theirs, and is served when each serves its part.
type verification struct {
	mu        sync.Mutex
	parts     []part
	known     []reconcilers.Verification // by node, as last told
	answering []bool                     // by node, as it was when they were last observed
	done      uint64                     // the newest generation that all serve
}

// maxParts is how many are remembered.
const maxParts = 128

// part is one generation of all nodes.
type part struct {
	number uint64
	of     []uint64 // by node; 0 of one that had no part in it
}

// Verifies implements reconcilers.Verifier.
func (n *Nodes) Verifies() bool { return len(n.options.ProxyURLs) > 0 }

// paired says what is wrong with the addresses of proxies of nodes without a database.
func (n *Nodes) paired() error {
	if given := len(n.options.ProxyURLs); n.cluster.Load() == nil && given > 0 && given != len(n.each) {
		return admin.Problem(v1.Conflict, fmt.Sprintf("%d addresses of Kong's proxy are given for %d nodes without a database, each of which holds its own", given, len(n.each)),
			"name for each --kong-admin-url its --kong-proxy-url, in the same order")
	}
	return nil
}

// Verify implements reconcilers.Verifier.
func (n *Nodes) Verify(ctx context.Context, tell func(reconcilers.Verification)) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-n.decided:
	}
	if cluster := n.cluster.Load(); cluster != nil {
		return cluster.Verify(ctx, tell)
	}
	group, ctx := errgroup.WithContext(ctx)
	for i, node := range n.each {
		group.Go(func() error {
			return node.Verify(ctx, func(known reconcilers.Verification) { n.told(i, known, tell) })
		})
	}
	return group.Wait()
}

// accept returns the generation of what the nodes hold now; 0 when nobody is asked.
func (n *Nodes) accept() uint64 {
	if !n.Verifies() {
		return 0
	}
	next := part{of: make([]uint64, len(n.each))}
	for i, node := range n.each {
		accepted := node.verifier.Known().Accepted
		next.number += accepted
		if n.down[i] == nil {
			next.of[i] = accepted
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := len(n.parts) - 1; last < 0 || n.parts[last].number != next.number {
		n.parts = append(n.parts, next)
	}
	if len(n.parts) > maxParts { // who serves a later one serves it as well
		n.parts = append([]part(nil), n.parts[1:]...)
	}
	return next.number
}

// looked notes which nodes answer. One that does not is waited for when it is back.
func (n *Nodes) looked() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answering = make([]bool, len(n.each))
	for i := range n.each {
		n.answering[i] = n.down[i] == nil
	}
}

// told takes in what is known of one node, and tells what is known of all.
func (n *Nodes) told(i int, known reconcilers.Verification, tell func(reconcilers.Verification)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = make([]reconcilers.Verification, len(n.each))
	}
	n.known[i] = known
	var all reconcilers.Verification
	served := len(n.answering) > 0
	for i, k := range n.known {
		all.Accepted += k.Accepted
		served = served && (!n.answering[i] || k.Accepted > 0 && k.Verified == k.Accepted)
		if all.Problem == "" {
			all.Problem, all.Fix = k.Problem, k.Fix
		}
	}
	for len(n.parts) > 0 && n.serve(n.parts[0]) {
		n.done, n.parts = n.parts[0].number, n.parts[1:]
	}
	if served {
		n.done = all.Accepted
	}
	all.Verified = n.done
	tell(all)
}

// serve reports whether every node serves its part.
func (n *Nodes) serve(p part) bool {
	for i, k := range n.known {
		if k.Verified < p.of[i] {
			return false
		}
	}
	return true
}
