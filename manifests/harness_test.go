package manifests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// patience is how long a test waits for what must happen, also on a machine with much to do.
const patience = 3 * time.Minute

// world is a Watcher that runs, and what it has said so far.
type world struct {
	t        *testing.T
	watcher  *Watcher
	poke     chan struct{}
	registry *prometheus.Registry

	services map[string]string // by name: the first path of each route
	declared map[string]*v1.Declared
	gone     []string // services that were taken back, in order
	shared   v1.Shared

	mu     sync.Mutex
	memory map[string]string
	logged strings.Builder
}

// watch starts a Watcher over folders.
func watch(t *testing.T, memory map[string][]byte, folders ...string) *world {
	t.Helper()
	w := &world{t: t, poke: make(chan struct{}, 1), services: map[string]string{}, memory: map[string]string{}, declared: map[string]*v1.Declared{}, registry: prometheus.NewRegistry()}
	w.watcher = New(Options{
		Folders: folders, SettleEmpty: time.Hour, Memory: memory, Registerer: w.registry,
		Log: slog.New(slog.NewTextHandler(w, nil)),
		Remember: func(changed map[string][]byte) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for path, text := range changed {
				if w.memory[path] = string(text); text == nil {
					delete(w.memory, path)
				}
			}
			return nil
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- w.watcher.Run(ctx, func() {
			select {
			case w.poke <- struct{}{}:
			default:
			}
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return w
}

// Write implements io.Writer for the log.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logged.Write(p)
}

// take adds what is new to what is known.
func (w *world) take() {
	news := w.watcher.Take()
	for _, name := range slices.Sorted(maps.Keys(news.Services)) {
		service := news.Services[name]
		if w.declared[name] = service; service == nil {
			delete(w.services, name)
			w.gone = append(w.gone, name)
			continue
		}
		var paths []string
		for _, route := range service.Service.Routes {
			paths = append(paths, route.Paths[0])
		}
		w.services[name] = strings.Join(paths, " ")
	}
	if news.Shared != nil {
		w.shared = *news.Shared
	}
}

// until takes what comes until the condition holds.
func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	for w.take(); !holds(); w.take() {
		select {
		case <-w.poke:
		case <-deadline:
			w.t.Fatalf("%s: not so after %s: %v, %+v", what, patience, w.services, w.watcher.State())
		}
	}
	w.take() // what came while it was looked at
}

// has waits until exactly these services are declared, each as "name: /path".
func (w *world) has(want ...string) {
	w.t.Helper()
	w.until("has "+strings.Join(want, ", "), func() bool {
		var got []string
		for _, name := range slices.Sorted(maps.Keys(w.services)) {
			got = append(got, name+": "+w.services[name])
		}
		return w.watcher.State().Loaded && slices.Equal(got, want)
	})
}

// complains waits until the state names a problem with these words; none: no problem.
func (w *world) complains(words string) {
	w.t.Helper()
	w.until("complains of "+words, func() bool {
		problems := fmt.Sprint(w.watcher.State().Problems)
		return words == "" && problems == "[]" || words != "" && strings.Contains(problems, words)
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil { //nolint:gosec // nothing secret
		t.Fatal(err)
	}
}

// rename writes a file beside its place and moves it there, as careful editors do.
func rename(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+".tmp", text)
	must(t, os.Rename(path+".tmp", path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// folder returns a folder free of symbolic links.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	return dir
}

// said returns what was logged.
func (w *world) said() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logged.String()
}

// remembered returns what was saved.
func (w *world) remembered() map[string][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[string][]byte{}
	for path, text := range w.memory {
		out[path] = []byte(text)
	}
	return out
}
