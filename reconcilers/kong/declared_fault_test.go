package kong

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestDeclaredFaults: whichever request goes wrong, and how, while all kinds of
// entities are made or removed, the rounds after it end in the same world.
func TestDeclaredFaults(t *testing.T) {
	t.Parallel()
	stride := 1
	if testing.Short() {
		stride = 5
	}
	shared, set := everything(t, "hush"), setOf(service("a", 1))
	wrong := map[string]fakekong.Fault{
		"cut before": {Cut: fakekong.CutBefore}, "cut after": {Cut: fakekong.CutAfter},
		"500": {Status: http.StatusInternalServerError, Body: `{"message":"An unexpected error occurred"}`},
	}
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		declare(t, open(t, o), set, shared)
		whole := k.World()
		finish(t, k)
		for _, fault := range wrong {
			for _, removing := range []bool{false, true} {
				for nth := 1; ; nth += stride {
					hit := brokenOnce(t, mode, fault, nth, removing, set, shared, whole)
					if !hit {
						break // there were fewer requests
					}
				}
			}
		}
	})
}

// brokenOnce lets the nth request of a round go wrong, on a Kong of its own, and
// reports whether there were so many.
func brokenOnce(t *testing.T, mode fakekong.Mode, fault fakekong.Fault, nth int, removing bool, set v1.Set, shared v1.Shared, whole string) bool {
	t.Helper()
	k := start(t, fakekong.Options{Mode: mode})
	defer finish(t, k)
	o := options(k.AdminURL)
	r := open(t, o)
	if removing {
		declare(t, r, set, shared)
	}
	wanted := shared
	if removing {
		wanted = v1.Shared{}
	}
	patient := r.client
	r.client = impatient(t, o) // this round itself gets over nothing
	var calls atomic.Int64
	k.Hook(func(*http.Request) fakekong.Fault {
		if calls.Add(1) == int64(nth) {
			return fault
		}
		return fakekong.Fault{}
	})
	if observed, err := r.Observe(t.Context(), reconcilers.Scope{}); err == nil {
		desired, _ := r.Compile(reconcilers.Scope{}, set, wanted)
		_, _ = r.Apply(t.Context(), plan.Diff(observed, desired)) // what went wrong is made good below
	}
	k.Hook(nil)
	k.Stop() // what the round gave up is carried out, or never is
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	r.client = patient // connections that ended with it are no fault to be found here
	for range 3 {
		if p, problems := declare(t, r, set, shared); p.Empty() && len(problems) == 0 {
			break
		}
	}
	if diff := cmp.Diff(whole, k.World()); diff != "" {
		t.Fatalf("request %d, removing %t, %s:\n%s", nth, removing, fmt.Sprint(fault), diff)
	}
	return calls.Load() >= int64(nth)
}

// impatient asks once and no more.
func impatient(t *testing.T, o Options) *admin.Client {
	t.Helper()
	o.Attempts = 1
	o, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	c, err := admin.New(o.client(&metrics{admin: &admin.Metrics{}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
