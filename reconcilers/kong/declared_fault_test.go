package kong

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// passage is what a round makes of one declaration, from another.
type passage struct {
	from, to v1.Shared
	written  []string // what it asks among other things, with a database
}

// passages make, change and remove all kinds of entities.
func passages(t *testing.T) map[string]passage {
	t.Helper()
	one, other := everything(t, "hush"), everything(t, "shush")
	for i := range other.Entities {
		e := &other.Entities[i]
		switch e.Kind { // secrets and certificates are others already
		case v1.KindService:
			e.Body = body{"name": "legacy", "url": "https://up:8443/moved"}
		case v1.KindRoute:
			e.Body = body{"name": "legacy", "hosts": []any{"moved.test"}}
		case v1.KindTarget:
			e.Body = body{"target": "10.0.0.9", "weight": 9}
		}
	}
	return map[string]passage{
		"make": {v1.Shared{}, one, []string{"POST services", "POST routes", "POST plugins", "POST consumers", "POST certificates", "POST upstreams/ID/targets"}},
		"change": {one, other, []string{
			"PUT services/ID", "PUT routes/ID", "PATCH upstreams/ID/targets/ID", "PUT certificates/ID", "PUT plugins/ID", "POST consumers/ID/key-auth", "DELETE consumers/ID/key-auth/ID",
		}},
		"remove": {one, v1.Shared{}, []string{"DELETE services/ID", "DELETE routes/ID", "DELETE plugins/ID", "DELETE consumers/ID", "DELETE certificates/ID"}},
	}
}

// TestDeclaredFaults: whichever kind of request goes wrong, and how, while all kinds of
// entities are made, changed or removed, the rounds after it end in the same world.
func TestDeclaredFaults(t *testing.T) {
	t.Parallel()
	every := 2 // each request goes wrong in half of the ways
	if testing.Short() {
		every = len(faults()) // in one
	}
	set := setOf(service("a", 1))
	for what, way := range passages(t) {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
				t.Helper()
				declare(t, open(t, o), set, way.from)
				k.Forget()
				declare(t, open(t, o), set, way.to)
				points, whole := faultPoints(k.Requests()), k.World()
				finish(t, k)
				written := way.written
				if mode == fakekong.DBLess {
					written = []string{"POST config"}
				}
				mustHold(t, points, append(written, "GET list")...)
				ways := faults()
				delete(ways, "answers 404") // of a schema it says that this edition has no such kind
				for i, name := range slices.Sorted(maps.Keys(ways)) {
					for j, at := range points {
						if (i+j)%every == 0 {
							brokenOnce(t, mode, name, ways[name].fault, at, set, way, whole)
						}
					}
				}
			})
		})
	}
}

// brokenOnce lets one request of a daemon's first round go wrong, on a Kong of its own.
func brokenOnce(t *testing.T, mode fakekong.Mode, name string, fault fakekong.Fault, at faultPoint, set v1.Set, way passage, whole string) {
	t.Helper()
	k := start(t, fakekong.Options{Mode: mode})
	defer finish(t, k)
	o := options(k.AdminURL)
	declare(t, open(t, o), set, way.from)
	r := open(t, o)
	patient := r.client
	wrong := &struck{at: at, fault: fault}
	r.client, wrong.end = impatient(t, o) // this round itself gets over nothing
	k.Hook(wrong.hook)
	if observed, err := r.Observe(t.Context(), reconcilers.Scope{}); err == nil {
		desired, _ := r.Compile(reconcilers.Scope{}, set, way.to)
		_, _ = r.Apply(t.Context(), plan.Diff(observed, desired)) // what went wrong is made good below
	}
	k.Hook(nil)
	wrong.mustHit(t)
	k.Stop() // what the round gave up is carried out, or never is
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	r.client = patient // connections that ended with it are no fault to be found here
	for range 3 {
		if p, problems := declare(t, r, set, way.to); p.Empty() && len(problems) == 0 {
			break
		}
	}
	if diff := cmp.Diff(whole, k.World()); diff != "" {
		t.Fatalf("%s %s:\n%s", at, name, diff)
	}
}

// impatient asks once and no more; its patience with that ends when the test says so.
func impatient(t *testing.T, o Options) (*admin.Client, *ending) {
	t.Helper()
	end := &ending{Transport: &http.Transport{}}
	o.Attempts = 1
	o, err := o.resolve()
	if err != nil {
		t.Fatal(err)
	}
	asks := o.client(&metrics{admin: &admin.Metrics{}})
	asks.Transport = end
	c, err := admin.New(asks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, end
}
