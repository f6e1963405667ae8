package kong

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// asked counts requests by method and path without ids.
func asked(k *fakekong.Kong) map[string]int {
	counts := map[string]int{}
	for _, request := range k.Requests() {
		path, _, _ := strings.Cut(request.Path, "?")
		parts := strings.Split(path, "/")
		for i, part := range parts {
			if len(part) == 36 && strings.Count(part, "-") == 4 {
				parts[i] = "ID"
			}
		}
		counts[request.Method+" "+strings.Join(parts, "/")]++
	}
	return counts
}

// TestRequestsAreFew holds the number of requests for what happens often.
func TestRequestsAreFew(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	set := setOf(service("a", 1, 2), service("b", 3), service("c"))
	settled(t, r, set)
	if want := 2 + 3*3 + 3; k.Writes() != want { // what belongs to none; upstream, service, route; targets
		t.Errorf("from nothing: %d writes, want %d: %v", k.Writes(), want, asked(k))
	}
	k.Forget()
	settled(t, r, set)
	want := map[string]int{"GET /upstreams/ID/targets": 3}
	for _, row := range entity.Table() {
		if row.Path != "" && row.Within == "" && r.facts.Kinds[row.Kind] != nil {
			want["GET /"+row.Path] = 1
		}
	}
	if got := asked(k); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("an unchanged round with a fresh look: %v, want %v", got, want)
	}
	k.Forget()
	narrowed := setOf(service("a", 1, 2, 9))
	scope := reconcilers.Scope{Services: []string{"a"}}
	desired, _ := r.Compile(scope, narrowed, v1.Shared{})
	observed, err := r.Observe(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Apply(t.Context(), plan.Diff(observed, desired)); err != nil {
		t.Fatal(err)
	}
	if got := asked(k); fmt.Sprint(got) != fmt.Sprint(map[string]int{"POST /upstreams/ID/targets": 1}) {
		t.Errorf("one more target: %v, want the one POST", got)
	}
	k.Forget()
	settled(t, r, setOf(service("a", 1, 2), service("b", 3)))
	if got := asked(k); got["DELETE /upstreams/ID/targets/ID"] != 1 || k.Writes() != 4 {
		t.Errorf("one target and one service fewer: %v", got)
	}
	k.Forget()
	settled(t, r, setOf(service("a", 1, 2)))
	if got := asked(k); got["DELETE /upstreams/ID/targets/ID"] != 0 || k.Writes() != 3 {
		t.Errorf("a service with targets goes: %v, want no request for its targets", got)
	}
}

func TestDBLessPushesOnlyWhatDiffers(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	r := open(t, options(k.AdminURL))
	set := setOf(service("a", 1, 2), service("b", 3))
	settled(t, r, set)
	if k.Writes() != 1 {
		t.Errorf("from nothing: %d writes, want one push", k.Writes())
	}
	k.Forget()
	settled(t, r, set)
	if got := asked(k); fmt.Sprint(got) != fmt.Sprint(map[string]int{"GET /status": 1}) {
		t.Errorf("an unchanged round: %v, want one look at the hash", got)
	}
	for _, request := range k.Requests() {
		if strings.HasPrefix(request.Path, "/config") && request.Method == http.MethodGet {
			t.Error("GET /config is asked, which costs seconds")
		}
	}
}

func TestOneRefusedEntityStopsNoOther(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			r := open(t, options(k.AdminURL))
			settled(t, r, setOf(service("a", 1), service("gone", 7)))
			bad := service("a", 2)
			bad.Routes[0].Paths = []string{"/api//double"}
			other := service("other", 3)
			other.Routes[0].Hosts = []string{"not a host"}
			_, outcomes, err := round(t.Context(), r, setOf(bad, other, service("good", 4)))
			if err != nil {
				t.Fatal(err)
			}
			var refused []string
			for _, outcome := range outcomes {
				if p := outcome.Problem; p != nil {
					refused = append(refused, fmt.Sprintf("%s: %s", outcome.Change.Key, p.Reason))
					if !strings.Contains(p.Message, "paths") && !strings.Contains(p.Message, "hosts") {
						t.Errorf("the problem does not name the field: %s", p.Message)
					}
				}
			}
			if got := strings.Join(refused, ", "); got != "route/a.default: GatewayRejected, route/other.default: GatewayRejected" {
				t.Errorf("refused: %s", got)
			}
			world := k.World()
			for _, want := range []string{"10.0.0.2:80", "good.default.lockstep", `"a.test"`, "other.lockstep"} {
				if !strings.Contains(world, want) {
					t.Errorf("the world lacks %s:\n%s", want, world)
				}
			}
			for _, gone := range []string{"gone.lockstep", "gone.default.lockstep", "10.0.0.1:80", "10.0.0.7:80"} {
				if strings.Contains(world, gone) {
					t.Errorf("the world still holds %s:\n%s", gone, world)
				}
			}
			if strings.Contains(world, "other.default.lockstep") || strings.Contains(world, "double") {
				t.Errorf("the world holds what was refused:\n%s", world)
			}
		})
	}
}

