package kong

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// proven are options of a reconciler that asks Kong's proxy.
func proven(k *fakekong.Kong) Options {
	o := options(k.AdminURL)
	o.ProxyURLs = []string{k.ProxyURL}
	return o
}

// TestConformanceProven: with the proof, all walks end in the same world as without detours.
func TestConformanceProven(t *testing.T) {
	t.Parallel()
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			h := harness(mode)
			h.Seeds, h.Events = []uint64{4, 5}, 100
			h.New = func(tb testing.TB) *reconcilertest.Gateway {
				tb.Helper()
				k := start(tb, fakekong.Options{Mode: mode})
				return &reconcilertest.Gateway{
					Open:   func() (reconcilers.Reconciler, error) { return New(proven(k)) },
					World:  func() string { return k.World() },
					Writes: k.Writes,
					Break: func(after int) {
						var calls atomic.Int64
						k.Hook(func(*http.Request) fakekong.Fault { return broken(int(calls.Add(1)) - after) })
					},
					Heal: func() { k.Hook(nil) },
				}
			}
			reconcilertest.Run(t, h)
		})
	}
}

// witness hears what a verifier tells.
type witness struct {
	t    *testing.T
	told chan reconcilers.Verification
	last reconcilers.Verification
}

// verifying lets a reconciler ask until the test ends.
func verifying(t *testing.T, v reconcilers.Verifier) *witness {
	t.Helper()
	w := &witness{t: t, told: make(chan reconcilers.Verification, 1000)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- v.Verify(ctx, func(k reconcilers.Verification) { w.told <- k }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err == nil {
			t.Error("Verify ended before its context")
		}
	})
	return w
}

// until waits until what is told is as wanted.
func (w *witness) until(what string, is func(reconcilers.Verification) bool) {
	w.t.Helper()
	late := time.After(time.Minute)
	for !is(w.last) {
		select {
		case w.last = <-w.told:
		case <-late:
			w.t.Fatalf("%s: told %+v", what, w.last)
		}
	}
}

// serves waits until a generation is verified.
func (w *witness) serves(generation uint64) {
	w.t.Helper()
	w.until("verified", func(k reconcilers.Verification) bool { return k.Verified >= generation })
	if generation == 0 || w.last.Problem != "" {
		w.t.Errorf("generation %d: %+v", generation, w.last)
	}
}

// generationOf is the newest that outcomes bear, of which everything must be made.
func generationOf(t *testing.T, outcomes []plan.Outcome) (newest uint64) {
	t.Helper()
	if problem := first(outcomes); problem != nil {
		t.Fatal(problem)
	}
	for _, o := range outcomes {
		newest = max(newest, o.Generation)
	}
	return newest
}

func mustRound(t *testing.T, r reconcilers.Reconciler, set v1.Set) uint64 {
	t.Helper()
	_, outcomes, err := round(t.Context(), r, set)
	if err != nil {
		t.Fatal(err)
	}
	return generationOf(t, outcomes)
}

// closed is a service whose route Kong answers itself, by a plugin.
func closed(name, status string) *v1.Service {
	s := service(name, 1)
	s.Routes[0].Plugins = []v1.Plugin{plugin("request-termination", "status_code="+status)}
	return s
}

// answers is the status of a host on Kong's proxy, over a connection of its own.
func answers(t *testing.T, proxy, host string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, proxy+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host, req.Close = host, true
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

// TestVerified: what is verified is served, whichever of routes and plugins Kong takes up
// later. Nobody's route for all hosts is asked.
func TestVerified(t *testing.T) {
	t.Parallel()
	const late = 200 * time.Millisecond
	for name, o := range map[string]fakekong.Options{
		"database, late routes":  {RouteDelay: late},
		"database, late plugins": {PluginDelay: late},
		"database, at once":      {},
		"dbless, late routes":    {Mode: fakekong.DBLess, RouteDelay: late},
		"dbless, late plugins":   {Mode: fakekong.DBLess, PluginDelay: late},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := start(t, o)
			if o.Mode != fakekong.DBLess {
				var reached atomic.Int64
				theirs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
				t.Cleanup(theirs.Close)
				t.Cleanup(func() {
					if n := reached.Load(); n > 0 {
						t.Errorf("a container was asked %d times", n)
					}
				})
				must(t, http.MethodPut, k.AdminURL+"/services/all", `{"url":"`+theirs.URL+`"}`)
				must(t, http.MethodPut, k.AdminURL+"/routes/all", `{"paths":["/"],"methods":["GET"],"service":{"name":"all"}}`)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				t.Cleanup(cancel)
				status := answers(t, k.ProxyURL, "anything.test")
				for status == http.StatusNotFound { // until Kong's workers serve it
					if pause.For(ctx, 5*time.Millisecond) != nil {
						t.Fatal("Kong does not serve a route within a minute")
					}
					status = answers(t, k.ProxyURL, "anything.test")
				}
				if lent.has(t) && status != http.StatusOK {
					t.Skipf("the Kong at KONG_ADMIN_URL does not reach a server of this test at %s: it answers %d", theirs.URL, status)
				}
				reached.Store(0)
			}
			r := open(t, proven(k))
			w := verifying(t, r)
			for _, status := range []string{"418", "419", "418"} { // and back to what it was
				w.serves(mustRound(t, r, setOf(closed("a", status))))
				if got := answers(t, k.ProxyURL, "a.test"); got != 400+int(status[2]-'0')+10 {
					t.Errorf("verified with %s, it answers %d", status, got)
				}
			}
			w.serves(mustRound(t, r, setOf(closed("a", "418"), closed("b", "418"))))
			if got := answers(t, k.ProxyURL, "b.test"); got != 418 {
				t.Errorf("verified, a new route answers %d", got)
			}
		})
	}
}

