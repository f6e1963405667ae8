package kong

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/wire"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// several returns options for nodes.
func several(nodes ...*fakekong.Kong) Options {
	o := options(nodes[0].AdminURL)
	o.Registerer = prometheus.NewRegistry()
	for _, k := range nodes[1:] {
		o.AdminURLs = append(o.AdminURLs, k.AdminURL)
	}
	return o
}

func openAll(t *testing.T, o Options) Gateway {
	t.Helper()
	g, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// TestConformanceOfNodes: two nodes without a database are one gateway, on which
// both hold the same.
func TestConformanceOfNodes(t *testing.T) {
	t.Parallel()
	h := harness(fakekong.DBLess)
	h.Seeds, h.Events = []uint64{1, 2}, 120
	h.New = func(tb testing.TB) *reconcilertest.Gateway {
		tb.Helper()
		a, b := start(tb, fakekong.Options{Mode: fakekong.DBLess}), start(tb, fakekong.Options{Mode: fakekong.DBLess})
		return &reconcilertest.Gateway{
			Open: func() (reconcilers.Reconciler, error) { return Open(several(a, b)) },
			World: func() string {
				if diff := cmp.Diff(a.World(), b.World()); diff != "" {
					return "the nodes differ:\n" + diff
				}
				return a.World()
			},
			Writes: func() int { return a.Writes() + b.Writes() },
			Break: func(after int) {
				var calls atomic.Int64
				hook := func(*http.Request) fakekong.Fault { return broken(int(calls.Add(1)) - after) }
				a.Hook(hook)
				b.Hook(hook)
			},
			Heal: func() {
				a.Hook(nil)
				b.Hook(nil)
			},
		}
	}
	reconcilertest.Run(t, h)
}

// TestNodesForThemselves: a node that does not answer stops no other, is named, and
// is filled when it is back; so is one that came back empty.
func TestNodesForThemselves(t *testing.T) {
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	g := openAll(t, several(a, b))
	set := setOf(service("a", 1))
	settled(t, g, set)
	if diff := cmp.Diff(a.World(), b.World()); diff != "" {
		t.Fatalf("the nodes differ:\n%s", diff)
	}
	b.Stop()
	set = setOf(service("a", 1, 2))
	observed, err := g.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err != nil || len(observed) == 0 {
		t.Fatalf("with one node down: %d objects, %v", len(observed), err)
	}
	desired, problems := g.Compile(reconcilers.Scope{}, set, v1.Shared{})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), strings.TrimPrefix(b.AdminURL, "http://")) || problems[0].Reason != v1.GatewayUnreachable {
		t.Errorf("a node that is down is told as %v", problems)
	}
	p := plan.Diff(observed, desired)
	outcomes, err := g.Apply(t.Context(), p)
	if err != nil || first(outcomes) != nil || p.Empty() || !strings.Contains(a.World(), "10.0.0.2") {
		t.Errorf("the other node: %v, %v, %s", err, first(outcomes), sentences(p))
	}
	watch(t, g, func() {
		if err := b.Start(); err != nil { // it holds what it held
			t.Fatal(err)
		}
	})
	settled(t, g, set)
	if diff := cmp.Diff(a.World(), b.World()); diff != "" {
		t.Errorf("after it was back:\n%s", diff)
	}
	before := a.Writes()
	watch(t, g, func() {
		if err := b.Restart(); err != nil {
			t.Fatal(err)
		}
	})
	settled(t, g, set)
	if diff := cmp.Diff(a.World(), b.World()); diff != "" || a.Writes() != before {
		t.Errorf("after it came back empty, %d writes at the other one:\n%s", a.Writes()-before, diff)
	}
	a.Stop()
	b.Stop()
	if _, err := g.Observe(t.Context(), reconcilers.Scope{Fresh: true}); reasonOf(err) != v1.GatewayUnreachable {
		t.Errorf("with all down: %v", err)
	}
}

