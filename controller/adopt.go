package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// AdoptOrder asks to make ours what others have in the places of what is desired, or to
// give back what is ours.
type AdoptOrder struct {
	// Names are services, or objects as GATEWAY:KIND/NAME, where GATEWAY: may be left
	// out; none means all that stands in the way.
	Names []string
	// Release gives back instead; it needs names.
	Release bool
	// IDs are what somebody has agreed to, as Adopted.ID has it: nothing else is touched.
	// None means whatever is there.
	IDs []string
	// Preview says what would become of the order, and changes nothing.
	Preview bool
	// By is who asks, for people.
	By string
}

// Adopted is what became of an AdoptOrder for one object, or would.
type Adopted struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	// Name is what the object is called in orders.
	Name string `json:"name"`
	// ID is the gateway's own name for it, as it is now.
	ID      string `json:"id"`
	Service string `json:"service,omitempty"` // to which it belongs; "" for none
	// Sentence says what is done to it.
	Sentence string            `json:"sentence"`
	Fields   []plan.Difference `json:"fields,omitempty"` // what is changed at it
	// Goes names what is lost, Stays what others have at it and keep.
	Goes   []string  `json:"goes,omitempty"`
	Stays  []string  `json:"stays,omitempty"`
	Advice string    `json:"advice,omitempty"` // what else to know of it
	Origin v1.Origin `json:"origin,omitzero"`  // where its place is asked for
	// Done is true when it was done.
	Done bool `json:"done"`
	// Refused says why it stays as it is, and what to do; "" when it does not.
	Refused string `json:"refused,omitempty"`
}

// Adopt makes ours what others have, where it stands, or gives back what is ours. The
// error names what nothing is known of.
func (c *Controller) Adopt(ctx context.Context, o AdoptOrder) ([]Adopted, error) {
	if c.options.DryRun {
		return nil, errDry
	}
	out, met := []Adopted{}, map[string]bool{}
	for _, w := range c.workers {
		adopter, can := w.reconciler.(reconcilers.Adopter)
		if !can {
			if err := w.nothingOf(o.Names); err != nil {
				return out, err
			}
			continue
		}
		if !concernsGateway(o.Names, w.name) {
			continue
		}
		answer := make(chan adopted, 1)
		if err := w.visit(ctx, func(ctx context.Context) { answer <- w.adopt(ctx, adopter, o) }); err != nil {
			return out, fmt.Errorf("%s does not answer: %w", w.name, err)
		}
		a := <-answer
		if a.err != nil {
			return out, a.err
		}
		out = append(out, a.list...)
		for _, name := range a.met {
			met[name] = true
		}
	}
	var unmet []string
	for _, name := range o.Names {
		if !met[name] {
			unmet = append(unmet, fmt.Sprintf("%q", name))
		}
	}
	if len(unmet) > 0 {
		return out, unknownError{o.Release, strings.Join(unmet, ", ")}
	}
	return out, nil
}

// nothingOf says that names mean objects of a gateway where nothing changes hands.
func (w *worker) nothingOf(names []string) error {
	for _, name := range names {
		if strings.HasPrefix(name, string(w.name)+":") {
			return fmt.Errorf("%q: what others have on %s stands in files of theirs, and what is Lockstep's in its own; change yours", name, w.name)
		}
	}
	return nil
}

// unknownError says that a gateway has nothing that is called so.
type unknownError struct {
	release bool
	names   string
}

func (e unknownError) Error() string {
	if e.release {
		return "no gateway has anything of Lockstep's called " + e.names + "; see what there is with: lockstep plan, lockstep status"
	}
	return "nothing of somebody else's stands in the way of " + e.names + "; see what does with: lockstep adopt"
}

// IsUnknown reports whether an error says that what an order names is not there.
func IsUnknown(err error) bool {
	_, is := errors.AsType[unknownError](err)
	return is
}

// adopted is a worker's answer to an AdoptOrder.
type adopted struct {
	list []Adopted
	met  []string // names of the order that something is called
	err  error
}

