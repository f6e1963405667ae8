package kong

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// plugin is one with settings written "path=value".
func plugin(name string, settings ...string) v1.Plugin {
	p := v1.Plugin{Name: name, Enabled: true, Origin: v1.Origin{Container: "web-1", Label: "lockstep.plugins." + name}}
	for _, setting := range settings {
		path, value, _ := strings.Cut(setting, "=")
		p.Settings = append(p.Settings, v1.Setting{
			Path: path, Value: value, Origin: v1.Origin{Container: "web-1", Label: "lockstep.plugins." + name + "." + path},
		})
	}
	return p
}

// protected is a service whose hosts say which plugins protect its route, so
// that a route can be judged by what Kong holds alone.
func protected(name string, shared, own []v1.Plugin) *v1.Service {
	s := service(name, 1)
	s.Plugins, s.Routes[0].Plugins = shared, own
	host := name
	for _, p := range slices.Concat(shared, own) {
		host += "." + p.Name
	}
	s.Routes[0].Hosts = []string{host + ".test"}
	return s
}

// TestPluginsWalk goes from one random set of plugins to another, through faults
// and restarts, and ends in the world that is made straight. At no moment is a
// route open without its plugins, and a second round is quiet.
func TestPluginsWalk(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", mode, seed), func(t *testing.T) {
				t.Parallel()
				walkPlugins(t, mode, rand.New(rand.NewPCG(seed, 1)))
			})
		}
	}
}

func walkPlugins(t *testing.T, mode fakekong.Mode, random *rand.Rand) {
	t.Helper()
	k := start(t, fakekong.Options{Mode: mode})
	r, w := watched(t, k)
	set := v1.Set{}
	for range 60 {
		name := string(rune('a' + random.IntN(4)))
		delete(set, name)
		if random.IntN(5) > 0 {
			set[name] = protected(name, somePlugins(random, 0), somePlugins(random, 1))
		}
		switch random.IntN(6) {
		case 0: // something goes wrong on the way
			from, calls := random.IntN(12), 0
			var mu sync.Mutex
			k.Hook(func(req *http.Request) fakekong.Fault {
				mu.Lock()
				defer mu.Unlock()
				if !fakekong.Writing(req) { // the watchman asks as well
					return fakekong.Fault{}
				}
				calls++
				return broken(calls - from)
			})
			_, _, _ = round(t.Context(), r, set)
			k.Hook(nil)
		case 1:
			r, w = watched(t, k)
		}
		if _, _, err := round(t.Context(), r, set); err != nil && len(set) > 0 {
			t.Logf("a round ends with %v", err)
		}
	}
	settleTwice(t, r, set)
	walked := k.World()
	if mode == fakekong.Database && w.live == 0 {
		t.Error("no route was ever live: the test says nothing")
	}
	k.Forget()
	settled(t, r, set)
	if k.Writes() != 0 {
		t.Errorf("an unchanged round writes: %v", asked(k))
	}
	finish(t, k)
	straight := start(t, fakekong.Options{Mode: mode})
	settled(t, open(t, options(straight.AdminURL)), set)
	if diff := cmp.Diff(straight.World(), walked); diff != "" {
		t.Errorf("the walk ends in another world (-straight +walked):\n%s", diff)
	}
}

// settleTwice takes rounds until all is as it should be: after a fault one more is due.
func settleTwice(t *testing.T, r *Reconciler, set v1.Set) {
	t.Helper()
	var problem error
	for range 3 {
		_, outcomes, err := round(t.Context(), r, set)
		if problem = err; err == nil && first(outcomes) == nil {
			return
		}
		if p := first(outcomes); p != nil {
			problem = p
		}
	}
	t.Fatal(problem)
}

func somePlugins(random *rand.Rand, half int) []v1.Plugin {
	all := [][]v1.Plugin{
		{plugin("acl", "allow=a"), plugin("basic-auth"), plugin("cors", fmt.Sprintf("max_age=%d", random.IntN(3)))},
		{plugin("key-auth", "key_names=apikey,x"), plugin("rate-limiting", fmt.Sprintf("minute=%d", 1+random.IntN(3)))},
	}[half]
	return slices.DeleteFunc(all, func(v1.Plugin) bool { return random.IntN(2) == 0 })
}

