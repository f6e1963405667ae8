package harness

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/internal/stage"
)

// churners is how many containers are started or stopped at the same time.
const churners = 6

// Churn starts and stops containers at random, so many times or for a while, and
// returns how often it did. What is done to which follows from the seed alone;
// when, from the machine. Each has its turn before any has the next, lest it be
// held for flapping. At the end some run, some do not, and some are gone.
func (w *World) Churn(ctx context.Context, seed uint64, times int64, d time.Duration, cast []stage.Container) (int64, error) {
	until := time.Now().Add(d)
	var begun, done atomic.Int64
	over := func() bool {
		if times > 0 {
			return begun.Add(1) > times
		}
		return time.Now().After(until)
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range min(churners, len(cast)) {
		group.Go(func() error {
			chance := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // to be the same again is the point
			var mine []stage.Container
			for n := i; n < len(cast); n += churners {
				mine = append(mine, cast[n])
			}
			states := make([]string, len(mine))
			for {
				for _, n := range chance.Perm(len(mine)) {
					if ctx.Err() != nil || over() {
						return ctx.Err()
					}
					next, err := w.jolt(ctx, mine[n], states[n], chance)
					if err != nil {
						return fmt.Errorf("%s, which was %q: %w", mine[n].Name, states[n], err)
					}
					states[n] = next
					done.Add(1)
				}
			}
		})
	}
	err := group.Wait()
	return done.Load(), err
}

// jolt does one thing to a container and returns what became of it.
func (w *World) jolt(ctx context.Context, c stage.Container, state string, chance *rand.Rand) (string, error) {
	switch state {
	case "runs":
		switch chance.IntN(4) {
		case 0:
			return "stopped", w.Stage.Kill(ctx, c.Name, "KILL")
		case 1:
			return "", w.Stage.Remove(ctx, c.Name)
		}
		return "stopped", w.Stage.Stop(ctx, c.Name, 10*time.Second)
	case "stopped":
		if chance.IntN(3) == 0 {
			return "", w.Stage.Remove(ctx, c.Name)
		}
		return "runs", w.Stage.Start(ctx, c.Name)
	}
	return "runs", w.Stage.Run(ctx, c)
}