// TestVerifiedOutcomes: what opens a route says so; with a database targets are served at once.
func TestVerifiedOutcomes(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, proven(k))
	_, outcomes, err := round(t.Context(), r, setOf(service("a", 1)))
	if err != nil || first(outcomes) != nil {
		t.Fatal(err, first(outcomes))
	}
	got := map[string][2]bool{}
	for _, o := range outcomes {
		got[o.Change.Key.String()] = [2]bool{o.Generation == 1, o.Opens}
	}
	want := map[string][2]bool{
		"upstream/@unavailable": {}, "service/@unavailable": {true, false}, "route/@verify": {}, "plugin/route/@verify/request-termination": {},
		"upstream/a": {}, "target/a/10.0.0.1:80": {}, "service/a": {true, false}, "route/a.default": {true, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("awaited, and opens (-want +got):\n%s", diff)
	}
	writes := k.Writes()
	if g := mustRound(t, r, setOf(service("a", 1, 2))); g != 0 || k.Writes() != writes+1 {
		t.Errorf("a target: generation %d, %d writes", g, k.Writes()-writes)
	}
	changed := service("a", 1, 2)
	changed.Routes[0].Paths = []string{"/x"}
	writes = k.Writes()
	if g := mustRound(t, r, setOf(changed)); g != 2 || k.Writes() != writes+3 {
		t.Errorf("a route: generation %d, %d writes", g, k.Writes()-writes)
	}
}

// TestVerifiedAfterRestart: what Kong holds is asked about without a write, and a proof
// that a daemon could not move on before it ended is found out.
func TestVerifiedAfterRestart(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			settled(t, open(t, proven(k)), setOf(service("a", 1)))
			writes := k.Writes()
			r := open(t, proven(k))
			w := verifying(t, r)
			if p := settled(t, r, setOf(service("a", 1))); !p.Empty() || k.Writes() != writes {
				t.Errorf("a restart writes: %s", sentences(p))
			}
			w.serves(1)
			if err := k.Restart(); err != nil {
				t.Fatal(err)
			}
			w.serves(max(mustRound(t, r, setOf(service("a", 1))), w.last.Accepted))
			if want := k.World(); mode == fakekong.DBLess {
				fresh := start(t, fakekong.Options{Mode: mode})
				settled(t, open(t, proven(fresh)), setOf(service("a", 1)))
				if diff := cmp.Diff(fresh.World(), want); diff != "" {
					t.Errorf("filled again (-fresh +filled):\n%s", diff)
				}
			}
		})
	}
	k := start(t, fakekong.Options{})
	settled(t, open(t, proven(k)), setOf(service("a", 1)))
	want := k.World()
	k.Hook(proofFails)
	settled(t, open(t, proven(k)), setOf(closed("a", "418")))
	k.Hook(nil)
	r := open(t, proven(k))
	if p := settled(t, r, setOf(closed("a", "418"))); p.Empty() || !strings.Contains(sentences(p), "generation another → current") {
		t.Errorf("of a proof that stayed behind: %s", sentences(p))
	}
	settled(t, r, setOf(service("a", 1)))
	if diff := cmp.Diff(want, k.World()); diff != "" {
		t.Errorf("back (-before +after):\n%s", diff)
	}
}
