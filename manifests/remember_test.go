package manifests

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// TestRememberedBeforeItIsTold: whatever Take has given out is remembered, so that a daemon
// that dies at any moment loses no good version that a gateway may serve. Only what changed
// is written, and what could not be written before.
func TestRememberedBeforeItIsTold(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	a, b, gone := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml"), filepath.Join(dir, "gone.yaml")
	write(t, a, service("a", "/1"))
	write(t, b, service("b", "/1"))
	var w *Watcher
	var asked []map[string][]byte // of each call
	saved, full := map[string][]byte{gone: {}}, true
	w = New(Options{
		Folders: []string{dir}, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		Memory: map[string][]byte{gone: []byte(service("gone", "/"))},
		Remember: func(changed map[string][]byte) error {
			if news := w.Take(); len(news.Services) > 0 {
				t.Errorf("%v are told before %v is remembered", slices.Sorted(maps.Keys(news.Services)), changed)
			}
			if asked = append(asked, changed); full {
				return errors.New("the disk is full")
			}
			maps.Copy(saved, changed)
			maps.DeleteFunc(saved, func(_ string, text []byte) bool { return text == nil })
			return nil
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	steps := []func(){
		func() { full = false; rename(t, a, service("a", "/2")) },
		func() { must(t, os.Remove(b)) },
		stop,
	}
	err := w.Run(ctx, func() {
		if news := w.Take(); len(news.Services) == 0 {
			t.Errorf("it pokes for nothing: %+v", w.State())
		}
		if len(steps) > 0 {
			next := steps[0]
			steps = steps[1:]
			next()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	first := map[string][]byte{a: []byte(service("a", "/1")), b: []byte(service("b", "/1")), gone: nil}
	if diff := cmp.Diff(first, asked[0]); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]byte{b: nil}, asked[len(asked)-1]); diff != "" {
		t.Errorf("at last (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]byte{a: []byte(service("a", "/2"))}, saved); diff != "" {
		t.Errorf("in all (-want +got):\n%s", diff)
	}
}