// watch lets something happen, and waits until the watcher noticed it.
func watch(t *testing.T, g Gateway, happens func()) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	noticed := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.Watch(ctx, func() { // it ends with ctx, and says that
			select {
			case noticed <- struct{}{}:
			default:
			}
		})
	}()
	happens()
	select {
	case <-noticed:
	case <-ctx.Done():
		t.Error("nobody noticed it")
	}
	stop()
	<-ended
}

// TestNodesStranger: what a stranger loaded on one node is a conflict there, and
// stops no other.
func TestNodesStranger(t *testing.T) {
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	must(t, http.MethodPost, b.AdminURL+"/config", `{"config":"{\"_format_version\":\"3.0\",\"services\":[{\"name\":\"theirs\",\"host\":\"a\"}]}"}`)
	theirs := b.World()
	g := openAll(t, several(a, b))
	_, outcomes, err := round(t.Context(), g, setOf(service("a", 1)))
	p := first(outcomes)
	if err != nil || p == nil || p.Reason != v1.Conflict || !strings.Contains(p.Message, "at the node "+b.AdminURL) {
		t.Errorf("%v, %v", p, err)
	}
	if !strings.Contains(a.World(), "service a.lockstep") || b.World() != theirs {
		t.Errorf("%s\n%s", a.World(), b.World())
	}
}

// TestNodesOfACluster: addresses over one database are one Kong.
func TestNodesOfACluster(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := several(k, k)
	o.AdminURLs[0] = nobody(t)
	g := openAll(t, o)
	settled(t, g, setOf(service("a", 1)))
	writes := k.Writes()
	if p := settled(t, g, setOf(service("a", 1))); !p.Empty() || k.Writes() != writes {
		t.Errorf("again: %s", sentences(p))
	}
	if n, ok := g.(*Nodes); !ok || n.cluster.Load() == nil {
		t.Errorf("%T is no cluster", g)
	}
}

// TestNodesSilent: a node that takes connections and says nothing holds up no round
// for the others, while somebody watches it.
func TestNodesSilent(t *testing.T) {
	t.Parallel()
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	o := several(k)
	o.AdminURLs = append(o.AdminURLs, "http://hole.test")
	o.Attempts, o.WatchInterval = 1, time.Hour
	var asked atomic.Int64
	answering := &http.Transport{}
	t.Cleanup(answering.CloseIdleConnections)
	o.Transport = wire.Func(func(req *http.Request) (*http.Response, error) {
		if req.URL.Host != "hole.test" {
			return answering.RoundTrip(req)
		}
		asked.Add(1)
		return nil, context.DeadlineExceeded // as after all the time that an answer may take
	})
	g := openAll(t, o)
	watched, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = g.Watch(watched, func() {}) // it ends with its context, and says that
	}()
	defer func() { stop(); <-ended }()
	if _, err := g.Observe(t.Context(), reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	nodes, ok := g.(*Nodes)
	if !ok {
		t.Fatalf("two addresses are %T", g)
	}
	for !nodes.watched.Load() {
		runtime.Gosched()
	}
	before := asked.Load()
	for _, scope := range []reconcilers.Scope{{Services: []string{"a"}}, {Fresh: true}} {
		if _, err := g.Observe(t.Context(), scope); err != nil {
			t.Fatal(err)
		}
		if now := asked.Load(); before == 0 || now > before {
			t.Errorf("%+v asked a node that is known to be silent: %d times, and %d before", scope, now-before, before)
		}
		if _, problems := g.Compile(reconcilers.Scope{}, v1.Set{}, v1.Shared{}); len(problems) != 1 || problems[0].Reason != v1.GatewayUnreachable {
			t.Errorf("%+v tells %v of the silent node", scope, problems)
		}
	}
}

// TestNodesAuthorities: Watch of several nodes notices another file of authorities.
func TestNodesAuthorities(t *testing.T) {
	t.Parallel()
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	one, _ := pair(t)
	other, _ := pair(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(one), 0o600); err != nil {
		t.Fatal(err)
	}
	o := several(a, b)
	o.Authorities = []string{file}
	g := openAll(t, o)
	settled(t, g, setOf(service("a", 1)))
	watch(t, g, func() {
		if err := os.WriteFile(file, []byte(other+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
}
