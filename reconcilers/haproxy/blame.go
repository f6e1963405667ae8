package haproxy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

// blameBinds fails the steps about native sections and Listeners that listen where
// somebody else does: `haproxy -c` would not notice, and HAProxy would not come up. It
// reports whether there were any.
func (r *Reconciler) blameBinds(steps []*step, want *config.Model) bool {
	found, own := false, sync.OnceValue(r.ownPorts)
	for _, s := range steps {
		if s.change.After == nil || s.failed() {
			continue
		}
		switch n := s.change.After.Native.(type) {
		case *native.Section:
			if _, err := r.bindTrouble(n.Text, want, own); err != nil {
				s.fail(v1.Conflict, err.Error(), "give one of them another port")
				want.DropNative(n.Head) // the next one may have it
				found = true
			}
		case *frontend.Opening:
			if b, err := r.bindTrouble(n.Front, want, own); err != nil {
				s.blameOpening(n, b, err)
				want.DropOpening(n.Name)
				found = true
			}
		}
	}
	return found
}

// bindTrouble says which of a text's binds can't be had, and why; text is of want, and
// not of our own sections.
func (r *Reconciler) bindTrouble(text string, want *config.Model, own func() map[int]bool) (bind.Address, error) {
	theirs := slices.Clone(r.user.Binds)
	for _, b := range readBinds(want.Base()) {
		theirs = append(theirs, userfile.Bind{Address: b, Place: "Lockstep"})
	}
	for place, other := range want.Binding() {
		if other == text {
			continue
		}
		for _, b := range readBinds(other) {
			theirs = append(theirs, userfile.Bind{Address: b, Place: place})
		}
	}
	had := map[bind.Address]bool{}
	if r.condition.process == processRuns && r.condition.loaded == "yes" {
		for _, before := range r.model.Binding() {
			for _, b := range readBinds(before) {
				had[b] = true
			}
		}
	}
	for _, b := range readBinds(text) {
		for _, other := range theirs {
			if b.Overlaps(other.Address) {
				return b, fmt.Errorf("port %d is also that of %s", b.Port, other.Place)
			}
		}
		if had[b] {
			continue
		}
		if err := b.Probe(); err != nil && !own()[b.Port] {
			return b, fmt.Errorf("port %d: %w", b.Port, err)
		}
	}
	return bind.Address{}, nil
}

// readBinds returns the binds of a text that name a port; the others are HAProxy's to judge.
func readBinds(text string) []bind.Address {
	var binds []bind.Address
	for _, addresses := range bind.Lines(text) {
		for address := range strings.SplitSeq(addresses, ",") {
			address = strings.TrimPrefix(strings.TrimPrefix(address, "ipv4@"), "ipv6@")
			if b, err := bind.Parse(address); err == nil {
				binds = append(binds, b)
			}
		}
	}
	return binds
}

// blameSections finds out which native sections HAProxy refuses, by trying the
// set without any and then with one after the other, and fails these. It reports
// whether there were any.
func (r *Reconciler) blameSections(ctx context.Context, steps []*step, refusal error) bool {
	if !isRefusal(refusal) {
		return false
	}
	natives, good := partition(pending(steps))
	if len(natives) == 0 || r.tryOut(ctx, good) != nil {
		return false
	}
	found := false
	for _, s := range natives {
		next := append(slices.Clone(good), s)
		err := r.tryOut(ctx, next)
		switch {
		case err == nil:
			good = next
		case isRefusal(err):
			failAll([]*step{s}, err)
			s.problem.Fix = "correct the section; what it was before stays"
			found = true
		default:
			return found
		}
	}
	return found
}

func isRefusal(err error) bool {
	problem, ok := err.(v1.Problem) //nolint:errorlint // check returns it as it is
	return ok && problem.Reason == v1.GatewayRejected
}

// partition takes the steps about native sections out of all, in the order in which
// each has what it refers to: backends before frontends, and the other way round
// when they go.
func partition(steps []*step) (natives, others []*step) {
	rank := func(s *step) int {
		n, _ := s.change.Object().Native.(*native.Section)
		frontend, goes := strings.HasPrefix(n.Head, "frontend "), s.change.After == nil
		switch {
		case !goes && !frontend:
			return 0
		case !goes:
			return 1
		case frontend:
			return 2
		}
		return 3
	}
	for _, s := range steps {
		if _, ok := s.change.Object().Native.(*native.Section); ok {
			natives = append(natives, s)
		} else {
			others = append(others, s)
		}
	}
	slices.SortStableFunc(natives, func(a, b *step) int { return cmp.Compare(rank(a), rank(b)) })
	return natives, others
}

// tryOut asks HAProxy about the files that steps would lead to, and leaves nothing behind.
func (r *Reconciler) tryOut(ctx context.Context, steps []*step) error {
	want, table := r.wanted(steps)
	staged, err := r.stage(ctx, want, table)
	r.dir.DiscardAll(staged)
	return err
}
