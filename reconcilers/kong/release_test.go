package kong

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
)

// giveBack releases what is called so, by any of its names.
func giveBack(t *testing.T, r *Reconciler, names ...string) {
	t.Helper()
	owned, err := r.Owned(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var chosen []reconcilers.Adoption
	for _, a := range owned {
		if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(a.Names, name) }) && a.Refused == "" {
			chosen = append(chosen, a)
		}
	}
	if len(chosen) != len(names) {
		t.Fatalf("%d of %v may be given back", len(chosen), names)
	}
	outcomes, err := r.Release(t.Context(), chosen)
	if err != nil || first(outcomes) != nil || len(outcomes) != len(chosen) {
		t.Fatalf("%v, %v", err, first(outcomes))
	}
}

// TestGivenBack: an entity whose tags are taken off stays as it is, is in the way, and
// can be adopted again; what nothing asks for then stays for good.
func TestGivenBack(t *testing.T) {
	k := start(t, fakekong.Options{})
	r, set := open(t, options(k.AdminURL)), setOf(service("a", 1))
	shared := v1.Shared{Entities: []v1.Entity{anEntity(v1.KindConsumer, "alice", body{"username": "alice", "tags": []any{"staff"}})}}
	declare(t, r, set, shared)
	whole := k.World()
	giveBack(t, r, "service/a", "route/a.default", "consumer/alice", "target/a/10.0.0.1:80")
	if now := must(t, http.MethodGet, k.AdminURL+"/consumers/alice", ""); !strings.Contains(now, `"tags":["staff"]`) {
		t.Errorf("the consumer is now %s", now)
	}
	service := must(t, http.MethodGet, k.AdminURL+"/services/a.lockstep", "")
	if strings.Contains(service, "lockstep-") {
		t.Errorf("the service is still marked: %s", service)
	}
	_, problems := declare(t, r, set, shared)
	var objects []string
	for _, p := range problems {
		if p.Reason != v1.Conflict {
			t.Errorf("%v", p)
		}
		if strings.Contains(p.Fix, "lockstep adopt kong:") {
			objects = append(objects, p.Fix[strings.Index(p.Fix, "kong:"):strings.Index(p.Fix, ";")])
		}
	}
	slices.Sort(objects)
	if got := strings.Join(slices.Compact(objects), " "); got != "kong:consumer/alice kong:service/a kong:target/a/10.0.0.1:80" {
		t.Errorf("in the way: %s", got)
	}
	if _, outcomes := adoptAll(t, r, set, shared); first(outcomes) != nil || k.World() != whole {
		t.Errorf("%v; adopted again it is another:\n%s", first(outcomes), k.World())
	}

	giveBack(t, r, "service/a", "route/a.default", "upstream/a", "target/a/10.0.0.1:80", "consumer/alice")
	declare(t, r, v1.Set{}, v1.Shared{})
	for _, stays := range []string{"service a.lockstep", "route a.default.lockstep", "upstream a.lockstep", "10.0.0.1:80", "consumer alice"} {
		if !strings.Contains(k.World(), stays) {
			t.Errorf("%s is gone:\n%s", stays, k.World())
		}
	}
}

// TestMarkIsNotGivenBack: the upstream that bears it is Lockstep's own, and so is its service.
func TestMarkIsNotGivenBack(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	settled(t, r, v1.Set{})
	owned, err := r.Owned(t.Context())
	if err != nil || len(owned) != 2 || owned[0].Refused == "" || owned[1].Refused == "" {
		t.Errorf("got %+v, %v", owned, err)
	}
}
