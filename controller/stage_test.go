package controller

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// stage is a Controller between a source that tests play and two gateways in
// memory. It lives in a synctest bubble: time passes only when all wait.
type stage struct {
	*Controller
	source *played
	kong   *reconcilertest.Memory
	hap    *reconcilertest.Memory
	status *status.Store
}

// played is a source that says what a test lets it say.
type played struct {
	mu      sync.Mutex
	pending snapshot.Delta
	loaded  bool
	lost    bool // it can't be reached
	poke    func()
}

func (p *played) Run(ctx context.Context, poke func()) error {
	p.mu.Lock()
	p.poke = poke
	p.mu.Unlock()
	poke()
	<-ctx.Done()
	return context.Cause(ctx)
}

func (p *played) Take() snapshot.Delta {
	p.mu.Lock()
	defer p.mu.Unlock()
	delta := p.pending
	p.pending = snapshot.Delta{}
	return delta
}

func (p *played) State() source.State {
	p.mu.Lock()
	defer p.mu.Unlock()
	return source.State{Name: "played", Loaded: p.loaded, Connected: !p.lost}
}

// say hands the controller a delta and waits until all is quiet.
func (p *played) say(delta snapshot.Delta) {
	p.mu.Lock()
	p.pending = p.pending.Then(delta)
	p.loaded = p.loaded || delta.Full
	poke := p.poke
	p.mu.Unlock()
	poke()
	synctest.Wait()
}

// lose makes the source go away, or come back, and waits until all is quiet.
func (p *played) lose(lost bool) {
	p.mu.Lock()
	p.lost = lost
	poke := p.poke
	p.mu.Unlock()
	poke()
	synctest.Wait()
}

// begin runs a controller on fresh gateways until the test ends.
func begin(t *testing.T, change func(*Options)) *stage {
	t.Helper()
	s := &stage{source: &played{}, kong: reconcilertest.NewMemory(), hap: reconcilertest.NewMemory()}
	gateways := []Gateway{
		{Name: v1.Kong, Reconciler: s.kong.Open("lockstep")},
		{Name: v1.HAProxy, Reconciler: s.hap.Open("lockstep")},
	}
	s.status = status.New("test", "lockstep", []v1.Gateway{v1.Kong, v1.HAProxy})
	options := Options{
		Grammar:  v1.Grammar{Prefix: "lockstep."},
		Sources:  []source.Source{s.source},
		Gateways: gateways,
		Memory:   ledger.New(),
		Status:   s.status,
		Registry: prometheus.NewRegistry(),
		Log:      slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&options)
	}
	s.Controller = New(options)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
	return s
}

// containers returns one container for each name, a service of its own each.
func containers(names ...string) []snapshot.Instance {
	var out []snapshot.Instance
	for i, name := range names {
		out = append(out, snapshot.Instance{
			ID: name + "-0123456789", Name: name, Created: time.Unix(int64(i), 0).UTC(),
			Labels:   map[string]string{"lockstep.enable": "true", "lockstep.hosts": name + ".test", "lockstep.port": "80", "lockstep.grace": "1m"},
			Networks: []snapshot.Network{{Name: "bridge", Driver: "bridge", Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})}},
		})
	}
	return out
}

func full(names ...string) snapshot.Delta {
	return snapshot.Delta{
		Full: true, Changed: containers(names...),
		Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}},
	}
}

func gone(names ...string) snapshot.Delta {
	var delta snapshot.Delta
	for _, name := range names {
		delta.Removed = append(delta.Removed, name+"-0123456789")
	}
	return delta
}

func names(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("web%02d", i))
	}
	return out
}

// holds returns how many backends of services a gateway has.
func holds(m *reconcilertest.Memory) int {
	return strings.Count(m.World(), "backend/web")
}

// pass lets time pass in the bubble, and waits until all is quiet then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
