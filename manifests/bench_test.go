package manifests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// crowd is how many files the benchmarks have.
const crowd = 5000

// fill writes so many files, 100 in a directory.
func fill(b *testing.B, files int) string {
	b.Helper()
	dir := b.TempDir()
	for i := range files {
		path := filepath.Join(dir, fmt.Sprintf("d%d", i/100), fmt.Sprintf("s%d.yaml", i))
		text := fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata:\n  name: s%d\nspec:\n  hosts: [s%d.example.com]\n"+
			"  paths: [/, /api]\n  grace: 1h\n  endpoints:\n    - address: 10.0.%d.%d:8080\n      weight: 50\n", i, i, i/250, i%250)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil { //nolint:gosec // nothing secret
			b.Fatal(err)
		}
	}
	return dir
}

// begin starts a Watcher and returns what waits for its next news.
func begin(b *testing.B, dir string) (next func() News, stop func()) {
	b.Helper()
	w := New(Options{Folders: []string{dir}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	ctx, cancel := context.WithCancel(b.Context())
	poke, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- w.Run(ctx, func() {
			select {
			case poke <- struct{}{}:
			default:
			}
		})
	}()
	stop = func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			b.Error(err)
		}
	}
	return func() News { <-poke; return w.Take() }, stop
}

// BenchmarkLoad reads 5,000 files for the first time.
func BenchmarkLoad(b *testing.B) {
	dir := fill(b, crowd)
	for b.Loop() {
		next, stop := begin(b, dir)
		if n := len(next().Services); n != crowd {
			b.Fatalf("%d services, want %d", n, crowd)
		}
		stop()
	}
}

// BenchmarkChange changes one of many files, by renaming. How many there are makes no difference.
func BenchmarkChange(b *testing.B) {
	for _, files := range []int{crowd / 10, crowd} {
		b.Run(fmt.Sprint(files), func(b *testing.B) { change(b, fill(b, files)) })
	}
}

func change(b *testing.B, dir string) {
	b.Helper()
	next, stop := begin(b, dir)
	defer stop()
	next()
	path := filepath.Join(dir, "d2", "s200.yaml")
	for i := 0; b.Loop(); i++ {
		if err := errors.Join(os.WriteFile(path+".tmp", []byte(service("s200", fmt.Sprintf("/%d", i))), 0o644), os.Rename(path+".tmp", path)); err != nil { //nolint:gosec // nothing secret
			b.Fatal(err)
		}
		if news := next(); len(news.Services) != 1 {
			b.Fatalf("%d services changed, want 1", len(news.Services))
		}
	}
}