// TestRefusedPluginClosesItsRoutes: Kong itself refuses a plugin that its schema
// seemed to take. The route answers 503 and the rest goes on; with the mistake
// gone all is as asked for.
func TestRefusedPluginClosesItsRoutes(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared %v", mode, shared), func(t *testing.T) {
				k := start(t, fakekong.Options{Mode: mode})
				r, _ := watched(t, k)
				with := func(p ...v1.Plugin) *v1.Service {
					if shared {
						return protected("a", p, nil)
					}
					return protected("a", nil, p)
				}
				settled(t, r, setOf(protected("a", nil, nil), service("b", 2)))
				bad := with(plugin("rate-limiting", "minute=10", "hour=1"))
				_, outcomes, err := round(t.Context(), r, setOf(bad, service("b", 2, 3)))
				if err != nil {
					t.Fatal(err)
				}
				var said []string
				for _, outcome := range outcomes {
					if p := outcome.Problem; p != nil {
						said = append(said, fmt.Sprintf("%s %s %s", outcome.Change.Key.Kind, p.Reason, p.Origin.Container))
						if !strings.Contains(p.Message, "cannot be lower") {
							t.Errorf("Kong's words are lost: %s", p.Message)
						}
					}
				}
				slices.Sort(said)
				if len(said) != 2 || !strings.HasPrefix(said[0], "plugin GatewayRejected") || !strings.HasPrefix(said[1], "route GatewayRejected") {
					t.Errorf("said: %q", said)
				}
				if text := must(t, http.MethodGet, k.AdminURL+"/routes/"+r.names.ID(v1.KindRoute, "a.default"), ""); !strings.Contains(text, r.names.ID(v1.KindService, entity.Reserved)) {
					t.Errorf("the route is not closed: %s", text)
				}
				if !strings.Contains(k.World(), "10.0.0.3:80") {
					t.Error("the other service has to wait")
				}
				settleTwice(t, r, setOf(with(plugin("rate-limiting", "minute=10")), service("b", 2, 3)))
				if text := must(t, http.MethodGet, k.AdminURL+"/routes/"+r.names.ID(v1.KindRoute, "a.default"), ""); strings.Contains(text, r.names.ID(v1.KindService, entity.Reserved)) {
					t.Errorf("the route stays closed: %s", text)
				}
				// A change for the worse leaves the plugin, and so the route, as they were.
				_, outcomes, err = round(t.Context(), r, setOf(with(plugin("rate-limiting", "minute=20", "hour=2")), service("b", 2, 3)))
				if err != nil || first(outcomes) == nil {
					t.Fatalf("it is not refused: %v", err)
				}
				if text := must(t, http.MethodGet, k.AdminURL+"/routes/"+r.names.ID(v1.KindRoute, "a.default"), ""); strings.Contains(text, r.names.ID(v1.KindService, entity.Reserved)) {
					t.Errorf("the route is closed although its plugin stands: %s", text)
				}
			})
		}
	}
}

// TestPluginAddedToALiveRoute: nothing about the route itself changes, and the
// daemon was restarted; still it must not stay open without the new plugin.
func TestPluginAddedToALiveRoute(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared %v", mode, shared), func(t *testing.T) {
				k := start(t, fakekong.Options{Mode: mode})
				settled(t, open(t, options(k.AdminURL)), setOf(service("a", 1), service("b", 2)))
				r := open(t, options(k.AdminURL))
				s := service("a", 1)
				bad := []v1.Plugin{plugin("rate-limiting", "minute=10", "hour=1")}
				if s.Plugins = bad; !shared {
					s.Plugins, s.Routes[0].Plugins = nil, bad
				}
				for range 3 {
					_, outcomes, err := round(t.Context(), r, setOf(s, service("b", 2)))
					if p := first(outcomes); err != nil || p == nil || p.Reason != v1.GatewayRejected {
						t.Fatalf("the problem is %v, %v", p, err)
					}
					text := must(t, http.MethodGet, k.AdminURL+"/routes/"+r.names.ID(v1.KindRoute, "a.default"), "")
					if !strings.Contains(text, r.names.ID(v1.KindService, entity.Reserved)) {
						t.Fatalf("the route is open: %s", text)
					}
					if strings.Contains(must(t, http.MethodGet, k.AdminURL+"/routes/"+r.names.ID(v1.KindRoute, "b.default"), ""), r.names.ID(v1.KindService, entity.Reserved)) {
						t.Fatal("another service's route is closed")
					}
				}
			})
		}
	}
}

