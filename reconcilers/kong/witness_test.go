package kong

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/declaration"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// reporter reconciles as a worker does, and reports what others change.
type reporter struct {
	Gateway
	drift  *reconcilers.Drift
	shared v1.Shared
}

// reporting returns one that reports all kinds.
func reporting(t *testing.T, o Options) *reporter {
	t.Helper()
	o.Witness = true
	policy := reconcilers.DriftPolicy{}
	for _, kind := range v1.EntityKinds() {
		policy[kind.Kind] = true
	}
	return &reporter{Gateway: openAll(t, o), drift: reconcilers.NewDrift(policy)}
}

// round takes one round in which everything must work.
func (r *reporter) round(t *testing.T, scope reconcilers.Scope, set v1.Set) plan.Plan {
	t.Helper()
	observed, err := r.Observe(t.Context(), scope)
	if err != nil {
		t.Fatal(err)
	}
	desired, problems := r.Compile(scope, set, r.shared)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	look := reconcilers.Look{Now: time.Unix(0, 0), Scope: scope, Left: r.Left(scope), Empty: len(observed) == 0}
	p := r.drift.Filter(look, plan.Diff(observed, desired))
	outcomes, err := r.Apply(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if problem := first(outcomes); problem != nil {
		t.Fatal(problem)
	}
	return p
}

func (r *reporter) fresh(t *testing.T, set v1.Set) plan.Plan {
	t.Helper()
	return r.round(t, reconcilers.Scope{Fresh: true}, set)
}

// reported are the sentences of what is left undone.
func reported(p plan.Plan) string {
	var out strings.Builder
	for _, r := range p.Reported {
		out.WriteString(r.Sentence() + "\n")
	}
	return out.String()
}

// TestReported lets somebody change our entities in ways that are to be left so: nothing
// is written, not after a restart either, until something else is asked for, or the
// order comes to repair.
func TestReported(t *testing.T) {
	tests := map[string]struct {
		change []step
		says   []string
		repair []string // what is repaired all the same
	}{
		"a field that we write":       {change: []step{{http.MethodPatch, "/services/{service/a}", `{"retries":1}`}}, says: []string{"change service a: retries 1 → 5"}},
		"a field that we don't write": {change: []step{{http.MethodPatch, "/services/{service/a}", `{"enabled":false}`}}, says: []string{"change service a: enabled false → (none)"}},
		"a name":                      {change: []step{{http.MethodPatch, "/routes/{route/a.default}", `{"name":"renamed"}`}}, says: []string{"name renamed → a.default.lockstep"}},
		"another route's tag": {change: []step{
			{http.MethodPatch, "/routes/{route/a.default}", `{"tags":["lockstep-owner:lockstep","lockstep-service:a","lockstep-route:a.more"]}`},
		}, says: []string{"change route a.default (a.test): tags"}},
		"another service's tag": {change: []step{
			{http.MethodPatch, "/routes/{route/a.default}", `{"tags":["lockstep-owner:lockstep","lockstep-service:b","lockstep-route:a.more"]}`},
		}, says: []string{"change route a.default (a.test): tags"}},
		"our tag gone":   {change: []step{{http.MethodPatch, "/routes/{route/a.default}", `{"tags":[]}`}}, says: []string{"add route a.default"}},
		"a route gone":   {change: []step{{http.MethodDelete, "/routes/a.default.lockstep", ""}}, says: []string{"add route a.default"}},
		"a weight":       {change: []step{{http.MethodPatch, "/upstreams/a.lockstep/targets/10.0.0.1:80", `{"weight":7}`}}, says: []string{"weight 7 → 100"}},
		"a target gone":  {change: []step{{http.MethodDelete, "/upstreams/a.lockstep/targets/10.0.0.1:80", ""}}, says: []string{"add target 10.0.0.1:80 (a-1) of a"}},
		"a service gone": {change: []step{{http.MethodDelete, "/routes/a.default.lockstep", ""}, {http.MethodDelete, "/services/a.lockstep", ""}, {http.MethodDelete, "/upstreams/a.lockstep", ""}}, says: []string{"add service a", "add route a.default", "add upstream a"}},
		"an address": {change: []step{{http.MethodPatch, "/upstreams/a.lockstep/targets/10.0.0.1:80", `{"target":"10.0.0.77:80"}`}},
			says: []string{"add target 10.0.0.1:80 (a-1) of a"}, repair: []string{"remove target"}},
		"a route moved": {change: []step{{http.MethodPatch, "/routes/{route/a.default}", `{"service":{"id":"{service/b}"}}`}}, repair: []string{"service b → a"}},
		"a stranger's copy with our tag": {change: []step{
			{http.MethodPut, "/services/5c000000-0000-4000-8000-000000000001", `{"name":"copy","host":"copy","tags":["lockstep-owner:lockstep","lockstep-service:a"]}`},
		}, repair: []string{"remove service copy"}},
	}
	set := setOf(service("a", 1, 2), service("b", 3))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{})
			r := reporting(t, options(k.AdminURL))
			r.fresh(t, set)
			want := k.World()
			ids := open(t, options(k.AdminURL))
			for _, step := range test.change {
				step.take(t, k.AdminURL, ids)
			}
			p := r.fresh(t, set)
			for _, says := range test.says {
				if !strings.Contains(reported(p), says) {
					t.Errorf("it is not reported: %q\n%s", says, reported(p))
				}
			}
			for _, says := range test.repair {
				if !strings.Contains(sentences(p), says) {
					t.Errorf("it is not repaired: %q\n%s", says, sentences(p))
				}
			}
			if len(test.says) != len(p.Reported) && len(test.says) > 0 && name != "a service gone" || len(test.repair) != len(p.Changes) {
				t.Errorf("repaired:\n%s\nreported:\n%s", sentences(p), reported(p))
			}
			if len(test.says) == 0 {
				if diff := cmp.Diff(want, k.World()); diff != "" {
					t.Errorf("the world is not as before (-before +after):\n%s", diff)
				}
				return
			}
			still(t, k, r, set, p)
			next := reporting(t, options(k.AdminURL))
			next.drift.Remember(r.drift.Memory())
			still(t, k, next, set, p)
			if name == "our tag gone" { // what is a stranger's now is not touched by any order
				return
			}
			next.drift.Repair()
			next.fresh(t, set)
			next.fresh(t, set) // what was moved out of the way
			if diff := cmp.Diff(want, k.World()); diff != "" {
				t.Errorf("after the order to repair (-before +after):\n%s", diff)
			}
			if m := next.drift.Memory(); len(m.Objects) > 0 {
				t.Errorf("what is repaired is remembered: %v", m)
			}
		})
	}
}

