package reconcilertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// property is one thing that must hold. It returns why it does not; an
// errSkip says that the gateway has no way to show it.
type property struct {
	name  string
	check func(ctx context.Context, b *bench, fresh func() *bench) error
}

var errSkip = errors.New("this gateway has no way to show it")

func properties() []property {
	return []property{
		{"observed equals compiled", observedEqualsCompiled},
		{"second run writes nothing", secondRunWritesNothing},
		{"narrowed equals full", narrowedEqualsFull},
		{"strangers stay", strangersStay},
		{"held route comes back", heldRouteComesBack},
		{"emptied by an empty set", emptiedByEmptySet},
		{"partial failure is told", partialFailureIsTold},
		{"cancel is honoured", cancelIsHonoured},
		{"same input same plan", sameInputSamePlan},
	}
}

// Run measures a reconciler by every property, and takes the random walks.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, p := range properties() {
		t.Run(p.name, func(t *testing.T) {
			err := p.check(t.Context(), newBench(t, h), func() *bench { return newBench(t, h) })
			if errors.Is(err, errSkip) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	Walk(t, h)
}

// Walk takes the random walks alone, beside each other: each has its own gateways.
func Walk(t *testing.T, h Harness) {
	t.Helper()
	seeds, events := h.Seeds, h.Events
	if seeds == nil {
		seeds = []uint64{1, 2, 3}
	}
	if events == 0 {
		events = 250
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("walk/seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			w := walk{bench: newBench(t, h), fleet: NewFleet(seed), behind: true, certificates: h.Certificates, listeners: h.Listeners, entities: h.Entities}
			w.fleet.streams = h.Streams
			if err := w.take(t.Context(), events, func() *bench { return newBench(t, h) }); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		})
	}
}

// story returns a fleet of n services that has lived for a while.
func story(seed uint64, n, steps int) *Fleet {
	f := NewFleet(seed)
	f.Grow(n)
	for range steps {
		f.Step()
	}
	return f
}
