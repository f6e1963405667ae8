package kong

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestProxyTrouble: what is not Kong's proxy, or not asked through to it, is told with a
// remedy; it is verified when that is over.
func TestProxyTrouble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status     int
		body, says string
	}{
		"global plugin":  {401, `{"message":"No API key found in request"}`, "answers 401 where"},
		"another server": {200, "<h1>It works!</h1>", "something else"},
		"redirect":       {302, "", "answers 302"},
		"no backend":     {503, "<html>", "answers 503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := start(t, fakekong.Options{})
			var well atomic.Bool
			before := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if well.Load() {
					k.ProxyHandler().ServeHTTP(rw, r)
					return
				}
				rw.Header().Set("Location", "/elsewhere")
				rw.WriteHeader(c.status)
				if _, err := io.WriteString(rw, c.body); err != nil {
					t.Error(err)
				}
			}))
			t.Cleanup(before.Close)
			o := proven(k)
			o.ProxyURLs = []string{before.URL}
			r := open(t, o)
			w := verifying(t, r)
			generation := mustRound(t, r, setOf(service("a", 1)))
			w.until("the trouble", func(v reconcilers.Verification) bool { return strings.Contains(v.Problem, c.says) && v.Fix != "" })
			if w.last.Verified != 0 {
				t.Errorf("%+v", w.last)
			}
			well.Store(true)
			w.serves(generation)
		})
	}
}

// TestProxyDown: a proxy that is away is told, and everything goes on.
func TestProxyDown(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := proven(k)
	o.ProxyURLs = append(o.ProxyURLs, nobody(t))
	r := open(t, o)
	w := verifying(t, r)
	mustRound(t, r, setOf(service("a", 1)))
	w.until("the trouble", func(v reconcilers.Verification) bool { return strings.Contains(v.Problem, "does not answer") })
	if w.last.Verified != 0 || !strings.Contains(w.last.Problem, strings.TrimPrefix(o.ProxyURLs[1], "http://")) {
		t.Errorf("%+v", w.last)
	}
}

// TestKeptAnswers: an answer that was given before proves nothing, whoever keeps it.
func TestKeptAnswers(t *testing.T) {
	k := start(t, fakekong.Options{})
	var kept atomic.Pointer[httptest.ResponseRecorder]
	var keeps atomic.Bool
	before := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if keeps.Load() {
			answer := httptest.NewRecorder()
			if k.ProxyHandler().ServeHTTP(answer, r); answer.Code == http.StatusOK {
				kept.CompareAndSwap(nil, answer)
			}
			if answer = kept.Load(); answer != nil {
				if _, err := rw.Write(answer.Body.Bytes()); err != nil {
					t.Error(err)
				}
				return
			}
		}
		k.ProxyHandler().ServeHTTP(rw, r)
	}))
	t.Cleanup(before.Close)
	o := proven(k)
	o.ProxyURLs = []string{before.URL}
	r := open(t, o)
	generation := mustRound(t, r, setOf(service("a", 1)))
	keeps.Store(true)
	proven, why, failed := r.verifier.look(t.Context())
	if proven >= generation || !failed || !strings.Contains(why.problem, "another request") {
		t.Errorf("proven %d of %d by an answer that was kept: %v", proven, generation, why)
	}
	keeps.Store(false)
	if proven, why, failed = r.verifier.look(t.Context()); proven != generation || failed {
		t.Errorf("proven %d of %d: %v", proven, generation, why)
	}
}

// TestProofOverHTTP1: Kong's plugin fails on an HTTP/2 request that tells no length.
func TestProofOverHTTP1(t *testing.T) {
	if speaks := askingOnce(Options{}).Protocols; speaks == nil || !speaks.HTTP1() || speaks.HTTP2() {
		t.Errorf("the proxy is asked over %v", speaks)
	}
}