// adopt answers. It runs in the worker's goroutine.
func (w *worker) adopt(ctx context.Context, adopter reconcilers.Adopter, o AdoptOrder) adopted {
	if pause := w.paused(); pause != nil && !o.Preview {
		return adopted{err: fmt.Errorf("%s is paused by %s: let it follow again first, with: lockstep resume %s", w.name, pause.By, w.name)}
	}
	j := w.foresee()
	var found []reconcilers.Adoption
	var err error
	if o.Release {
		found, err = adopter.Owned(ctx)
	} else {
		found, err = adopter.Adoptions(ctx, w.set, w.shared)
	}
	if err != nil {
		return adopted{err: err}
	}
	chosen, a := choose(found, o)
	if o.Preview || len(chosen) == 0 {
		return a
	}
	outcomes, err := w.carryOut(ctx, adopter, chosen, o, j)
	if err != nil {
		return adopted{err: err}
	}
	there, err := w.there(ctx, adopter, chosen, outcomes)
	if err != nil {
		return adopted{err: err}
	}
	for i := range a.list {
		at := slices.IndexFunc(chosen, func(c reconcilers.Adoption) bool { return refOf(c) == a.list[i].Name })
		if at < 0 {
			continue
		}
		if a.list[i].settle(chosen[at].Change, outcomes, there); a.list[i].Done {
			w.log.Info("object has changed hands", "object", a.list[i].Name, "id", a.list[i].ID, "given_back", o.Release, "by", o.By)
		}
	}
	return a
}

// there returns what of that which was chosen stands there as before. Only what is replaced
// as a whole, and so has no outcome of its own, is looked for.
func (w *worker) there(ctx context.Context, adopter reconcilers.Adopter, chosen []reconcilers.Adoption, outcomes []plan.Outcome) (map[string]bool, error) {
	if !slices.ContainsFunc(chosen, func(a reconcilers.Adoption) bool { return outcomeOf(a.Change, outcomes) < 0 && a.Change.After == nil }) {
		return nil, nil
	}
	found, err := adopter.Adoptions(ctx, w.set, w.shared)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, a := range found {
		there[refOf(a)] = true
	}
	return there, nil
}

// outcomeOf returns which of some outcomes is that of a change; below 0 for none.
func outcomeOf(change plan.Change, outcomes []plan.Outcome) int {
	return slices.IndexFunc(outcomes, func(o plan.Outcome) bool { return o.Change.Key == change.Key })
}

// settle notes what became of a change. What has no outcome of its own was done where it
// is no longer there.
func (a *Adopted) settle(change plan.Change, outcomes []plan.Outcome, there map[string]bool) {
	at := outcomeOf(change, outcomes)
	failed := slices.IndexFunc(outcomes, func(o plan.Outcome) bool { return o.Problem != nil })
	switch {
	case at < 0 && change.After != nil:
		a.Refused = "it is no longer asked for, or somebody changed it meanwhile; ask again"
	case at >= 0 && outcomes[at].Problem != nil:
		a.Refused = outcomes[at].Problem.Message + "; " + outcomes[at].Problem.Fix
	case at < 0 && there[a.Name] && failed >= 0:
		a.Refused = "what is to be there instead was not taken: " + outcomes[failed].Problem.Message + "; " + outcomes[failed].Problem.Fix
	case at < 0 && there[a.Name]:
		a.Refused = "it holds the same as before; see lockstep status, and ask again"
	default:
		a.Done = true
	}
}

// carryOut does what was chosen. A round over everything follows: what waited for it
// is made, and what is wanted still is a conflict.
func (w *worker) carryOut(ctx context.Context, adopter reconcilers.Adopter, chosen []reconcilers.Adoption, o AdoptOrder, j job) ([]plan.Outcome, error) {
	defer w.refresh()
	if o.Release {
		return adopter.Release(ctx, chosen)
	}
	adopter.Adopt(chosen)
	clear(w.refused)
	keys := make([]v1.Key, len(chosen))
	for i := range chosen {
		keys[i] = chosen[i].Change.Key
	}
	w.drift.Ask(keys...)
	defer w.drift.Ask()
	return w.work(ctx, j, time.Now())
}