// TestWrongPluginIsSaidBeforeAnythingIsSent holds the words for what Kong's schema does not take.
func TestWrongPluginIsSaidBeforeAnythingIsSent(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	settled(t, r, setOf(service("b", 2)))
	for want, p := range map[string]v1.Plugin{
		`lockstep.plugins.rate-limiting.minut|plugin rate-limiting: config.minut: unknown field "minut"|did you mean minute?`:                                 plugin("rate-limiting", "minut=1"),
		`lockstep.plugins.rate-limiting.minute|plugin rate-limiting: config.minute: expected a number|write digits alone`:                                     plugin("rate-limiting", "minute=planted"),
		`lockstep.plugins.rate-limiting.minute|plugin rate-limiting: config.minute: value must be greater than 0|write a greater number`:                      plugin("rate-limiting", "minute=0"),
		`lockstep.plugins.rate-limiting.redis.port|plugin rate-limiting: config.redis.port: value should be between 0 and 65535|write a number within`:        plugin("rate-limiting", "redis.port=70000"),
		`lockstep.plugins.rate-limiting.policy|plugin rate-limiting: config.policy: expected one of: local, cluster, redis|did you mean local?`:               plugin("rate-limiting", "policy=locl"),
		`lockstep.plugins.key-auth.hide_credentials|plugin key-auth: config.hide_credentials: expected a boolean|write true or false`:                         plugin("key-auth", "hide_credentials=yes"),
		`lockstep.plugins.key-auth.realm.x|plugin key-auth: config.realm.x: expected a string, but something follows its name|end the label's key with realm`: plugin("key-auth", "realm.x=1"),
		`lockstep.plugins.key-auht|kong has no plugin key-auht|did you mean key-auth? Enable it in Kong's setting plugins, or remove the label`:               plugin("key-auht"),
	} {
		k.Forget()
		for _, s := range []*v1.Service{protected("a", []v1.Plugin{p}, nil), protected("a", nil, []v1.Plugin{p})} {
			if _, err := r.Observe(t.Context(), reconcilers.Scope{}); err != nil {
				t.Fatal(err)
			}
			state, problems := r.Compile(reconcilers.Scope{}, setOf(s), v1.Shared{})
			if len(problems) != 1 || problems[0].Object != (v1.Key{Kind: v1.KindRoute, Name: "a.default"}) || problems[0].Reason != v1.InvalidLabel {
				t.Fatalf("problems: %v", problems)
			}
			got := problems[0].Origin.Label + "|" + problems[0].Message + "|" + problems[0].Fix
			if got != want {
				t.Errorf("it says\n%s, want\n%s", got, want)
			}
			for key := range state {
				if key.Kind == v1.KindRoute || key.Kind == v1.KindPlugin {
					t.Errorf("%s is made although a plugin is wrong", key)
				}
			}
		}
	}
}

