package cmd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// wired returns a daemon with HAProxy alone and a Docker Engine at host.
func wired(t *testing.T, host string, m mode) (*daemon, string) {
	t.Helper()
	dir := t.TempDir()
	s, _ := bound(t, "--docker-host", host, "--state-dir", dir, "--haproxy-bind", "127.0.0.1:1")
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	d, err := newDaemon("test", s, m, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return d, dir
}

// TestPlanGivesUpSoon when Docker is away or says nothing, with the reason.
func TestPlanGivesUpSoon(t *testing.T) {
	silent := listen(t, filepath.Join(t.TempDir(), "docker.sock"))
	go func() {
		for {
			connection, err := silent.Accept()
			if err != nil {
				return
			}
			defer connection.Close() //nolint:gocritic // held open until the test ends
		}
	}()
	for name, c := range map[string]struct{ host, want string }{
		"away":   {"unix:///nowhere/docker.sock", "/nowhere/docker.sock"},
		"silent": {"unix://" + silent.Addr().String(), silent.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := wired(t, c.host, mode{look: true})
			ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
			defer stop()
			group, ctx := errgroup.WithContext(ctx)
			group.Go(func() error { return d.controller.Run(ctx) })
			began := time.Now()
			_, err := d.plan(ctx)
			if took := time.Since(began); err == nil || !strings.Contains(err.Error(), c.want) || took > 50*time.Second {
				t.Errorf("got %v after %s, want an error with %q in less than the minute that a plan may take", err, took, c.want)
			}
			stop()
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestQuestionsOfADaemonThatEnds are answered with that, wherever they were.
func TestQuestionsOfADaemonThatEnds(t *testing.T) {
	d, _ := wired(t, "unix:///nowhere/docker.sock", mode{look: true})
	ctx, end := context.WithCancel(t.Context())
	end()
	if _, err := d.plan(ctx); !errors.Is(err, errEnded) {
		t.Errorf("before Docker answered: %v", err)
	}
	d.sources = nil // all of them have loaded
	if _, err := d.plan(ctx); !errors.Is(err, errEnded) {
		t.Errorf("while gateways are asked: %v", err)
	}
	if _, err := d.render(ctx, []v1.Gateway{v1.HAProxy}); !errors.Is(err, errEnded) {
		t.Errorf("while it is rendered: %v", err)
	}
}

// TestDryRunRemembersNothing: the state directory holds nothing but the lock.
func TestDryRunRemembersNothing(t *testing.T) {
	d, dir := wired(t, "unix:///nowhere/docker.sock", mode{dryRun: true})
	if d.remember(mode{dryRun: true}) != nil || d.gateways[0].KeepGuard != nil {
		t.Error("a dry run would save something")
	}
	if d.remember(mode{}) == nil {
		t.Error("a daemon would save nothing")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "lock" {
			t.Errorf("a dry run made %s", entry.Name())
		}
	}
}
