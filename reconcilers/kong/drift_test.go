package kong

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// step is one request of somebody who changes things by hand. "{service/a}"
// stands for the id of our service a.
type step struct{ method, path, body string }

func (s step) take(t *testing.T, url string, r *Reconciler) {
	t.Helper()
	ids := strings.NewReplacer(
		"{service/a}", r.names.ID(v1.KindService, "a"), "{service/b}", r.names.ID(v1.KindService, "b"),
		"{upstream/a}", r.names.ID(v1.KindUpstream, "a"), "{route/a.default}", r.names.ID(v1.KindRoute, "a.default"))
	must(t, s.method, url+ids.Replace(s.path), ids.Replace(s.body))
}

// TestChangesByHand lets somebody change our entities in every way; one round
// brings all of it back, and the sentence says what was found.
func TestChangesByHand(t *testing.T) {
	tests := map[string]struct {
		change   []step
		sentence string
	}{
		"a field that we write": {[]step{
			{http.MethodPatch, "/services/{service/a}", `{"retries":1}`},
		}, "change service a: retries 1 → 5"},
		"a field that we don't write": {[]step{
			{http.MethodPatch, "/services/{service/a}", `{"enabled":false}`},
		}, "change service a: enabled false → (none)"},
		"a field in a record": {[]step{
			{http.MethodPatch, "/upstreams/{upstream/a}", `{"healthchecks":{"active":{"http_path":"/up"}}}`},
		}, "change upstream a: healthchecks"},
		"another tag": {[]step{
			{http.MethodPatch, "/routes/{route/a.default}", `{"tags":["lockstep-owner:lockstep","lockstep-service:a","lockstep-route:a.default","more"]}`},
		}, "change route a.default (a.test): tags"},
		"a name": {[]step{
			{http.MethodPatch, "/routes/{route/a.default}", `{"name":"renamed"}`},
		}, "change route a.default (a.test): name renamed → a.default.lockstep"},
		"names swapped": {[]step{
			{http.MethodPatch, "/services/{service/a}", `{"name":"parked"}`},
			{http.MethodPatch, "/services/{service/b}", `{"name":"a.lockstep"}`},
			{http.MethodPatch, "/services/{service/a}", `{"name":"b.lockstep"}`},
		}, "change service a: host a.lockstep → its upstream, name b.lockstep → a.lockstep"},
		"a weight": {[]step{
			{http.MethodPatch, "/upstreams/a.lockstep/targets/10.0.0.1:80", `{"weight":7}`},
		}, "change target 10.0.0.1:80 (a-1) of a: weight 7 → 100"},
		"an address": {[]step{
			{http.MethodPatch, "/upstreams/a.lockstep/targets/10.0.0.1:80", `{"target":"10.0.0.77:80"}`},
		}, "remove target"},
		"a target gone": {[]step{
			{http.MethodDelete, "/upstreams/a.lockstep/targets/10.0.0.1:80", ""},
		}, "add target 10.0.0.1:80 (a-1) of a"},
		"a route moved": {[]step{
			{http.MethodPatch, "/routes/{route/a.default}", `{"service":{"id":"{service/b}"}}`},
		}, "change route a.default (a.test): service b → a"},
		"everything of a service gone": {[]step{
			{http.MethodDelete, "/routes/a.default.lockstep", ""},
			{http.MethodDelete, "/services/a.lockstep", ""},
			{http.MethodDelete, "/upstreams/a.lockstep", ""},
		}, "add service a"},
		"a copy with another id in its place": {[]step{
			{http.MethodDelete, "/routes/a.default.lockstep", ""},
			{http.MethodDelete, "/services/a.lockstep", ""},
			{http.MethodPut, "/services/5c000000-0000-4000-8000-000000000001",
				`{"name":"a.lockstep","host":"a.lockstep","tags":["lockstep-owner:lockstep","lockstep-service:a"]}`},
		}, "remove service a.lockstep with the id 5c000000-0000-4000-8000-000000000001"},
		"a copied target": {[]step{
			{http.MethodDelete, "/upstreams/a.lockstep/targets/10.0.0.1:80", ""},
			{http.MethodPost, "/upstreams/a.lockstep/targets",
				`{"id":"5c000000-0000-4000-8000-000000000002","target":"10.0.0.1:80","tags":["lockstep-owner:lockstep","lockstep-service:a"]}`},
		}, "remove target 10.0.0.1:80"},
		"the writer's mark gone": {[]step{
			{http.MethodDelete, "/upstreams/lockstep-unavailable", ""},
		}, "add upstream lockstep-unavailable, the writer's mark"},
	}
	set := setOf(service("a", 1, 2), service("b", 3))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{})
			r := open(t, options(k.AdminURL))
			settled(t, r, set)
			want := k.World()
			for _, step := range test.change {
				step.take(t, k.AdminURL, r)
			}
			p := settled(t, r, set)
			if text := reconcilertest.Sentences(p); !strings.Contains(text, test.sentence) {
				t.Errorf("the plan does not say %q:\n%s", test.sentence, text)
			}
			settled(t, r, set) // what was moved out of the way
			if diff := cmp.Diff(want, k.World()); diff != "" {
				t.Errorf("the world is not as before (-before +after):\n%s", diff)
			}
			writes := k.Writes()
			if settled(t, r, set); k.Writes() != writes {
				t.Errorf("a further round writes %d times", k.Writes()-writes)
			}
		})
	}
}

