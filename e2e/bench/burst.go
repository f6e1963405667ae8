package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/stage"
)

// burstSize is how many containers come at once, or streamPace apart.
const (
	burstSize  = 20
	streamPace = 200 * time.Millisecond
)

func burstOfCopies(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		if err := w.Stage.Run(ctx, b.copyOf(w, "web", "first", "web.test")); err != nil {
			return err
		}
		if err := eventually(ctx, w, "web.test", "first"); err != nil {
			return err
		}
		return b.burst(ctx, w, "20 at once, copies of one service", 0, func(i int) stage.Container {
			return b.copyOf(w, "web", fmt.Sprintf("copy-%d", i), "web.test")
		})
	})
}

func burstOfNewServices(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		return b.burst(ctx, w, "20 at once, each a new service", 0, b.newService(w))
	})
}

func streamOfNewServices(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		return b.burst(ctx, w, "one each 200 ms, each a new service", streamPace, b.newService(w))
	})
}

func (b *bench) newService(w *harness.World) func(int) stage.Container {
	return func(i int) stage.Container {
		return b.copyOf(w, "", fmt.Sprintf("new-%d", i), fmt.Sprintf("new-%d.test", i))
	}
}

// burst starts containers, a pace apart or all at once, and notes for each how
// long after its own start event it answered.
func (b *bench) burst(ctx context.Context, w *harness.World, what string, pace time.Duration, cast func(int) stage.Container) error {
	var all errgroup.Group
	var mu sync.Mutex
	var through, straight []time.Duration
	began := time.Now()
	for i := range burstSize {
		c := cast(i)
		if err := w.Stage.Create(ctx, c); err != nil {
			return err
		}
		if err := wait(ctx, time.Duration(i)*pace-time.Since(began)); err != nil {
			return err
		}
		all.Go(func() error {
			a, err := arrive(ctx, w, c)
			mu.Lock()
			defer mu.Unlock()
			through, straight = append(through, a.through), append(straight, a.straight)
			return err
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	b.table.addLatency(what, through, straight, 0)
	return nil
}