// TestRefusedPayloadIsNotPushedTwice counts pushes to a node without a database.
func TestRefusedPayloadIsNotPushedTwice(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	r := open(t, options(k.AdminURL))
	settled(t, r, setOf(service("a", 1)))
	bad := service("bad", 2)
	bad.Routes[0].Hosts = []string{"not a host"}
	set := setOf(service("a", 1), bad)
	for i, want := range []int{2, 0, 0} { // with the offender, and without it; then neither
		k.Forget()
		_, outcomes, err := round(t.Context(), r, set)
		if err != nil {
			t.Fatal(err)
		}
		if p := first(outcomes); p == nil || p.Reason != v1.GatewayRejected {
			t.Errorf("round %d: the problem is %v", i, p)
		}
		if k.Writes() != want {
			t.Errorf("round %d: %d pushes, want %d", i, k.Writes(), want)
		}
	}
}

// TestTooLarge: a configuration that is more than Kong takes is said to be so, and pushed
// again when Kong was away, and not before.
func TestTooLarge(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	r := open(t, options(k.AdminURL))
	settled(t, r, setOf(service("a", 1)))
	k.Hook(func(r *http.Request) fakekong.Fault {
		if r.Method == http.MethodPost {
			return fakekong.Fault{Status: http.StatusRequestEntityTooLarge}
		}
		return fakekong.Fault{}
	})
	set := setOf(service("a", 1), service("b", 2))
	for i, want := range []int{1, 0} {
		k.Forget()
		_, outcomes, err := round(t.Context(), r, set)
		if err != nil {
			t.Fatal(err)
		}
		if p := first(outcomes); p == nil || p.Reason != v1.GatewayRejected || !strings.Contains(p.Fix, "nginx_admin_client_max_body_size") {
			t.Errorf("round %d: the problem is %v", i, p)
		}
		if k.Writes() != want {
			t.Errorf("round %d: %d pushes, want %d", i, k.Writes(), want)
		}
	}
	k.Stop()
	k.Hook(nil)
	if _, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true}); err == nil {
		t.Error("a Kong that is down was read")
	}
	if err := k.Start(); err != nil {
		t.Fatal(err)
	}
	if p := settled(t, r, set); len(p.Changes) == 0 || !strings.Contains(k.World(), "b.lockstep") {
		t.Errorf("after Kong was away:\n%s", sentences(p))
	}
}

// TestRefusedParent tells children what they wait for, and tries none of them.
func TestRefusedParent(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			r := open(t, options(k.AdminURL))
			r.rows[2].Fields = append(r.rows[2].Fields, "path")
			desired, _ := r.Compile(reconcilers.Scope{}, setOf(service("a", 1), service("b", 2)), v1.Shared{})
			body := desired[v1.Key{Kind: v1.KindService, Name: "a"}].Native.(*entity.Record).Body //nolint:forcetypeassert // made a line above
			body["path"] = "no slash"
			observed, err := r.Observe(t.Context(), reconcilers.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired))
			if err != nil {
				t.Fatal(err)
			}
			problems := map[string]*v1.Problem{}
			for _, outcome := range outcomes {
				if outcome.Problem != nil {
					problems[outcome.Change.Key.String()] = outcome.Problem
				}
			}
			if len(problems) != 2 || problems["service/a"] == nil || problems["route/a.default"] == nil {
				t.Fatalf("problems: %v", problems)
			}
			if got := problems["route/a.default"].Message; !strings.Contains(got, "waits for service/a") || !strings.Contains(got, "path") {
				t.Errorf("the route's problem: %s", got)
			}
			if !strings.Contains(k.World(), "b.default.lockstep") {
				t.Error("the other service is not made")
			}
		})
	}
}

func TestCancelInTheMiddle(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	settled(t, r, v1.Set{})
	ctx, cancel := context.WithCancel(t.Context())
	k.Hook(func(req *http.Request) fakekong.Fault {
		if fakekong.Writing(req) && strings.HasPrefix(req.URL.Path, "/services") {
			cancel()
			return fakekong.Fault{Hang: true}
		}
		return fakekong.Fault{}
	})
	began := time.Now()
	_, outcomes, err := round(ctx, r, setOf(service("a", 1), service("b", 2)))
	if err != nil || time.Since(began) >= r.options.Timeout {
		t.Errorf("it took %s and ended with %v", time.Since(began), err)
	}
	made := 0
	for _, outcome := range outcomes {
		switch {
		case outcome.Problem == nil:
			made++
		case outcome.Problem.Reason != v1.GatewayUnreachable:
			t.Errorf("%s: %v", outcome.Change.Key, outcome.Problem)
		}
	}
	if made == 0 || made == len(outcomes) {
		t.Errorf("%d of %d changes made, want some", made, len(outcomes))
	}
	k.Hook(nil)
	settled(t, r, setOf(service("a", 1), service("b", 2)))
}
