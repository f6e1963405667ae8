package kong

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
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
	w := verifying(t, r)
	keeps.Store(true)
	generation := mustRound(t, r, setOf(service("a", 1)))
	w.until("the trouble", func(v reconcilers.Verification) bool { return strings.Contains(v.Problem, "another request") })
	if w.last.Verified >= generation {
		t.Errorf("verified %d of %d by an answer that was kept", w.last.Verified, generation)
	}
	keeps.Store(false)
	w.serves(generation)
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
	for i := range 3 * maxParts {
		for _, node := range n.each {
			node.verifier.Accept(fmt.Sprint(i), true, false)
		}
		n.accept()
	}
	if got, last := len(n.parts), n.parts[len(n.parts)-1].number; got > maxParts || last != 6*maxParts {
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
