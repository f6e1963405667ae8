package kong

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/proof"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Verifies implements reconcilers.Verifier.
func (r *Reconciler) Verifies() bool { return len(r.options.ProxyURLs) > 0 }

// Verify implements reconcilers.Verifier.
func (r *Reconciler) Verify(ctx context.Context, tell func(reconcilers.Verification)) error {
	return r.verifier.Run(ctx, tell)
}

// prove moves the proof on to what Kong holds now, after everything else of the batch,
// and returns the generation that is to be verified; 0 for none. own are the changes of
// the proof itself. Where it can't be moved on, nothing of the batch has failed: that is
// made up for by a later one, or by the round that Watch asks for.
func (b *batch) prove(ctx context.Context, stop context.CancelCauseFunc, own []int) uint64 {
	if !b.Verifies() {
		return 0
	}
	token, renewed := b.tally.Token(), b.held[entity.ProofKey] == nil
	if len(own) > 0 {
		b.changes = slices.Clone(b.changes) // the plan is its maker's
	}
	failed := map[v1.Key]bool{}
	for _, i := range own { // the route before its plugin
		b.outcomes[i].Change = b.changes[i]
		b.changes[i].After = entity.Stamped(b.changes[i].After, token)
		b.phase(ctx, stop, []int{i})
		failed[b.changes[i].Key] = b.outcomes[i].Problem != nil
	}
	var moving []*plan.Object
	for _, key := range entity.ProofKeys() {
		if o := b.held[entity.ProofKey][key]; o != nil && entity.TokenOn(o) != token && !failed[key] {
			moving = append(moving, entity.Stamped(o, token))
		}
	}
	var group sync.WaitGroup
	for i, o := range moving {
		group.Go(func() { moving[i] = b.move(ctx, o) })
	}
	group.Wait()
	for _, o := range moving {
		b.keep(o.Key, o.Service, o)
	}
	return b.accept(renewed)
}

// move writes an object of the proof with its new token, and returns what Kong holds then.
func (b *batch) move(ctx context.Context, o *plan.Object) *plan.Object {
	now, err := (*plan.Object)(nil), context.Cause(ctx)
	rec, ok := o.Native.(*entity.Record)
	if err == nil && !ok {
		err = fmt.Errorf("the object %s was not made by this reconciler", o.Key)
	}
	if err == nil {
		now, err = b.update(ctx, rec)
	}
	if none, lost := errors.AsType[*admin.Unreachable](err); lost && !none.Answered {
		b.health.fell()
	}
	if err != nil {
		b.options.Log.Debug("the proof of what kong serves could not be moved on", "error", err)
		b.verifier.Owe()
		now = entity.Stamped(o, "") // whatever it is there
	}
	return now
}

// recognize takes what Kong holds for the newest generation, after it was read.
func (r *Reconciler) recognize() {
	if token, proven := r.proof(); proven {
		r.verifier.Recognize(token)
	}
}

// proof is the token of what Kong holds, and whether the proof there bears it.
func (r *Reconciler) proof() (token string, proven bool) {
	if !r.Verifies() {
		return "", false
	}
	token, proven = r.tally.Token(), true
	for _, key := range entity.ProofKeys() {
		o := r.held[entity.ProofKey][key]
		proven = proven && o != nil && entity.TokenOn(o) == token
	}
	return token, proven
}

// accept tells the verifier what is to be looked for, and returns the generation of what
// Kong holds. renewed says that Kong held no proof before: its workers know none yet.
func (r *Reconciler) accept(renewed bool) uint64 {
	if !r.Verifies() {
		return 0
	}
	token, proven := r.proof()
	return r.verifier.Accept(token, proven, renewed)
}

// proven is a state with the proof of itself, for a node without a database.
func (r *Reconciler) proven(state plan.State) plan.State {
	if !r.Verifies() {
		return state
	}
	out := make(plan.State, len(state))
	token := r.tallied(state).Token()
	for key, o := range state {
		if entity.IsProof(key) {
			o = entity.Stamped(o, token)
		}
		out[key] = o
	}
	return out
}

// awaited notes in outcomes from which generation on Kong serves what was changed.
func (r *Reconciler) awaited(outcomes []plan.Outcome, generation uint64) []plan.Outcome {
	for i := range outcomes {
		change := outcomes[i].Change
		if generation == 0 || outcomes[i].Problem != nil || !r.facts.counts(change.Key) {
			continue
		}
		outcomes[i].Generation = generation
		outcomes[i].Opens = change.Key.Kind == v1.KindRoute && change.After != nil && (change.Before == nil || !entity.IsOpen(change.Before)) && entity.IsOpen(change.After)
	}
	return outcomes
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
		r.tally.Remove(before)
	}
	if after != nil {
		r.tally.Add(after)
	}
}

// tallied is the tally of a state of a node without a database.
func (r *Reconciler) tallied(state plan.State) proof.Tally {
	var t proof.Tally
	for key, o := range state {
		if r.facts.counts(key) {
			t.Add(o)
		}
	}
	return t
}

// dated marks the proof in a state where it is not that of what Kong holds.
func (r *Reconciler) dated(state plan.State) {
	if !r.Verifies() {
		return
	}
	token := r.tally.Token()
	for _, key := range entity.ProofKeys() {
		o := state[key]
		if o == nil || entity.TokenOn(o) == token {
			continue
		}
		old := *o
		old.Fields = maps.Clone(o.Fields)
		old.Fields[entity.FieldGeneration] = "another"
		state[key] = &old
	}
}
