package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/sampleapp"
	"github.com/lockstep/lockstep/internal/stage"
)

// probeEvery is the pause between two probes, and so the grain of a latency.
const probeEvery = 500 * time.Microsecond

// probesAtOnce bounds how many probes wait for their answers. Those that come before the
// container listens are refused by it, and HAProxy tries them again after a second: there
// must be room for later ones beside them.
const probesAtOnce = 256

// rest lies between two measurements, so that each finds Lockstep at rest: it
// reloads HAProxy, where that can't be avoided, once a second at most.
const rest = 1500 * time.Millisecond

// arrival is how long after Docker's start event a container answered.
type arrival struct{ through, straight time.Duration }

func latencyOfCopy(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		first := b.copyOf(w, "web", "first", "web.test")
		if err := w.Stage.Run(ctx, first); err != nil {
			return err
		}
		if err := eventually(ctx, w, "web.test", "first"); err != nil {
			return err
		}
		return b.latencies(ctx, w, "start event → first 200, another copy", 10*time.Millisecond, func(i int) stage.Container {
			return b.copyOf(w, "web", fmt.Sprintf("copy-%d", i), "web.test")
		})
	})
}

func latencyOfNewService(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		return b.latencies(ctx, w, "start event → first 200, brand-new service", 100*time.Millisecond, b.newService(w))
	})
}

// latencies starts one container after the other and notes when each arrives.
func (b *bench) latencies(ctx context.Context, w *harness.World, what string, limit time.Duration, cast func(int) stage.Container) error {
	var through, straight []time.Duration
	for i := range b.runs {
		c := cast(i)
		if err := w.Stage.Create(ctx, c); err != nil {
			return err
		}
		if err := wait(ctx, rest); err != nil {
			return err
		}
		a, err := arrive(ctx, w, c)
		if err != nil {
			return err
		}
		through, straight = append(through, a.through), append(straight, a.straight)
		if err := w.Stage.Remove(ctx, c.Name); err != nil {
			return err
		}
		if err := gone(ctx, w, host(w, c), c.Name); err != nil {
			return err
		}
	}
	b.table.addLatency(what, through, straight, limit)
	return nil
}

// arrive starts a created container and waits until it answers through HAProxy
// and straight.
func arrive(ctx context.Context, w *harness.World, c stage.Container) (arrival, error) {
	var a arrival
	ctx, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	events := w.Stage.Events(ctx)
	var all errgroup.Group
	all.Go(func() error { return w.Stage.Start(ctx, c.Name) })
	began := make(chan time.Time, 2)
	all.Go(func() error {
		defer close(began)
		for e := range events {
			if e.Err != nil {
				return e.Err
			}
			if e.Action == "start" && e.Name == c.Name {
				began <- e.At
				began <- e.At
				return nil
			}
		}
		return ctx.Err()
	})
	all.Go(func() error {
		at, err := probeUntil(ctx, "http://"+w.Proxies.HAProxy+"/", host(w, c), c.Name)
		a.through = at.Sub(<-began)
		return err
	})
	all.Go(func() error {
		start, ok := <-began
		if !ok {
			return ctx.Err()
		}
		addr, err := w.Stage.Address(ctx, c.Name)
		if err != nil {
			return err
		}
		at, err := probeUntil(ctx, "http://"+addr.String()+":8080/", "", c.Name)
		a.straight = at.Sub(start)
		return err
	})
	return a, all.Wait()
}

// probeUntil sends requests until the instance answers one by 200, and returns
// when it did. It does not wait for one before it sends the next: HAProxy holds a
// request for a second when its only server does not listen yet, which is a
// kindness to that request and says nothing of those that follow.
func probeUntil(ctx context.Context, url, host, instance string) (time.Time, error) {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	answered := make(chan time.Time, 1)
	probing, cancel := context.WithCancel(ctx)
	var probes errgroup.Group
	probes.SetLimit(probesAtOnce)
	defer probes.Wait() //nolint:errcheck // no probe returns one
	defer cancel()
	for {
		probes.TryGo(func() error {
			if probe(probing, client, url, host) == instance {
				select {
				case answered <- time.Now():
				default: // another came before
				}
			}
			return nil
		})
		select {
		case at := <-answered:
			return at, nil
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("%s never answered at %s: %w", instance, url, ctx.Err())
		case <-tick.C:
		}
	}
}

// probe returns the instance that answered 200, or "".
func probe(ctx context.Context, client *http.Client, url, host string) string {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return ""
	}
	req.Host = host
	resp, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return ""
	}
	return resp.Header.Get(sampleapp.InstanceHeader)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func host(w *harness.World, c stage.Container) string { return c.Labels[w.Prefix()+"hosts"] }

func eventually(ctx context.Context, w *harness.World, host string, instances ...string) error {
	return harness.Until(ctx, func() error { return w.Serves(ctx, "haproxy", host, "/", http.StatusOK, instances...) })
}

// gone waits until none of a few requests in a row reaches the instance.
func gone(ctx context.Context, w *harness.World, host, instance string) error {
	return harness.Until(ctx, func() error {
		for range 4 {
			answer, err := w.Ask(ctx, "haproxy", host, "/")
			if err != nil {
				return err
			}
			if answer.Instance == instance {
				return fmt.Errorf("%s still answers", instance)
			}
		}
		return nil
	})
}