// TestEveryWorker: one worker that is late keeps it from being verified.
func TestEveryWorker(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, proven(k))
	var turn atomic.Uint64
	var late atomic.Bool
	old := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		if turn.Add(1)%4 == 0 && late.Load() {
			rw.WriteHeader(http.StatusNotFound)
			if _, err := io.WriteString(rw, `{"message":"no Route matched with those values"}`); err != nil {
				t.Error(err)
			}
			return
		}
		k.ProxyHandler().ServeHTTP(rw, req)
	}))
	t.Cleanup(old.Close)
	r.verifier.proxies = []string{old.URL}
	r.verifier.kong = workers{}
	generation := mustRound(t, r, setOf(service("a", 1)))
	r.verifier.kong.Pids.Workers = []int{1, 2, 3, 4} // two of which nobody meets
	late.Store(true)
	if proven, why, failed := r.verifier.look(t.Context()); proven >= generation || failed || why.problem == "" {
		t.Errorf("with a late worker: proven %d, %v, failed %t", proven, why, failed)
	}
	late.Store(false)
	before := turn.Load()
	if proven, _, failed := r.verifier.look(t.Context()); proven != generation || failed || turn.Load()-before != 1+4*perWorker {
		t.Errorf("proven %d after %d requests", proven, turn.Load()-before)
	}
	r.verifier.kong.Pids.Workers = []int{1, 2}
	r.verifier.kong.Node = "" // of another node, whose workers are not known
	if r.verifier.kong.all(map[int]bool{0: true}) {
		t.Error("a worker of another node counts")
	}
}

// TestNodesVerified: each node without a database proves its own; all of them count.
func TestNodesVerified(t *testing.T) {
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess, RouteDelay: 200 * time.Millisecond})
	o := several(a, b)
	o.ProxyURLs = []string{a.ProxyURL, b.ProxyURL}
	g := openAll(t, o)
	w := verifying(t, g)
	for _, set := range []v1.Set{setOf(closed("a", "418")), setOf(closed("a", "418"), closed("b", "418"))} {
		w.serves(mustRound(t, g, set))
		for host := range set {
			if x, y := answers(t, a.ProxyURL, host+".test"), answers(t, b.ProxyURL, host+".test"); x != 418 || y != 418 {
				t.Errorf("verified, %s answers %d and %d", host, x, y)
			}
		}
	}
	again := openAll(t, several2(o))
	w = verifying(t, again)
	if g := mustRound(t, again, setOf(closed("a", "418"), closed("b", "418"))); g != 0 {
		t.Errorf("a restart changes something: generation %d", g)
	}
	w.until("verified", func(v reconcilers.Verification) bool { return v.Verified == 2 && v.Accepted == 2 })

	o.ProxyURLs = o.ProxyURLs[:1]
	if _, err := openAll(t, several2(o)).Observe(t.Context(), reconcilers.Scope{}); reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "1 addresses of Kong's proxy are given for 2 nodes") {
		t.Errorf("of one proxy for two nodes: %v", err)
	}
	one := options(a.AdminURL)
	one.ProxyURLs = []string{a.ProxyURL, b.ProxyURL}
	if _, err := open(t, one).Observe(t.Context(), reconcilers.Scope{}); reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "for the one node") {
		t.Errorf("of two proxies for one node: %v", err)
	}
}

// TestNodesPartsAreBounded: of nodes that nobody can ask, not every generation is remembered.
func TestNodesPartsAreBounded(t *testing.T) {
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	o := several(a, b)
	o.ProxyURLs = []string{a.ProxyURL, b.ProxyURL}
	n, ok := openAll(t, o).(*Nodes)
	if !ok {
		t.Fatal("two addresses are no nodes")
	}
	for i := range 3 * maxGenerations {
		for _, node := range n.each {
			node.verifier.accept(fmt.Sprint(i), true, false)
		}
		n.accept()
	}
	if got, last := len(n.parts), n.parts[len(n.parts)-1].number; got > maxGenerations || last != 6*maxGenerations {
		t.Errorf("%d are remembered, up to %d", got, last)
	}
}

// several2 are the same options for another reconciler.
func several2(o Options) Options {
	o.Registerer = nil
	return o
}

// TestClusterVerified: any number of proxies is fine over one database.
func TestClusterVerified(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := several(k, k)
	o.ProxyURLs = []string{k.ProxyURL}
	g := openAll(t, o)
	w := verifying(t, g)
	w.serves(mustRound(t, g, setOf(service("a", 1))))
}

