package kong

import (
	"net/http"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// doors are a route in Kong's own words, and a plugin that is for everything.
func doors(config body) v1.Shared {
	return v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindService, "legacy", body{"name": "legacy", "url": "http://up:8443"}),
		anEntity(v1.KindRoute, "legacy", body{"name": "legacy", "hosts": []any{"legacy.test"}}, on("service", v1.KindService, "legacy")),
		anEntity(v1.KindPlugin, "key-auth", body{"name": "key-auth", "config": config}),
	}}
}

// led reports whether the route of a host leads to its service.
func led(k *fakekong.Kong, route, service string) bool {
	_, text, found := strings.Cut(k.World(), "route "+route+"\n")
	text, _, _ = strings.Cut(text, "\nroute ")
	return found && strings.Contains(text, `service: "`+service+`"`)
}

// TestEverywhere: no route is opened before a plugin that is for everything, whether
// Lockstep or Kong finds it wrong, and those that were open stay.
func TestEverywhere(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		r := open(t, o)
		a := setOf(service("a", 1))
		wrong := doors(body{"nonsense": 1})
		for range 2 {
			_, problems := declare(t, r, a, wrong)
			if led(k, "legacy", "legacy") || led(k, "a.default.lockstep", "a.lockstep") {
				t.Fatalf("a route is open without key-auth:\n%s", k.World())
			}
			waiting := 0
			for _, problem := range problems {
				if strings.Contains(problem.Fix, "label") {
					t.Errorf("a file is corrected by no label: %v", problem)
				}
				if strings.Contains(problem.Message, "it waits for the plugin key-auth, which is for everything") {
					waiting++
				}
			}
			if waiting != 2 {
				t.Errorf("two routes wait, told are %v", problems)
			}
		}
		if _, problems := declare(t, r, a, doors(body{})); len(problems) > 0 {
			t.Fatal(problems)
		}
		if !led(k, "legacy", "legacy") || !led(k, "a.default.lockstep", "a.lockstep") {
			t.Fatalf("with its plugin a route is not open:\n%s", k.World())
		}
		if p, problems := declare(t, r, a, doors(body{})); !p.Empty() || len(problems) > 0 {
			t.Errorf("it is not quiet then: %s, %v", sentences(p), problems)
		}
		// The plugin stays as Kong holds it, and so new routes open as well, in a narrow round too.
		b := setOf(service("a", 1), service("b", 2))
		observed, err := r.Observe(t.Context(), reconcilers.Scope{Services: []string{"b"}})
		if err != nil {
			t.Fatal(err)
		}
		desired, problems := r.Compile(reconcilers.Scope{Services: []string{"b"}}, v1.Set{"b": b["b"]}, wrong)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired))
		if err != nil || first(outcomes) != nil || !led(k, "b.default.lockstep", "b.lockstep") {
			t.Errorf("a new route beside a plugin that Kong holds: %v, %v\n%s", err, first(outcomes), k.World())
		}
	})
}

// TestEverywhereRefused: a plugin that Kong itself refuses keeps new routes shut, and
// open ones open, also from a daemon that starts anew.
func TestEverywhereRefused(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	r := open(t, o)
	settled(t, r, setOf(service("a", 1)))
	k.Hook(func(req *http.Request) fakekong.Fault {
		if strings.HasPrefix(req.URL.Path, "/plugins") && req.Method != http.MethodGet {
			return fakekong.Fault{Status: http.StatusBadRequest, Body: `{"code":2,"name":"schema violation","message":"schema violation (no)","fields":{"config":"no"}}`}
		}
		return fakekong.Fault{}
	})
	set := setOf(service("a", 1), service("b", 2))
	for range 2 {
		if _, problems := declare(t, r, set, doors(body{})); len(problems) == 0 {
			t.Error("nothing is said of a plugin that Kong refuses")
		}
		if led(k, "legacy", "legacy") || led(k, "b.default.lockstep", "b.lockstep") {
			t.Fatalf("a new route is open without key-auth:\n%s", k.World())
		}
		if !led(k, "a.default.lockstep", "a.lockstep") {
			t.Fatalf("a route that was open is shut:\n%s", k.World())
		}
		r = open(t, o)
	}
}

// TestEverywhereOnNodes: a node that comes back empty, beside a plugin for everything that
// is wrong, is filled with the routes that are open at the other, and takes none from that.
func TestEverywhereOnNodes(t *testing.T) {
	t.Parallel()
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	g := openAll(t, several(a, b))
	settled(t, g, setOf(service("a", 1)))
	if err := a.Restart(); err != nil {
		t.Fatal(err)
	}
	observed, err := g.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	desired, _ := g.Compile(reconcilers.Scope{}, setOf(service("a", 1), service("b", 2)), doors(body{"nonsense": 1}))
	outcomes, err := g.Apply(t.Context(), plan.Diff(observed, desired))
	if err != nil || first(outcomes) != nil {
		t.Fatal(err, first(outcomes))
	}
	for _, node := range []*fakekong.Kong{a, b} {
		if !led(node, "a.default.lockstep", "a.lockstep") || led(node, "b.default.lockstep", "b.lockstep") {
			t.Errorf("want the route that was open, and not the new one:\n%s", node.World())
		}
	}
}
