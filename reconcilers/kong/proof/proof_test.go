package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestEveryWorker: one worker that is late keeps it from being verified.
func TestEveryWorker(t *testing.T) {
	var turn atomic.Int64
	var late atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := turn.Add(1)
		if n%4 == 0 && late.Load() {
			rw.WriteHeader(http.StatusNotFound)
			if _, err := io.WriteString(rw, `{"message":"no Route matched with those values"}`); err != nil {
				t.Error(err)
			}
			return
		}
		if r.Host != "proof.test" || r.Header.Get(Header) != "word" {
			t.Errorf("asked for %s with the word %q", r.Host, r.Header.Get(Header))
		}
		err := json.NewEncoder(rw).Encode(map[string]any{
			"message": "a", "matched_route": map[string]any{"tags": []string{entity.TagOwner + "lockstep", entity.TagGeneration + "a"}},
			"kong": map[string]any{"node_id": "here", "worker_pid": 1 + n%2}, "request": map[string]any{"query": map[string]any{"once": r.URL.Query().Get("once")}},
		})
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(proxy.Close)
	v := New(Options{Proxies: []string{proxy.URL + "/"}, Host: "proof.test", Word: "word", Metrics: &Metrics{}})
	v.Learn([]byte(`{"node_id": "here", "pids": {"workers": [1, 2, 3, 4]}}`), true, true) // two of which nobody meets
	generation := v.Accept("a", true, false)
	late.Store(true)
	if proven, why, failed := v.look(t.Context()); proven >= generation || failed || why.problem == "" {
		t.Errorf("with a late worker: proven %d, %v, failed %t", proven, why, failed)
	}
	late.Store(false)
	before := turn.Load()
	if proven, _, failed := v.look(t.Context()); proven != generation || failed || turn.Load()-before != 1+4*perWorker {
		t.Errorf("proven %d after %d requests", proven, turn.Load()-before)
	}
	v.Learn([]byte(`{"node_id": "here", "pids": {"workers": [1, 2]}}`), true, true)
	before = turn.Load()
	if proven, _, failed := v.look(t.Context()); proven != generation || failed || turn.Load()-before >= 1+2*perWorker {
		t.Errorf("of two workers that were met: proven %d after %d requests", proven, turn.Load()-before)
	}
	v.Learn([]byte(`{"node_id": "elsewhere", "pids": {"workers": [1, 2]}}`), true, true) // whose workers nobody meets there
	before = turn.Load()
	if proven, _, failed := v.look(t.Context()); proven != generation || failed || turn.Load()-before != 1+2*perWorker {
		t.Errorf("of another node's: proven %d after %d requests", proven, turn.Load()-before)
	}
}

// TestSameTroubleSaysTheSame: a proxy that resets each connection is one trouble, whichever
// ports these had here.
func TestSameTroubleSaysTheSame(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		tcp, is := connection.(*net.TCPConn)
		if !is {
			t.Errorf("the connection is a %T", connection)
			return
		}
		if err := errors.Join(tcp.SetLinger(0), tcp.Close()); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(proxy.Close)
	v := New(Options{Proxies: []string{proxy.URL}, Host: "proof.test", Word: "word", Metrics: &Metrics{}})
	_, first, failed := v.look(t.Context())
	_, second, _ := v.look(t.Context())
	want := "the proxy at " + proxy.URL + " does not answer: read tcp " + strings.TrimPrefix(proxy.URL, "http://") + ": read: connection reset by peer"
	if !failed || first.problem != want || second != first {
		t.Errorf("it says %q, then %q, want %q", first.problem, second.problem, want)
	}
}

// TestProofOverHTTP1: Kong's plugin fails on an HTTP/2 request that tells no length.
func TestProofOverHTTP1(t *testing.T) {
	if speaks := askingOnce(nil).Protocols; speaks == nil || !speaks.HTTP1() || speaks.HTTP2() {
		t.Errorf("the proxy is asked over %v", speaks)
	}
}

// TestGenerations: a token that was there before is that of the newest generation only
// when no worker can hold what was in between, and one that is not proven waits for the
// next that is.
func TestGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := New(Options{Proxies: []string{"http://127.0.0.1:1"}, Metrics: &Metrics{}})
		v.Learn([]byte(`{}`), true, true)
		number := func(token string, want uint64) {
			t.Helper()
			if got := v.numberOf(token); got != want {
				t.Errorf("%s is generation %d, want %d", token, got, want)
			}
		}
		for i, token := range []string{"a", "b", "a", "a"} {
			if got, want := v.Accept(token, true, false), uint64(min(i+1, 3)); got != want {
				t.Errorf("%s is accepted as generation %d, want %d", token, got, want)
			}
		}
		number("a", 1)
		number("b", 2)
		number("c", 0)
		time.Sleep(12 * time.Second) //nolint:forbidigo // in a bubble; five for each setting, and a fifth more
		number("a", 3)
		if next, again := v.Accept("c", false, false), v.Accept("c", false, false); next != 4 || again != 4 {
			t.Errorf("unproven: %d, %d", next, again)
		}
		number("c", 0)
		if k := v.Known(); k.Accepted != 4 || k.Problem == "" || v.Owes() {
			t.Errorf("unproven: %+v", k)
		}
		if v.Owe(); !v.Owes() || v.Owes() {
			t.Error("what is owed is told once")
		}
		if got := v.Accept("a", true, false); got != 4 { // what was unproven is gone again
			t.Errorf("proven: %d", got)
		}
		if k := v.Known(); k.Accepted != 4 || k.Problem != "" {
			t.Errorf("proven: %+v", k)
		}
		if got := v.Accept("a", true, true); got != 5 || v.rest() != 12*time.Second {
			t.Errorf("renewed: %d, asked in %s", got, v.rest())
		}
		number("a", 5)
		time.Sleep(v.settled) //nolint:forbidigo // in a bubble
		if v.Accept("x", false, true); v.rest() != v.settled {
			t.Errorf("where only a part of a new proof is there, it is asked for in %s", v.rest())
		}
		for i := range 3 * maxGenerations {
			v.Accept(fmt.Sprint(i), true, false)
		}
		if len(v.recent) > maxGenerations {
			t.Errorf("%d generations are remembered", len(v.recent))
		}
	})
}

// TestServingMetric: how long it took is counted of what was accepted, not of what was found.
func TestServingMetric(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	v := New(Options{Proxies: []string{"http://127.0.0.1:1"}, Metrics: m})
	v.Recognize("a")
	v.found(1, trouble{}, false)
	v.Recognize("a")
	v.Accept("b", true, false)
	v.Accept("c", true, false)
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
	var x, y Tally
	for _, name := range []string{"one", "two", "three"} {
		x.Add(object(name, "v"))
	}
	for _, name := range []string{"three", "four", "one", "two"} {
		y.Add(object(name, "v"))
	}
	if x.Token() == y.Token() {
		t.Error("one more makes no difference")
	}
	y.Remove(object("four", "v"))
	if x.Token() != y.Token() {
		t.Errorf("%s and %s", x.Token(), y.Token())
	}
	y.Remove(object("one", "v"))
	y.Add(object("one", "w"))
	if x.Token() == y.Token() {
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