// still takes rounds in which the same is reported as before, and nothing is written.
func still(t *testing.T, k *fakekong.Kong, r *reporter, set v1.Set, before plan.Plan) {
	t.Helper()
	writes := k.Writes()
	for _, scope := range []reconcilers.Scope{{Fresh: true}, {Services: []string{"a"}}, {}} {
		p := r.round(t, scope, within(set, scope))
		if len(p.Changes) > 0 || k.Writes() != writes {
			t.Errorf("scope %v: it is written:\n%s", scope, sentences(p))
		}
		if scope.All() && reported(p) != reported(before) {
			t.Errorf("scope %v: reported:\n%s\nbefore:\n%s", scope, reported(p), reported(before))
		}
		if len(p.Reported) != len(before.Reported) {
			t.Errorf("scope %v: %d are reported, want %d:\n%s", scope, len(p.Reported), len(before.Reported), reported(p))
		}
	}
}

// within is what of a set a scope covers.
func within(set v1.Set, scope reconcilers.Scope) v1.Set {
	if scope.All() {
		return set
	}
	out := v1.Set{}
	for _, name := range scope.Services {
		out[name] = set[name]
	}
	return out
}

// TestReportedUntilAnotherWish: what is asked for anew is written whole, also by a narrow
// round; what has no desired one goes.
func TestReportedUntilAnotherWish(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := reporting(t, options(k.AdminURL))
	r.fresh(t, setOf(service("a", 1, 2)))
	ids := open(t, options(k.AdminURL))
	step{http.MethodPatch, "/routes/{route/a.default}", `{"paths":["/theirs"]}`}.take(t, k.AdminURL, ids)
	step{http.MethodPatch, "/upstreams/a.lockstep/targets/10.0.0.1:80", `{"weight":7}`}.take(t, k.AdminURL, ids)
	if p := r.fresh(t, setOf(service("a", 1, 2))); len(p.Reported) != 2 {
		t.Fatalf("reported:\n%s", reported(p))
	}
	next := service("a", 2) // the container of the changed target is gone
	next.Routes[0].Hosts = []string{"new.test"}
	p := r.round(t, reconcilers.Scope{Services: []string{"a"}}, setOf(next))
	if len(p.Reported) > 0 || len(r.drift.Memory().Objects) > 0 {
		t.Errorf("still reported:\n%s", reported(p))
	}
	if world := k.World(); strings.Contains(world, "/theirs") || !strings.Contains(world, "new.test") || strings.Contains(world, "10.0.0.1:80") {
		t.Errorf("the world:\n%s", world)
	}
}

