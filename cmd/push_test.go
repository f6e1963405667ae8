package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers/kong"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// scripted is a source that says what it is told to.
type scripted struct {
	mu     sync.Mutex
	delta  snapshot.Delta
	loaded bool
	poke   chan func()
}

func (s *scripted) Run(ctx context.Context, poke func()) error {
	s.poke <- poke
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *scripted) Take() snapshot.Delta {
	s.mu.Lock()
	defer s.mu.Unlock()
	delta := s.delta
	s.delta = snapshot.Delta{}
	return delta
}

func (s *scripted) State() source.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return source.State{Name: "told", Loaded: s.loaded, Connected: true}
}

// say adds to what changed.
func (s *scripted) say(delta snapshot.Delta) {
	s.mu.Lock()
	s.delta, s.loaded = s.delta.Then(delta), true
	s.mu.Unlock()
	poke := <-s.poke
	s.poke <- poke
	poke()
}

// nth is the nth container of one service.
func nth(n int) snapshot.Instance {
	return snapshot.Instance{
		ID: fmt.Sprintf("web%09d", n), Name: fmt.Sprint("web-", n), Created: time.Unix(int64(n), 0).UTC(),
		Labels:   map[string]string{"lockstep.enable": "true", "lockstep.service": "web", "lockstep.hosts": "web.test", "lockstep.port": "80"},
		Networks: []snapshot.Network{{Name: "bridge", Driver: "bridge", Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})}},
	}
}

// TestPushes counts how often a Kong without a database is pushed to while containers come and
// go: never by default, where it may reach HAProxy; else at most once a second.
func TestPushes(t *testing.T) {
	for _, c := range []struct {
		ways  []v1.Way
		least int
		most  func(time.Duration) int
		holds string // what Kong holds when it has settled
	}{
		{nil, 0, func(time.Duration) int { return 0 }, "29000"},
		{[]v1.Way{v1.KongAlone, v1.HAProxyAlone}, 1, func(took time.Duration) int { return 2 + int(took/time.Second) }, "10.0.0.1:80"},
	} {
		t.Run(fmt.Sprint("gateways ", c.ways), func(t *testing.T) {
			fake, err := fakekong.New(fakekong.Options{Mode: fakekong.DBLess})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(fake.Close)
			gateway, err := kong.Open(kong.Options{AdminURLs: []string{fake.AdminURL}, Owner: "lockstep", Writer: "w", Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			haproxy, store := reconcilertest.NewMemory(), status.New("test", "lockstep", []v1.Gateway{v1.Kong, v1.HAProxy})
			containers := &scripted{poke: make(chan func(), 1)}
			daemon := controller.New(controller.Options{
				Grammar: v1.Grammar{Prefix: "lockstep."}, Sources: []source.Source{containers},
				Gateways: []controller.Gateway{{Name: v1.Kong, Reconciler: gateway}, {Name: v1.HAProxy, Reconciler: haproxy.Open("lockstep")}},
				Ways:     c.ways, Chain: desired.Chain{Host: "edge", First: 29000, Last: 29009},
				Memory: ledger.New(), Status: store, Registry: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
			})
			ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
			done := make(chan error, 1)
			go func() { done <- daemon.Run(ctx) }()
			t.Cleanup(func() {
				stop()
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
			until := func(world func() string, text string) {
				t.Helper()
				for changed := store.Changed(); !strings.Contains(world(), text); changed = store.Changed() {
					select {
					case <-changed:
					case <-ctx.Done():
						t.Fatalf("it never holds %q:\n%s", text, world())
					}
				}
			}
			settled := func() string { // what Kong holds once all that was sent is answered
				if report := store.Report(); !report.Ready || report.Gateways[0].Pending > 0 {
					return ""
				}
				return fake.World()
			}
			containers.say(snapshot.Delta{Full: true, Changed: []snapshot.Instance{nth(1)},
				Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}})
			until(settled, c.holds)
			fake.Forget()
			began := time.Now()
			for n := 2; n < 20; n++ {
				containers.say(snapshot.Delta{Changed: []snapshot.Instance{nth(n)}, Removed: []string{nth(n - 1).ID}})
				until(haproxy.World, fmt.Sprintf("10.0.0.%d:80", n))
			}
			if len(c.ways) > 0 {
				until(settled, "10.0.0.19:80")
			}
			pushes := fake.Writes()
			if most := c.most(time.Since(began)); pushes < c.least || pushes > most {
				t.Errorf("%d pushes, want %d to %d", pushes, c.least, most)
			}
		})
	}
}
