package kong

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// tally is a digest of a set of objects, whatever their order: objects are added to it
// and taken out again one by one, so that a change costs nothing of the rest.
type tally [2]uint64

func (t *tally) add(o *plan.Object) {
	a, b := digest(o)
	t[0], t[1] = t[0]+a, t[1]+b
}

func (t *tally) remove(o *plan.Object) {
	a, b := digest(o)
	t[0], t[1] = t[0]-a, t[1]-b
}

// token is the digest as text.
func (t tally) token() string { return fmt.Sprintf("%016x%016x", t[0], t[1]) }

// digest is that of one object: of its key, and of all that is compared of it.
func digest(o *plan.Object) (uint64, uint64) {
	sum := sha256.New()
	write := func(text string) { _, _ = io.WriteString(sum, text+"\x00") } // a hash takes everything
	write(string(o.Key.Kind))
	write(o.Key.Name)
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
		write(name)
		write(o.Fields[name])
	}
	text := sum.Sum(nil)
	return binary.BigEndian.Uint64(text), binary.BigEndian.Uint64(text[8:])
}

// counts reports whether Kong serves a change of an object only a while after it has
// accepted it. Without a database that is so of everything.
func (f *facts) counts(key v1.Key) bool {
	switch {
	case entity.IsProof(key):
		return false
	case f.dbless():
		return true
	}
	return key.Kind == v1.KindRoute || key.Kind == v1.KindService || key.Kind == v1.KindPlugin
}

// count notes in the tally that Kong holds something else under a key.
func (r *Reconciler) count(key v1.Key, before, after *plan.Object) {
	if !r.Verifies() || !r.facts.counts(key) {
		return
	}
	if before != nil {
		r.tally.remove(before)
	}
	if after != nil {
		r.tally.add(after)
	}
}

// tallied is the tally of a state of a node without a database.
func (r *Reconciler) tallied(state plan.State) tally {
	var t tally
	for key, o := range state {
		if r.facts.counts(key) {
			t.add(o)
		}
	}
	return t
}
