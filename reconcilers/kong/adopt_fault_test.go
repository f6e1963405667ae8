package kong

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// wantedOfOthers is what a stranger's entities stand in the way of: a protected route,
// and a consumer with credentials, one of which Kong hashes.
func wantedOfOthers() (v1.Set, v1.Shared) {
	set := setOf(service("a", 1, 2))
	set["a"].Routes[0].Plugins = []v1.Plugin{plugin("key-auth")}
	alice := on("consumer", v1.KindConsumer, "alice")
	return set, v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindConsumer, "alice", body{"username": "alice", "tags": []any{"staff"}}),
		anEntity(v1.KindKeyAuth, "alice/", body{"key": v1.NewSecret("hush-key")}, alice),
		anEntity("basicauth_credential", "alice/alice", body{"username": "alice", "password": v1.NewSecret("hush-password")}, alice),
	}}
}

// occupied is a Kong in which strangers hold all of that already, with a reconciler
// that has found it so.
func occupied(t *testing.T, model *fakekong.Kong, set v1.Set, shared v1.Shared, attempts int) (*fakekong.Kong, *Reconciler) {
	t.Helper()
	k := start(t, fakekong.Options{})
	replant(t, model, k, entity.Table())
	o := options(k.AdminURL)
	o.Attempts = attempts
	r := open(t, o)
	declare(t, r, set, shared)
	return k, r
}