// TestGenerations: a token that was there before is that of the newest generation only
// when no worker can hold what was in between, and one that is not proven waits for the
// next that is.
func TestGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVerifier(entity.Namer{Owner: "lockstep"}, Options{ProxyURLs: []string{"http://127.0.0.1:1"}}, &proxyMetrics{})
		v.learn(workers{}, &facts{database: "postgres", plugins: map[string]*schema{entity.ProofPlugin: {}}})
		number := func(token string, want uint64) {
			t.Helper()
			if got := v.numberOf(token); got != want {
				t.Errorf("%s is generation %d, want %d", token, got, want)
			}
		}
		for i, token := range []string{"a", "b", "a", "a"} {
			if got, want := v.accept(token, true, false), uint64(min(i+1, 3)); got != want {
				t.Errorf("%s is accepted as generation %d, want %d", token, got, want)
			}
		}
		number("a", 1)
		number("b", 2)
		number("c", 0)
		time.Sleep(12 * time.Second) //nolint:forbidigo // in a bubble; five for each setting, and a fifth more
		number("a", 3)
		if next, again := v.accept("c", false, false), v.accept("c", false, false); next != 4 || again != 4 {
			t.Errorf("unproven: %d, %d", next, again)
		}
		number("c", 0)
		if k := v.known(); k.Accepted != 4 || k.Problem == "" || v.owes() {
			t.Errorf("unproven: %+v", k)
		}
		if v.owe(); !v.owes() || v.owes() {
			t.Error("what is owed is told once")
		}
		if got := v.accept("a", true, false); got != 4 { // what was unproven is gone again
			t.Errorf("proven: %d", got)
		}
		if k := v.known(); k.Accepted != 4 || k.Problem != "" {
			t.Errorf("proven: %+v", k)
		}
		if got := v.accept("a", true, true); got != 5 || v.rest() != 12*time.Second {
			t.Errorf("renewed: %d, asked in %s", got, v.rest())
		}
		number("a", 5)
		time.Sleep(v.settled) //nolint:forbidigo // in a bubble
		if v.accept("x", false, true); v.rest() != v.settled {
			t.Errorf("where only a part of a new proof is there, it is asked for in %s", v.rest())
		}
		for i := range 3 * maxGenerations {
			v.accept(fmt.Sprint(i), true, false)
		}
		if len(v.recent) > maxGenerations {
			t.Errorf("%d generations are remembered", len(v.recent))
		}
	})
}

// TestServingMetric: how long it took is counted of what was accepted, not of what was found.
func TestServingMetric(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newProxyMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(entity.Namer{Owner: "lockstep"}, Options{ProxyURLs: []string{"http://127.0.0.1:1"}}, m)
	v.recognize("a")
	v.found(1, trouble{}, false)
	v.recognize("a")
	v.accept("b", true, false)
	v.accept("c", true, false)
	v.found(3, trouble{}, false)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "lockstep_kong_accepted_to_serving_seconds" {
			if n := family.GetMetric()[0].GetHistogram().GetSampleCount(); n != 2 {
				t.Errorf("%d are counted, want 2", n)
			}
			return
		}
	}
	t.Error("there is no such metric")
}

// TestTally: the same objects have one token, in whatever order they came and went.
func TestTally(t *testing.T) {
	object := func(name, value string) *plan.Object {
		return &plan.Object{Key: v1.Key{Kind: v1.KindRoute, Name: name}, Fields: map[string]string{"a": value, "b": "1"}}
	}
	var x, y tally
	for _, name := range []string{"one", "two", "three"} {
		x.add(object(name, "v"))
	}
	for _, name := range []string{"three", "four", "one", "two"} {
		y.add(object(name, "v"))
	}
	if x.token() == y.token() {
		t.Error("one more makes no difference")
	}
	y.remove(object("four", "v"))
	if x.token() != y.token() {
		t.Errorf("%s and %s", x.token(), y.token())
	}
	y.remove(object("one", "v"))
	y.add(object("one", "w"))
	if x.token() == y.token() {
		t.Error("another value makes no difference")
	}
}

// TestPauses: they grow, and what is in vain is asked ever more rarely.
func TestPauses(t *testing.T) {
	var p pauses
	var sum time.Duration
	for n, before := 0, time.Duration(0); n < 100; n++ {
		pause := p.next()
		if pause < before || pause > longPause || n == 0 && pause != firstPause {
			t.Errorf("pause %d is %s after %s", n, pause, before)
		}
		if sum < quickTime && pause > quickPause {
			t.Errorf("a pause of %s after %s", pause, sum)
		}
		before, sum = pause, sum+pause
	}
	if p.last != longPause {
		t.Errorf("at last it is %s", p.last)
	}
}
