package kong

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestDoubtIsNobodysChange: where the answer to a write of ours was lost, and the wish is
// taken back, what Kong holds is not said to be somebody's.
func TestDoubtIsNobodysChange(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.Attempts = 1
	r := reporting(t, o)
	set := setOf(service("a", 1))
	r.fresh(t, set)
	want := k.World()
	next := service("a", 1)
	next.Routes[0].Hosts = []string{"new.test"}
	k.Hook(func(req *http.Request) fakekong.Fault {
		if req.Method == http.MethodPut {
			return fakekong.Fault{Cut: fakekong.CutAfter}
		}
		return fakekong.Fault{}
	})
	observed, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	desired, _ := r.Compile(reconcilers.Scope{}, setOf(next), v1.Shared{})
	if outcomes, _ := r.Apply(t.Context(), plan.Diff(observed, desired)); first(outcomes) == nil || !strings.Contains(k.World(), "new.test") {
		t.Fatalf("the write was not in doubt: %v\n%s", outcomes, k.World())
	}
	k.Hook(nil)
	if p := r.fresh(t, set); len(p.Reported) > 0 {
		t.Errorf("reported:\n%s", reported(p))
	}
	if diff := cmp.Diff(want, k.World()); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestAnotherWriterIsNobodysHand: who replaced our mark, or emptied Kong, changed it as a
// whole; then everything is put back.
func TestAnotherWriterIsNobodysHand(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, k *fakekong.Kong){
		"the mark is gone": func(t *testing.T, k *fakekong.Kong) {
			t.Helper()
			must(t, http.MethodDelete, k.AdminURL+"/upstreams/lockstep-unavailable", "")
			must(t, http.MethodDelete, k.AdminURL+"/routes/a.default.lockstep", "")
		},
		"everything is gone": func(t *testing.T, k *fakekong.Kong) {
			t.Helper()
			for _, path := range []string{"/routes/a.default.lockstep", "/services/a.lockstep", "/upstreams/a.lockstep", "/services/lockstep-unavailable", "/upstreams/lockstep-unavailable"} {
				must(t, http.MethodDelete, k.AdminURL+path, "")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{})
			r := reporting(t, options(k.AdminURL))
			set := setOf(service("a", 1))
			r.fresh(t, set)
			want := k.World()
			change(t, k)
			r.fresh(t, set)
			if diff := cmp.Diff(want, k.World()); diff != "" {
				t.Errorf("(-before +after):\n%s", diff)
			}
		})
	}
}