// TestAdoptionFaults: whichever request of an adoption goes wrong, and how, asking again
// ends in the same world, and in between everything is either theirs or ours.
func TestAdoptionFaults(t *testing.T) {
	t.Parallel()
	stride := 1
	if testing.Short() {
		stride = 6
	}
	set, shared := wantedOfOthers()
	model := start(t, fakekong.Options{})
	declare(t, open(t, options(model.AdminURL)), set, shared)
	k, r := occupied(t, model, set, shared, 1)
	k.Forget()
	adoptAll(t, r, set, shared)
	total, want := len(k.Requests()), k.World()
	for name, fault := range map[string]fakekong.Fault{
		"cut before": {Cut: fakekong.CutBefore}, "cut after": {Cut: fakekong.CutAfter},
		"500": {Status: http.StatusInternalServerError, Body: `{"message":"An unexpected error occurred"}`},
		"409": {Status: http.StatusConflict, Body: `{"code":5,"name":"unique constraint violation","message":"UNIQUE violation detected","fields":{"name":"x"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for nth := 1; nth <= total; nth += stride {
				k, r := occupied(t, model, set, shared, 1)
				var calls atomic.Int64
				k.Hook(func(*http.Request) fakekong.Fault {
					if calls.Add(1) == int64(nth) {
						return fault
					}
					return fakekong.Fault{}
				})
				if found, err := r.Adoptions(t.Context(), set, shared); err == nil {
					r.Adopt(found)
					if observed, err := r.Observe(t.Context(), reconcilers.Scope{}); err == nil {
						desired, _ := r.Compile(reconcilers.Scope{}, set, shared)
						_, _ = r.Apply(t.Context(), plan.Diff(observed, desired)) // what went wrong is made good below
					}
				}
				k.Hook(nil)
				declare(t, r, set, shared) // an ordinary round adopts nothing, and undoes nothing
				for range 3 {
					if found, _ := adoptAll(t, r, set, shared); len(found) == 0 {
						break
					}
				}
				if p, problems := declare(t, r, set, shared); !p.Empty() || len(problems) > 0 {
					t.Errorf("request %d: there is still something to do: %v %v", nth, p.Changes, problems)
				}
				if diff := cmp.Diff(want, k.World()); diff != "" {
					t.Fatalf("request %d: another world (-without fault +with it):\n%s", nth, diff)
				}
				k.Close()
			}
		})
	}
}

// TestAdoptedInPlace: nothing is removed on the way, and what serves goes on as it was
// until what it needs as ours is there.
func TestAdoptedInPlace(t *testing.T) {
	set, shared := wantedOfOthers()
	model := start(t, fakekong.Options{})
	declare(t, open(t, options(model.AdminURL)), set, shared)
	k, r := occupied(t, model, set, shared, 3)
	must(t, http.MethodPost, k.AdminURL+"/services/a.lockstep/routes", `{"name":"theirs","paths":["/theirs"]}`)
	must(t, http.MethodPost, k.AdminURL+"/upstreams/a.lockstep/targets", `{"target":"10.9.9.9:80"}`)
	k.Forget()
	found, outcomes := adoptAll(t, r, set, shared)
	if p := first(outcomes); p != nil {
		t.Fatal(p)
	}
	stays := map[string]string{}
	for _, a := range found {
		if len(a.Stays) > 0 {
			stays[a.Names[0]] = strings.Join(a.Stays, ", ")
		}
	}
	if diff := cmp.Diff(map[string]string{"service/a": "route theirs", "upstream/a": "target 10.9.9.9:80"}, stays); diff != "" {
		t.Errorf("what others keep (-want +got):\n%s", diff)
	}
	var writes []string
	for _, request := range k.Requests() {
		if request.Writes() {
			writes = append(writes, request.Method+" "+strings.Split(strings.TrimPrefix(request.Path, "/"), "/")[0])
		}
	}
	if slices.ContainsFunc(writes, func(w string) bool {
		return strings.HasPrefix(w, http.MethodDelete) || strings.HasPrefix(w, http.MethodPost)
	}) {
		t.Errorf("something was removed or made anew: %v", writes)
	}
	if at, of := slices.Index(writes, "PUT plugins"), slices.Index(writes, "PUT routes"); at < 0 || of < at {
		t.Errorf("the route was turned before its plugin: %v", writes)
	}

	// As long as a stranger's would go along, an adopted one is not removed.
	must(t, http.MethodPost, k.AdminURL+"/routes/a.default.lockstep/plugins", `{"name":"cors"}`)
	_, problems := declare(t, r, v1.Set{}, shared)
	var all []string
	for _, p := range problems {
		all = append(all, p.Message)
	}
	if text := strings.Join(all, "\n"); !strings.Contains(text, "also has a plugin that is not Lockstep's") {
		t.Errorf("nobody says what is in the way:\n%s", text)
	}
	for _, kept := range []string{"plugin cors", "route theirs", "10.9.9.9:80"} {
		if !strings.Contains(k.World(), kept) {
			t.Errorf("%s is gone", kept)
		}
	}
}

// TestAnotherOwnersIsAdoptedByName: what another Lockstep marked is not taken along.
func TestAnotherOwnersIsAdoptedByName(t *testing.T) {
	k := start(t, fakekong.Options{})
	must(t, http.MethodPost, k.AdminURL+"/consumers", `{"username":"alice","tags":["lockstep-owner:other","lockstep-name:alice"]}`)
	_, shared := wantedOfOthers()
	shared.Entities = shared.Entities[:1]
	r := open(t, options(k.AdminURL))
	declare(t, r, v1.Set{}, shared)
	before := k.World()
	found, _ := adoptAll(t, r, v1.Set{}, shared)
	if len(found) != 1 || !strings.Contains(found[0].Unless, "another owner, other") || k.World() != before {
		t.Fatalf("got %+v", found)
	}
	found[0].Unless = "" // somebody names it
	r.Adopt(found)
	if p := settledShared(t, r, shared); p != nil || !strings.Contains(k.World(), entity.TagAdopted+found[0].ID) || strings.Contains(k.World(), "owner:other") {
		t.Errorf("%v:\n%s", p, k.World())
	}
}

// settledShared is a round that reads nothing anew.
func settledShared(t *testing.T, r *Reconciler, shared v1.Shared) *v1.Problem {
	t.Helper()
	observed, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	desired, _ := r.Compile(reconcilers.Scope{}, v1.Set{}, shared)
	outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired))
	if err != nil {
		t.Fatal(err)
	}
	return first(outcomes)
}

// TestSecretsOfOthersAreNotShown: neither in what is asked for nor in what is there.
func TestSecretsOfOthersAreNotShown(t *testing.T) {
	k := start(t, fakekong.Options{})
	must(t, http.MethodPost, k.AdminURL+"/plugins", `{"name":"rate-limiting","config":{"minute":9,"policy":"redis","redis":{"host":"hush-host","password":"hush-theirs"}}}`)
	shared := v1.Shared{Entities: []v1.Entity{anEntity(v1.KindPlugin, "rate-limiting", body{"name": "rate-limiting", "config": body{
		"minute": 60, "policy": "redis", "redis": body{"host": v1.NewSecret("hush-ours"), "password": v1.NewSecret("hush-password")},
	}})}}
	found, outcomes := adoptAll(t, open(t, options(k.AdminURL)), v1.Set{}, shared)
	if p := first(outcomes); p != nil || len(found) != 1 {
		t.Fatalf("%v, %v", p, found)
	}
	text := found[0].Change.Sentence()
	if strings.Contains(text, "hush") || !strings.Contains(text, "config.minute 9 → 60") || !strings.Contains(text, "config.redis.host (secret ") {
		t.Errorf("it says %s", text)
	}
}

// TestProofIsNotAdopted: its id must come last, so somebody else's is of no use.
func TestProofIsNotAdopted(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, proven(k))
	must(t, http.MethodPost, k.AdminURL+"/routes", `{"name":"`+r.names.Name(entity.ProofKey)+`","paths":["/theirs"]}`)
	before := k.World()
	found, err := r.Adoptions(t.Context(), v1.Set{}, v1.Shared{})
	if err != nil || len(found) != 1 || found[0].Refused == "" || k.World() != before {
		t.Errorf("got %+v, %v", found, err)
	}
}

// TestCredentialOfAnotherConsumer: it is moved to the one that it is wanted for, and
// keeps its id; the other consumer keeps all else.
func TestCredentialOfAnotherConsumer(t *testing.T) {
	k := start(t, fakekong.Options{})
	must(t, http.MethodPost, k.AdminURL+"/consumers", `{"username":"bob"}`)
	const id = "3b000000-0000-4000-8000-000000000009"
	must(t, http.MethodPut, k.AdminURL+"/consumers/bob/key-auth/"+id, `{"key":"hush-key"}`)
	_, shared := wantedOfOthers()
	shared.Entities = shared.Entities[:2]
	r := open(t, options(k.AdminURL))
	found, outcomes := adoptAll(t, r, v1.Set{}, shared)
	if p := first(outcomes); p != nil || len(found) != 1 || found[0].ID != id || strings.Contains(found[0].Change.Sentence(), "hush") {
		t.Fatalf("%v, %+v", p, found)
	}
	if now := must(t, http.MethodGet, k.AdminURL+"/consumers/alice/key-auth", ""); !strings.Contains(now, id) {
		t.Errorf("alice has %s", now)
	}
	if now := must(t, http.MethodGet, k.AdminURL+"/consumers/bob/key-auth", ""); strings.Contains(now, id) {
		t.Errorf("bob still has %s", now)
	}
	if p, problems := declare(t, r, v1.Set{}, shared); !p.Empty() || len(problems) > 0 {
		t.Errorf("there is still something to do: %v %v", p.Changes, problems)
	}
}