// TestReportedPluginsProtect: a plugin that somebody removed or disabled is put back
// whatever is reported; how it is set up is left.
func TestReportedPluginsProtect(t *testing.T) {
	set := setOf(protected("a", nil, []v1.Plugin{plugin("key-auth"), plugin("rate-limiting", "minute=60")}))
	for name, test := range map[string]struct{ method, body, reported string }{
		"removed":    {http.MethodDelete, "", ""},
		"disabled":   {http.MethodPatch, `{"enabled":false}`, ""},
		"moved away": {http.MethodPatch, `{"route":null}`, ""},
		"plain only": {http.MethodPatch, `{"protocols":["grpc"]}`, ""},
		"set up":     {http.MethodPatch, `{"config":{"minute":9000}}`, "config.minute 9000 → 60"},
		"both":       {http.MethodPatch, `{"enabled":false,"config":{"minute":9000}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{})
			r := reporting(t, options(k.AdminURL))
			r.fresh(t, set)
			want := k.World()
			ids := open(t, options(k.AdminURL))
			must(t, test.method, k.AdminURL+"/plugins/"+ids.names.ID(v1.KindPlugin, entity.PluginKey(v1.KindRoute, "a.default", "rate-limiting")), test.body)
			p := r.fresh(t, set)
			if test.reported != "" {
				if !strings.Contains(reported(p), test.reported) || len(p.Changes) > 0 {
					t.Errorf("reported:\n%s\nrepaired:\n%s", reported(p), sentences(p))
				}
				return
			}
			if diff := cmp.Diff(want, k.World()); diff != "" || len(p.Reported) > 0 {
				t.Errorf("it is not put back (-before +after):\n%s\nreported:\n%s", diff, reported(p))
			}
		})
	}
}

// TestReportedShowsNoSecret: a change of a secret is told by its field alone.
func TestReportedShowsNoSecret(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := reporting(t, options(k.AdminURL))
	r.shared = v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindConsumer, "alice", body{"username": "alice"}),
		anEntity("hmacauth_credential", "alice/alice", body{"username": "alice", "secret": v1.NewSecret("planted-ours")}, on("consumer", v1.KindConsumer, "alice")),
	}}
	r.fresh(t, v1.Set{})
	must(t, http.MethodPatch, k.AdminURL+"/consumers/alice/hmac-auth/alice", `{"secret":"planted-theirs"}`)
	p := r.fresh(t, v1.Set{})
	if len(p.Reported) != 1 || !slices.Contains(p.Reported[0].What, "secret") {
		t.Fatalf("reported:\n%s", reported(p))
	}
	problem := reconcilers.DriftProblem(v1.Kong, p.Reported[0])
	memory := string(mustJSON(t, map[string]any{"memory": r.drift.Memory(), "problem": problem}))
	if text := reported(p) + problem.Error() + memory; strings.Contains(text, "planted") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	if problem.Origin.File != "kong.yaml" {
		t.Errorf("it is not said where it was asked for: %v", problem)
	}
	must(t, http.MethodDelete, k.AdminURL+"/consumers/alice", "")
	p = r.fresh(t, v1.Set{})
	if len(p.Changes) > 0 || len(p.Reported) != 2 {
		t.Errorf("a consumer that somebody removed, with its credentials:\n%s%s", sentences(p), reported(p))
	}
}

// TestReportedWithoutADatabase: what somebody pushed goes along with our pushes as it is;
// a node that comes back empty gets what is asked for, and nodes are alike.
func TestReportedWithoutADatabase(t *testing.T) {
	a, b := start(t, fakekong.Options{Mode: fakekong.DBLess}), start(t, fakekong.Options{Mode: fakekong.DBLess})
	edit := func(k *fakekong.Kong, r Gateway) {
		nodes, ok := r.(*Nodes)
		if !ok {
			t.Fatalf("several nodes are %T", r)
		}
		one, state := nodes.each[0], plan.State{}
		for _, objects := range one.held {
			maps.Copy(state, objects)
		}
		text, err := declaration.Render(one.rows, state, nil)
		if err != nil {
			t.Fatal(err)
		}
		must(t, http.MethodPost, k.AdminURL+"/config", string(mustJSON(t, map[string]string{"config": strings.ReplaceAll(text, `"a.test"`, `"theirs.test"`)})))
	}
	r := reporting(t, several(a, b))
	set := setOf(service("a", 1))
	r.fresh(t, set)
	want := a.World()
	edit(a, r.Gateway)
	if p := r.fresh(t, set); len(p.Reported) > 0 || a.World() != want {
		t.Errorf("what only one of the nodes holds stays:\n%s", reported(p))
	}
	edit(a, r.Gateway)
	edit(b, r.Gateway)
	p := r.fresh(t, set)
	if len(p.Changes) > 0 || !strings.Contains(reported(p), `hosts ["theirs.test"] → ["a.test"]`) {
		t.Errorf("repaired:\n%s\nreported:\n%s", sentences(p), reported(p))
	}
	r.round(t, reconcilers.Scope{Services: []string{"b"}}, setOf(service("b", 2)))
	if world := a.World(); !strings.Contains(world, "theirs.test") || !strings.Contains(world, "b.test") || world != b.World() {
		t.Errorf("it does not go along with a push:\n%s", world)
	}
	if err := a.Restart(); err != nil {
		t.Fatal(err)
	}
	both := setOf(service("a", 1), service("b", 2))
	r.fresh(t, both)
	if world := a.World(); strings.Contains(world, "theirs.test") || world != b.World() {
		t.Errorf("after one came back empty:\n%s", cmp.Diff(a.World(), b.World()))
	}
	if p := r.fresh(t, both); len(p.Changes)+len(p.Reported) > 0 {
		t.Errorf("a further round:\n%s%s", reconcilertest.Sentences(p), reported(p))
	}
}

// TestReportedLeavesTheProof: what Lockstep itself asks Kong by is put back at once, and
// what it writes there beside the plan is nobody else's change.
func TestReportedLeavesTheProof(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.ProxyURLs = []string{k.ProxyURL}
	r := reporting(t, o)
	set := setOf(service("a", 1))
	r.fresh(t, set)
	want := k.World("tags", "config")
	if !strings.Contains(want, ".verify.lockstep.invalid") {
		t.Fatalf("there is no proof:\n%s", want)
	}
	if p := r.fresh(t, set); len(p.Reported) > 0 {
		t.Errorf("what Lockstep did itself is reported:\n%s", reported(p))
	}
	ids := open(t, options(k.AdminURL))
	must(t, http.MethodPatch, k.AdminURL+"/routes/"+ids.names.ID(v1.KindRoute, entity.ProofKey), `{"hosts":["theirs.test"]}`)
	if p := r.fresh(t, set); len(p.Reported) > 0 {
		t.Errorf("reported:\n%s", reported(p))
	}
	if diff := cmp.Diff(want, k.World("tags", "config")); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}