// TestPluginValues holds how text becomes what Kong's schema wants.
func TestPluginValues(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	s := protected("a", []v1.Plugin{
		plugin("rate-limiting", "fault_tolerant=false", "minute=60", "redis.host=r", `redis.ssl=true`),
		plugin("cors", `methods=["GET","HEAD"]`, "origins=a.test, b.test", "max_age=5", "credentials=true"),
	}, nil)
	s.Plugins[1].InstanceName, s.Plugins[1].Enabled = "cors-of-a", false
	settled(t, r, setOf(s))
	var plugins []string
	for _, path := range []string{"rate-limiting", "cors"} {
		var body struct {
			Config   map[string]any `json:"config"`
			Enabled  bool           `json:"enabled"`
			Instance string         `json:"instance_name"`
		}
		text := must(t, http.MethodGet, k.AdminURL+"/plugins/"+r.names.ID(v1.KindPlugin, entity.PluginKey(v1.KindService, "a", path)), "")
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, fmt.Sprint(body.Enabled, body.Instance, body.Config["minute"], body.Config["fault_tolerant"], body.Config["methods"], body.Config["origins"], body.Config["max_age"], body.Config["redis"]))
	}
	want := []string{
		"true60 false <nil> <nil> <nil> map[database:0 host:r password:<nil> port:6379 server_name:<nil> ssl:true ssl_verify:false timeout:2000 username:<nil>]",
		"falsecors-of-a<nil> <nil> [GET HEAD] [a.test b.test] 5 <nil>",
	}
	if diff := cmp.Diff(want, plugins); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	k.Forget()
	s.Plugins[0].Settings[1].Value = "60.0"
	s.Plugins[1].Settings[0].Value = "GET,HEAD"
	if p := settled(t, r, setOf(s)); len(p.Changes) > 0 {
		t.Errorf("another spelling is a change: %s", p.Changes[0].Sentence())
	}
	s.Plugins[0].Settings[1].Value = "70"
	if p := settled(t, r, setOf(s)); len(p.Changes) != 1 || p.Changes[0].Sentence() != "change plugin rate-limiting of service a: config.minute 60 → 70" {
		t.Errorf("the plan is %v", p.Changes)
	}
}

// TestDriftOfPlugins: what somebody changes by hand is put right.
func TestDriftOfPlugins(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	set := setOf(protected("a", []v1.Plugin{plugin("cors")}, []v1.Plugin{plugin("key-auth"), plugin("rate-limiting", "minute=5")}))
	settled(t, r, set)
	want := k.World()
	auth := k.AdminURL + "/plugins/" + r.names.ID(v1.KindPlugin, entity.PluginKey(v1.KindRoute, "a.default", "key-auth"))
	for _, body := range []string{`{"enabled":false}`, `{"config":{"anonymous":"joe"}}`, `{"config":{"key_names":["x"]}}`, `{"protocols":["http"]}`, `{"tags":["lockstep-owner:lockstep"]}`, ""} {
		method := http.MethodPatch
		if body == "" {
			method = http.MethodDelete
		}
		must(t, method, auth, body)
		settleTwice(t, r, set)
		if diff := cmp.Diff(want, k.World()); diff != "" {
			t.Errorf("after %s %s (-want +got):\n%s", method, body, diff)
		}
	}
	must(t, http.MethodDelete, auth, "")
	must(t, http.MethodPost, k.AdminURL+"/plugins", `{"name":"key-auth","route":{"id":"`+r.names.ID(v1.KindRoute, "a.default")+`"}}`)
	_, outcomes, err := round(t.Context(), r, set)
	if p := first(outcomes); err != nil || p == nil || p.Reason != v1.Conflict || !strings.Contains(p.Message, "key-auth") {
		t.Errorf("a stranger's plugin in ours' place: %v, %v", p, err)
	}
}

// TestPluginsGoWithTheirRoute: no plugin goes before its route, and none is left.
func TestPluginsGoWithTheirRoute(t *testing.T) {
	k := start(t, fakekong.Options{})
	r, _ := watched(t, k)
	settled(t, r, setOf(protected("a", []v1.Plugin{plugin("cors")}, []v1.Plugin{plugin("key-auth")})))
	p := settled(t, r, v1.Set{})
	if strings.Contains(k.World(), "key-auth") || strings.Contains(k.World(), "cors") {
		t.Errorf("a plugin is left:\n%s", k.World())
	}
	if !slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Op == plan.Delete && c.Key.Kind == v1.KindPlugin }) {
		t.Error("the plan does not say that plugins go")
	}
}
