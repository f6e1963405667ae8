package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep/lockstep/e2e/harness"
)

// The manifests that stand in one folder: so many files, a hundred in a directory.
const (
	manifestFiles  = 5_000
	manifestStarts = 5
)

// manifestsInFiles puts five thousand manifests in a folder, and measures when all of
// them are known, and when a file that changes is served by each gateway.
func manifestsInFiles(ctx context.Context, b *bench) (err error) {
	w, err := harness.New(ctx, b.options)
	defer func() { err = errors.Join(err, w.Close()) }()
	if err != nil {
		return err
	}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }))
	defer origin.Close()
	f := manifestFolder{dir: filepath.Join(w.Dir, "manifests"), origin: origin.Listener.Addr().String()}
	for i := range manifestFiles {
		if err := f.write(i, fmt.Sprintf("s%d.test", i)); err != nil {
			return err
		}
	}
	if err := b.manifestStart(ctx, w, f); err != nil {
		return err
	}
	return b.manifestChange(ctx, w, f)
}

// manifestFolder is a folder of Services, one a file.
type manifestFolder struct{ dir, origin string }

func (f manifestFolder) path(i int) string {
	return filepath.Join(f.dir, fmt.Sprintf("d%d", i/100), fmt.Sprintf("s%d.yaml", i))
}

// write puts a file into its place as careful editors do.
func (f manifestFolder) write(i int, host string) error {
	path := f.path(i)
	text := fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata:\n  name: s%d\nspec:\n  hosts: [%s]\n  grace: 1h\n"+
		"  endpoints:\n    - address: %s\n      weight: 50\n", i, host, f.origin)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path+".tmp", []byte(text), 0o644)) //nolint:gosec // nothing secret
	return errors.Join(err, os.Rename(path+".tmp", path))
}

// parse reads every file as YAML, and does nothing with it.
func (f manifestFolder) parse() (time.Duration, error) {
	began := time.Now()
	for i := range manifestFiles {
		text, err := os.ReadFile(f.path(i))
		if err != nil {
			return 0, err
		}
		var document yaml.Node
		if err := yaml.Unmarshal(text, &document); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

// manifestStart measures the way to the first desired state, and to gateways that hold
// it. The floor reads and parses the files.
func (b *bench) manifestStart(ctx context.Context, w *harness.World, f manifestFolder) error {
	var known, floor []time.Duration
	var held time.Duration
	for i := range manifestStarts {
		bare, err := f.parse()
		if err != nil {
			return err
		}
		began := time.Now()
		if err := w.Start("--log-level", "warn", "--manifests", f.dir); err != nil {
			return err
		}
		if i > 0 { // questions cost the daemon time that it needs; the first ones would be in vain
			if err := wait(ctx, slices.Min(known)*3/4); err != nil {
				return err
			}
		}
		built, err := w.Metric(ctx, `lockstep_build_duration_seconds_count`, 1)
		if err != nil {
			return err
		}
		known, floor = append(known, built.Sub(began)), append(floor, bare)
		if err := patiently(ctx, w.Ready); err != nil {
			return err
		}
		if i == 0 {
			held = time.Since(began)
		}
		if i+1 < manifestStarts {
			if err := w.Stop(); err != nil {
				return err
			}
		}
	}
	b.table.addBeside(fmt.Sprintf("%d manifests: start → desired state (floor: read and parsed)", manifestFiles), known, floor, time.Second)
	b.table.add("  … the first time → both gateways hold them", millis(held), millis(floor[0]), times(held, floor[0]), "–", true)
	return nil
}

// patiently waits for what may take minutes.
func patiently(ctx context.Context, until func(context.Context) error) (err error) {
	for range 20 { // of a story's patience each
		if err = until(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// manifestChange measures from a file's change to the first answer at its new host. The
// floors are what the gateways need for it by themselves: at a HAProxy beside as many
// services, the change handed over by a call; at Kong, a bare write of a route.
func (b *bench) manifestChange(ctx context.Context, w *harness.World, f manifestFolder) error {
	after := map[string][]time.Duration{}
	for _, gateway := range []string{"haproxy", "kong"} {
		for i := range b.runs {
			if err := wait(ctx, rest); err != nil {
				return err
			}
			host := fmt.Sprintf("%s-%d.test", gateway, i)
			took, err := served(ctx, w, gateway, host, func() error { return f.write(700, host) })
			if err != nil {
				return err
			}
			after[gateway] = append(after[gateway], took)
		}
	}
	var bareKong []time.Duration
	service := fmt.Sprintf(`{"url": "http://%s", "name": "floor"}`, f.origin)
	if err := w.Kong.Put(ctx, "/services/floor", service); err != nil {
		return err
	}
	for i := range b.runs {
		host := fmt.Sprintf("floor-%d.test", i)
		took, err := served(ctx, w, "kong", host, func() error {
			return w.Kong.Put(ctx, "/routes/floor", fmt.Sprintf(`{"name": "floor", "service": {"name": "floor"}, "hosts": [%q]}`, host))
		})
		if err != nil {
			return err
		}
		bareKong = append(bareKong, took)
	}
	bareHAProxy, err := b.hostsAlone(ctx)
	if err != nil {
		return err
	}
	b.table.addBeside("  … one file changes → HAProxy serves it (floor: its reconciler alone)", after["haproxy"], bareHAProxy, 100*time.Millisecond)
	b.table.addBeside("  … → Kong serves it (floor: one bare write)", after["kong"], bareKong, 100*time.Millisecond)
	return nil
}

// served does something, and returns how long after its beginning the host was served.
func served(ctx context.Context, w *harness.World, gateway, host string, do func() error) (time.Duration, error) {
	began := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	for {
		answer, err := w.Ask(ctx, gateway, host, "/")
		if err == nil && answer.Status == http.StatusOK {
			return time.Since(began), nil
		}
		if time.Since(began) > harness.Patience || ctx.Err() != nil {
			return 0, fmt.Errorf("%s does not serve %s: %d, %w", gateway, host, answer.Status, err)
		}
		if err := wait(ctx, probeEvery); err != nil {
			return 0, err
		}
	}
}

// hostsAlone measures a service that gets another host, beside as many services, where
// HAProxy's reconciler is told by a call.
func (b *bench) hostsAlone(ctx context.Context) (out []time.Duration, err error) {
	err = withGate(ctx, manifestFiles, func(g *gate) error {
		one, err := g.origin("one")
		if err != nil {
			return err
		}
		for i := range b.runs + 1 { // the first makes the backend
			g.serve("one", false, one)
			host := fmt.Sprintf("one-%d.test", i)
			g.set["one"].Routes[0].Hosts = []string{host}
			took, err := g.timed(ctx, host, "one", func() error { return g.apply(ctx, "one") })
			if err != nil {
				return err
			}
			if i > 0 {
				out = append(out, took)
			}
		}
		return nil
	})
	return out, err
}
