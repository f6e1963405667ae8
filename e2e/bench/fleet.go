package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

const (
	fleetServices = 1_000
	fleetCopies   = 10
	fleetEvents   = 200
	fleetPace     = 50 * time.Millisecond
)

// fleet puts ten thousand containers on an Engine that only pretends, and
// measures what they cost: at the start, for each further event, and in memory.
// Kong is left out: what a real one costs is the network's and Kong's own.
func fleet(ctx context.Context, b *bench) (err error) {
	engine, ids, closeEngine := pretend()
	defer closeEngine()
	options := b.options
	options.DockerHost, options.NoKong = engine.host, true
	w, err := harness.New(ctx, options)
	defer func() { err = errors.Join(err, w.Close()) }()
	if err != nil {
		return err
	}
	for i, id := range ids {
		labels := map[string]string{
			w.Prefix() + "enable": "true", w.Prefix() + "service": fmt.Sprintf("service-%d", i/fleetCopies),
			w.Prefix() + "hosts": fmt.Sprintf("service-%d.test", i/fleetCopies),
		}
		engine.Run(fakedocker.Spec{Name: id, Labels: labels, Expose: []string{"8080"}})
	}
	if err := b.fleetStart(ctx, w, engine); err != nil {
		return err
	}
	return b.fleetEvents(ctx, w, engine, ids)
}

// pretender is the fake Engine with its address.
type pretender struct {
	*fakedocker.Engine
	host string
}

func pretend() (engine pretender, names []string, closeEngine func()) {
	var tb clerk
	p := pretender{Engine: fakedocker.New(&tb)}
	p.host = p.Listen()
	ids := make([]string, fleetServices*fleetCopies)
	for i := range ids {
		ids[i] = fmt.Sprintf("c-%d", i)
	}
	return p, ids, tb.clean
}

// fleetStart measures the way to the first complete desired state, and to a HAProxy that holds it.
func (b *bench) fleetStart(ctx context.Context, w *harness.World, engine pretender) error {
	floor, err := listOnce(ctx, engine)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := w.Start("--log-level", "warn"); err != nil {
		return err
	}
	built, err := w.Metric(ctx, `lockstep_build_duration_seconds_count`, 1)
	if err != nil {
		return err
	}
	desired := built.Sub(began)
	if err := w.Ready(ctx); err != nil {
		return err
	}
	served := time.Since(began)
	what := fmt.Sprintf("%d containers in %d services: start → desired state", fleetServices*fleetCopies, fleetServices)
	b.table.add(what, millis(desired), millis(floor)+" (one list)", times(desired, floor), "≤ 1s", desired <= time.Second)
	b.table.add("  … → HAProxy holds it", millis(served), millis(floor)+" (one list)", times(served, floor), "–", true)
	rss, err := harness.Resident(w.PID())
	if err != nil {
		return err
	}
	b.table.add("  … resident memory", fmt.Sprintf("%.0f MB", rss), "–", "–", "≤ 150 MB", rss <= 150)
	return nil
}

// fleetEvents pauses and unpauses single containers, and measures what each event costs.
func (b *bench) fleetEvents(ctx context.Context, w *harness.World, engine pretender, ids []string) error {
	const rounds = `lockstep_round_duration_seconds_count{gateway="haproxy"}`
	before, err := calm(ctx, w, rounds)
	if err != nil {
		return err
	}
	for i := range fleetEvents {
		id := ids[(i/2)*7919%len(ids)]
		if i%2 == 0 {
			engine.Pause(id)
		} else {
			engine.Unpause(id)
		}
		if err := wait(ctx, fleetPace); err != nil {
			return err
		}
	}
	after, err := calm(ctx, w, rounds)
	if err != nil {
		return err
	}
	per := func(name string) float64 { return (after[name] - before[name]) / fleetEvents }
	mean := func(name string) time.Duration {
		count := after[strings.Replace(name, "_sum", "_count", 1)] - before[strings.Replace(name, "_sum", "_count", 1)]
		return time.Duration((after[name] - before[name]) / count * float64(time.Second))
	}
	build, told := mean(`lockstep_build_duration_seconds_sum`), mean(`lockstep_event_to_applied_seconds_sum{gateway="haproxy"}`)
	b.table.add("  … one event: desired state worked out, mean", millis(build), "–", "–", "≤ 5ms", build <= 5*time.Millisecond)
	b.table.add("  … one event: arrived → HAProxy told, mean", millis(told), "–", "–", "–", true)
	b.table.add("  … one event: allocations, HAProxy's files included",
		fmt.Sprintf("%.0f, %.0f kB", per("go_memstats_mallocs_total"), per("go_memstats_alloc_bytes_total")/1000), "–", "–", "–", true)
	rss, err := harness.Resident(w.PID())
	if err != nil {
		return err
	}
	b.table.add(fmt.Sprintf("  … resident memory after %d events", fleetEvents), fmt.Sprintf("%.0f MB", rss), "–", "–", "≤ 150 MB", rss <= 150)
	if violations := engine.Violations(); len(violations) > 0 {
		return fmt.Errorf("lockstep sent what does not only read: %v", violations)
	}
	return nil
}

// calm waits until a metric stands still, and returns all of them.
func calm(ctx context.Context, w *harness.World, name string) (map[string]float64, error) {
	last := -1.0
	for {
		now, err := w.Metrics(ctx)
		if err != nil {
			return nil, err
		}
		if now[name] == last {
			return now, nil
		}
		last = now[name]
		if err := wait(ctx, rest); err != nil {
			return nil, err
		}
	}
}

// listOnce returns how long one list of all containers takes.
func listOnce(ctx context.Context, engine pretender) (time.Duration, error) {
	url := "http://" + strings.TrimPrefix(engine.host, "tcp://") + "/containers/json"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

func times(a, b time.Duration) string { return fmt.Sprintf("%.1f×", float64(a)/float64(b)) }

// clerk stands in for testing.TB with the fake Engine.
type clerk struct{ cleanups []func() }

// Helper does nothing.
func (*clerk) Helper() {}

// Fatalf ends the program: the benchmark itself is wrong.
func (*clerk) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
	os.Exit(1) //nolint:forbidigo // as a test would end; only a defect of the benchmark comes here
}

// Cleanup notes what to do at the end.
func (c *clerk) Cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

func (c *clerk) clean() {
	for _, f := range c.cleanups {
		f()
	}
}