// TestStaleCacheHeals: what went behind our back is noticed by the write that
// needs it, and the next round reads again.
func TestStaleCacheHeals(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	settled(t, r, setOf(service("a", 1)))
	must(t, http.MethodDelete, k.AdminURL+"/upstreams/a.lockstep", "")
	next := setOf(service("a", 1, 2))
	scope := reconcilers.Scope{Services: []string{"a"}}
	for i := range 2 {
		desired, _ := r.Compile(scope, next, v1.Shared{})
		observed, err := r.Observe(t.Context(), scope)
		if err != nil {
			t.Fatal(err)
		}
		outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired))
		if err != nil {
			t.Fatal(err)
		}
		problem := first(outcomes)
		if i == 0 && (problem == nil || problem.Reason != v1.GatewayUnreachable || !strings.Contains(problem.Message, "changed while")) {
			t.Errorf("first round: %v", problem)
		}
		if i == 1 && problem != nil {
			t.Errorf("second round: %v", problem)
		}
	}
	if world := k.World(); !strings.Contains(world, "10.0.0.1:80") || !strings.Contains(world, "10.0.0.2:80") {
		t.Errorf("the targets are not back:\n%s", world)
	}
}

func TestWatch(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			r := open(t, options(k.AdminURL))
			set := setOf(service("a", 1))
			settled(t, r, set)
			want := k.World()
			pokes := make(chan struct{}, 1)
			ended := make(chan error, 1)
			go func() {
				ended <- r.Watch(t.Context(), func() {
					select {
					case pokes <- struct{}{}:
					default:
					}
				})
			}()
			t.Cleanup(func() {
				if err := <-ended; err == nil {
					t.Error("the watcher ended without a cause")
				}
			})
			looks := len(k.Requests())
			wait(t, "three looks", func() bool { return len(k.Requests()) >= looks+3 })
			select {
			case <-pokes:
				t.Error("poked without a reason")
			default:
			}
			if mode == fakekong.DBLess {
				if err := k.Restart(); err != nil {
					t.Fatal(err)
				}
			} else {
				k.Hook(func(*http.Request) fakekong.Fault { return fakekong.Fault{Status: 500} })
				looks := len(k.Requests())
				wait(t, "a look at the broken gateway", func() bool { return len(k.Requests()) >= looks+2 })
				k.Hook(nil)
			}
			select {
			case <-pokes:
			case <-time.After(time.Minute):
				t.Fatal("the gateway is back, and nobody is told")
			}
			settled(t, r, set)
			if diff := cmp.Diff(want, k.World()); diff != "" {
				t.Errorf("the world is not as before:\n%s", diff)
			}
		})
	}
}

// wait waits for a condition, not longer than ten seconds.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			t.Fatalf("no %s within 10s", what)
		case <-tick.C:
		}
	}
}
