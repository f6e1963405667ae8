package kong

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestGuardHoldsDeclaredServices: what would take many of them away at once is held,
// with their routes and plugins; one goes freely.
func TestGuardHoldsDeclaredServices(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		var entities []v1.Entity
		for i := range 8 {
			name := fmt.Sprintf("s%d", i)
			entities = append(entities,
				anEntity(v1.KindService, name, body{"name": name, "host": "h.test"}),
				anEntity(v1.KindRoute, name, body{"name": name, "hosts": []any{name + ".test"}}, on("service", v1.KindService, name)),
				anEntity(v1.KindPlugin, "route/"+name+"/key-auth", body{"name": "key-auth"}, on("route", v1.KindRoute, name)),
				anEntity(v1.KindPlugin, "service/"+name+"/cors", body{"name": "cors"}, on("service", v1.KindService, name)),
			)
		}
		entities = append(entities, anEntity(v1.KindConsumer, "alice", body{"username": "alice"}))
		r := open(t, o)
		declare(t, r, v1.Set{}, v1.Shared{Entities: entities})
		left := func(shared v1.Shared, totals reconcilers.Totals) plan.Plan {
			observed, err := r.Observe(t.Context(), reconcilers.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			desired, _ := r.Compile(reconcilers.Scope{}, v1.Set{}, shared)
			return reconcilers.NewGuard(reconcilers.GuardOptions{}).Filter(time.Now(), reconcilers.Scope{}, plan.Diff(observed, desired), desired, totals)
		}
		if p := left(v1.Shared{Entities: entities[4:]}, reconcilers.Totals{Services: 7, Routes: 7}); len(p.Held) > 0 || len(p.Changes) != 4 {
			t.Errorf("one service: held %s, goes %s", sentences(plan.Plan{Changes: p.Held}), sentences(p))
		}
		p := left(v1.Shared{}, reconcilers.Totals{})
		if goes := sentences(p); strings.Contains(goes, "s7") || !strings.Contains(goes, "consumer alice") {
			t.Errorf("of all, there go:\n%s", goes)
		}
		if len(p.Held) != 4*4 {
			t.Errorf("of all, held are only:\n%s", sentences(plan.Plan{Changes: p.Held}))
		}
		if outcomes, err := r.Apply(t.Context(), p); err != nil || first(outcomes) != nil {
			t.Errorf("%v, %v", err, first(outcomes))
		}
		if world := k.World(); strings.Count(world, "\nroute s") < 4 || strings.Count(world, `name: "key-auth"`) < 4 {
			t.Errorf("what is held is not there:\n%s", world)
		}
	})
}

// TestDeclaredRouteMoves: a route that goes to another service is changed, and is
// nowhere twice after that.
func TestDeclaredRouteMoves(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		at := func(service string) v1.Shared {
			return v1.Shared{Entities: []v1.Entity{
				anEntity(v1.KindService, "one", body{"name": "one", "host": "h.test"}), anEntity(v1.KindService, "two", body{"name": "two", "host": "h.test"}),
				anEntity(v1.KindRoute, "r", body{"name": "r", "hosts": []any{"r.test"}}, on("service", v1.KindService, service)),
				anEntity(v1.KindPlugin, "route/r/key-auth", body{"name": "key-auth"}, on("route", v1.KindRoute, "r")),
			}}
		}
		r := open(t, o)
		for _, service := range []string{"one", "two", "one"} {
			if p, problems := declare(t, r, v1.Set{}, at(service)); len(problems) > 0 || leadsTo(k.World(), "route r\n") != service {
				t.Errorf("to %s: %v\n%s", service, problems, sentences(p))
			}
			observed, err := r.Observe(t.Context(), reconcilers.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			desired, _ := r.Compile(reconcilers.Scope{}, v1.Set{}, at(service))
			if p := plan.Diff(observed, desired); !p.Empty() {
				t.Errorf("after %s, without a fresh look: %s", service, sentences(p))
			}
		}
	})
}
