package reconcilertest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// walk is one random walk: a fleet changes step by step, rounds are taken on the
// way (narrowed, full, broken off in the middle), the daemon restarts.
type walk struct {
	*bench
	fleet        *Fleet
	waiting      []string // services that changed since a round last covered them
	certificates bool     // they change too
	listeners    bool     // likewise
	entities     bool     // so does what is declared in Kong's own words
	behind       bool     // nothing is applied yet, or a round failed: a full round is due
}

// take walks, and then compares with a fresh gateway that is brought straight
// to the end, also after one more restart.
func (w *walk) take(ctx context.Context, events int, fresh func() *bench) error {
	for step := range events {
		event, err := w.step(ctx)
		if err != nil {
			return fmt.Errorf("step %d, %s: %w", step, event, err)
		}
	}
	if _, err := w.settle(ctx, w.fleet.Set()); err != nil {
		return fmt.Errorf("last round: %w", err)
	}
	straight := fresh()
	straight.shared = w.shared
	if _, err := straight.settle(ctx, w.fleet.Set()); err != nil {
		return fmt.Errorf("straight to the end: %w", err)
	}
	if diff := cmp.Diff(straight.World(), w.World()); diff != "" {
		return fmt.Errorf("the walk ends in another world (-straight +walked):\n%s", diff)
	}
	if err := w.reopen(); err != nil {
		return err
	}
	r, err := w.settle(ctx, w.fleet.Set())
	if err != nil {
		return fmt.Errorf("after the walk: %w", err)
	}
	if !r.Plan.Empty() {
		return fmt.Errorf("after the walk and a restart the plan is not empty:\n%s", Sentences(r.Plan))
	}
	return nil
}

// step lets one to three things happen and takes a round.
func (w *walk) step(ctx context.Context) (string, error) {
	var events []string
	for range 1 + w.fleet.random.IntN(3) {
		told, service := w.fleet.Step()
		events = append(events, told)
		if !slices.Contains(w.waiting, service) {
			w.waiting = append(w.waiting, service)
		}
	}
	if w.certificates && w.fleet.random.IntN(4) == 0 {
		told, err := w.fleet.StepCertificates()
		if err != nil {
			return told, err
		}
		events = append(events, told)
		w.shared, w.behind = w.fleet.Shared(), true
	}
	if w.listeners && w.fleet.random.IntN(4) == 0 {
		events = append(events, w.fleet.StepListeners())
		w.shared, w.behind = w.fleet.Shared(), true
	}
	if w.entities {
		if w.fleet.random.IntN(3) == 0 {
			events, w.behind = append(events, w.fleet.StepEntities()), true
		}
		w.shared = w.fleet.Shared()
	}
	restart := w.fleet.random.IntN(25) == 0
	if restart {
		events = append(events, "restart")
		w.behind = true
	}
	event := strings.Join(events, "; ") + "; "
	if restart {
		if err := w.reopen(); err != nil {
			return event, err
		}
	}
	if w.Estrange != nil && w.fleet.random.IntN(8) == 0 {
		told, err := w.estranged(ctx)
		return event + told, err
	}
	dice := w.fleet.random.IntN(10)
	switch {
	case dice == 0 && w.Break != nil:
		after := w.fleet.random.IntN(12)
		return fmt.Sprintf("%sround that breaks after %d calls", event, after), w.broken(ctx, after)
	case dice < 3 || w.behind:
		_, err := w.must(ctx, reconcilers.Scope{Fresh: dice == 1}, w.fleet.Set())
		w.waiting, w.behind = nil, false
		return event + "full round", err
	case dice < 4:
		return event + "no round", nil
	}
	return event + "narrowed round", w.narrowed(ctx)
}

func (w *walk) narrowed(ctx context.Context) error {
	slices.Sort(w.waiting)
	set := v1.Set{}
	for _, name := range w.waiting {
		if s, ok := w.fleet.Set()[name]; ok {
			set[name] = s
		}
	}
	_, err := w.must(ctx, reconcilers.Scope{Services: w.waiting}, set)
	w.waiting = nil
	return err
}

// broken is a round in which the gateway fails. Whatever it reports is right as
// long as each change is reported once; a later round has to make it good.
func (w *walk) broken(ctx context.Context, after int) error {
	w.Break(after)
	r, _ := w.round(ctx, reconcilers.Scope{}, w.fleet.Set())
	w.Heal()
	w.behind = true
	if r.Outcomes == nil {
		return nil // it could not look, or there was nothing to do
	}
	return complete(r)
}

// estranged is a stranger who takes something of ours, and an order to adopt it again,
// which may break in the middle first. Ordinary rounds leave it alone.
func (w *walk) estranged(ctx context.Context) (string, error) {
	adopter, can := w.reconciler.(reconcilers.Adopter)
	if !can {
		return "", fmt.Errorf("%T adopts nothing", w.reconciler)
	}
	if _, err := w.must(ctx, reconcilers.Scope{Fresh: true}, w.fleet.Set()); err != nil {
		return "round before a stranger comes", err
	}
	w.waiting, w.behind = nil, false
	told, err := w.Estrange(w.fleet.random.IntN)
	if err != nil {
		return told, err
	}
	if _, err := w.round(ctx, reconcilers.Scope{Fresh: true}, w.fleet.Set()); err != nil {
		return told + "; round", err
	}
	if w.Break != nil && w.fleet.random.IntN(3) == 0 {
		w.Break(w.fleet.random.IntN(60))
		if found, err := adopter.Adoptions(ctx, w.fleet.Set(), w.shared); err == nil {
			adopter.Adopt(found)
			_, _ = w.round(ctx, reconcilers.Scope{}, w.fleet.Set()) // what breaks is made good below
		}
		w.Heal()
	}
	found, err := adopter.Adoptions(ctx, w.fleet.Set(), w.shared)
	if err != nil {
		return told + "; what can be adopted", err
	}
	adopter.Adopt(found)
	_, err = w.must(ctx, reconcilers.Scope{}, w.fleet.Set())
	return told + "; adopted", err
}
