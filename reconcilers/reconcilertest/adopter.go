package reconcilertest

import (
	"context"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

var _ reconcilers.Adopter = (*Reconciler)(nil)

// Give makes a thing somebody else's, as it is.
func (m *Memory) Give(kind, name, owner string) error {
	id := Thing{Kind: kind, Name: name}.id()
	return m.call(Call{"give", id}, func() error {
		t, ok := m.things[id]
		if !ok {
			return ErrUnknown
		}
		t.Owner = owner
		m.things[id] = t
		return nil
	})
}

// Get returns a thing, whosever it is.
func (m *Memory) Get(kind, name string) (Thing, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.things[Thing{Kind: kind, Name: name}.id()]
	return t, ok
}

// Adoptions implements reconcilers.Adopter.
func (r *Reconciler) Adoptions(ctx context.Context, set v1.Set, shared v1.Shared) ([]reconcilers.Adoption, error) {
	observed, err := r.Observe(ctx, reconcilers.Scope{})
	if err != nil {
		return nil, err
	}
	desired, _ := r.Compile(reconcilers.Scope{}, set, shared)
	var out []reconcilers.Adoption
	for _, change := range plan.Diff(observed, desired).Changes {
		if change.Op != plan.Create {
			continue
		}
		if theirs, taken := r.memory.Get(string(change.Key.Kind), change.Key.Name); taken {
			before := r.object(theirs, change.After.Service)
			out = append(out, reconcilers.Adoption{
				Gateway: v1.Kong, ID: theirs.Owner + ":" + theirs.id(), Names: []string{theirs.id()},
				Change: plan.Change{Op: plan.Update, Key: change.Key, Before: before, After: change.After, Fields: before.Differs(change.After)},
			})
		}
	}
	return out, nil
}

// Adopt implements reconcilers.Adopter. It is good for the next Apply.
func (r *Reconciler) Adopt(chosen []reconcilers.Adoption) { r.adopting = chosen }

// Owned implements reconcilers.Adopter.
func (r *Reconciler) Owned(ctx context.Context) ([]reconcilers.Adoption, error) {
	observed, err := r.Observe(ctx, reconcilers.Scope{})
	if err != nil {
		return nil, err
	}
	var out []reconcilers.Adoption
	for _, change := range plan.Diff(observed, nil).Changes {
		out = append(out, reconcilers.Adoption{Gateway: v1.Kong, ID: change.Key.String(), Names: []string{change.Key.String()}, Change: change})
	}
	return out, nil
}

// Release implements reconcilers.Adopter.
func (r *Reconciler) Release(_ context.Context, chosen []reconcilers.Adoption) ([]plan.Outcome, error) {
	var out []plan.Outcome
	for _, a := range chosen {
		err := r.memory.Give(string(a.Change.Key.Kind), a.Change.Key.Name, "somebody")
		out = append(out, plan.Outcome{Change: a.Change, Problem: problem(a.Change, err)})
	}
	return out, nil
}

// adopts reports whether a thing may be made ours.
func (r *Reconciler) adopts(t Thing) bool {
	return slices.ContainsFunc(r.adopting, func(a reconcilers.Adoption) bool { return a.Change.Key.String() == t.id() })
}
