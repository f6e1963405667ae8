package kong

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
)

// scopes are all that Kong lets a plugin be on: a consumer and a group exclude each other.
var scopes = []string{
	"", "service", "route", "consumer", "consumer_group",
	"service+route", "service+consumer", "service+consumer_group", "route+consumer", "route+consumer_group",
	"service+route+consumer", "service+route+consumer_group",
}

// scoped is one of each kind that a plugin may be on, and one plugin for each scope.
func scoped(scopes ...string) v1.Shared {
	out := v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindGroup, "gold", body{"name": "gold"}),
		anEntity(v1.KindConsumer, "alice", body{"username": "alice"}),
		anEntity(v1.KindService, "legacy", body{"name": "legacy", "host": "legacy.test"}),
		anEntity(v1.KindRoute, "door", body{"name": "door", "hosts": []any{"legacy.test"}}, on("service", v1.KindService, "legacy")),
	}}
	named := map[string]v1.EntityRef{
		"service": on("service", v1.KindService, "legacy"), "route": on("route", v1.KindRoute, "door"),
		"consumer": on("consumer", v1.KindConsumer, "alice"), "consumer_group": on("consumer_group", v1.KindGroup, "gold"),
	}
	for i, scope := range scopes {
		plugin := anEntity(v1.KindPlugin, scope+"/rate-limiting", body{"name": "rate-limiting", "config": body{"minute": 60 + i}})
		for field := range strings.SplitSeq(scope, "+") {
			if ref, is := named[field]; is {
				plugin.Refs = append(plugin.Refs, ref)
			}
		}
		out.Entities = append(out.Entities, plugin)
	}
	return out
}

// limited lists the scopes of the plugins that the stand-in has.
func limited(k *fakekong.Kong) []string {
	titles := map[string]string{"route door": "route", "service legacy": "service", "consumer alice": "consumer", "consumer_group gold": "consumer_group"}
	found := []string{}
	for line := range strings.Lines(k.World()) {
		title, is := strings.CutPrefix(strings.TrimSpace(line), "plugin rate-limiting")
		if !is {
			continue
		}
		var fields []string
		for part := range strings.SplitSeq(title, ", ") {
			if field, is := titles[part]; is {
				fields = append(fields, field)
			}
		}
		slices.SortFunc(fields, func(a, b string) int { return slices.Index(scopes, a) - slices.Index(scopes, b) })
		found = append(found, strings.Join(fields, "+"))
	}
	slices.SortFunc(found, func(a, b string) int { return slices.Index(scopes, a) - slices.Index(scopes, b) })
	return found
}

// TestPluginScopes: a plugin of each scope is made beside those of all others, is quiet
// then, also for a daemon that starts anew, is changed alone, and goes.
func TestPluginScopes(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode, Groups: true})
			r := open(t, options(k.AdminURL))
			changed := scoped(scopes...)
			last := &changed.Entities[len(changed.Entities)-1]
			last.Body = body{"name": "rate-limiting", "config": body{"minute": 7}}
			for _, step := range []struct {
				name   string
				shared v1.Shared
				want   []string
				writes int // 0: any number
			}{
				{"all", scoped(scopes...), scopes, 0},
				{"one changes", changed, scopes, 1},
				{"some go", scoped(scopes[:6]...), scopes[:6], 0},
				{"all go", v1.Shared{}, []string{}, 0},
			} {
				from := k.Writes()
				if _, problems := declare(t, r, v1.Set{}, step.shared); len(problems) > 0 {
					t.Fatal(step.name, problems)
				}
				if wrote := k.Writes() - from; step.writes > 0 && wrote != step.writes {
					t.Errorf("%s: %d writes, want %d", step.name, wrote, step.writes)
				}
				if diff := cmp.Diff(step.want, limited(k)); diff != "" {
					t.Errorf("%s (-want +got):\n%s\n%s", step.name, diff, k.World())
				}
				before := k.Writes()
				for _, again := range []*Reconciler{r, open(t, options(k.AdminURL))} {
					if p, problems := declare(t, again, v1.Set{}, step.shared); !p.Empty() || len(problems) > 0 || k.Writes() != before {
						t.Errorf("%s: it is not quiet: %s %v", step.name, sentences(p), problems)
					}
				}
			}
			finish(t, k)
		})
	}
}

// TestPluginScopeRefused: a plugin on a consumer and on a group is Kong's to refuse, and
// keeps no other from being made.
func TestPluginScopeRefused(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode, Groups: true})
			r := open(t, options(k.AdminURL))
			_, problems := declare(t, r, v1.Set{}, scoped("consumer", "consumer+consumer_group", "consumer_group"))
			if len(problems) != 1 || problems[0].Reason != v1.GatewayRejected || !strings.Contains(problems[0].Message, "'consumer', 'consumer_group'") {
				t.Errorf("the problems are %v", problems)
			}
			if diff := cmp.Diff([]string{"consumer", "consumer_group"}, limited(k)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			finish(t, k)
		})
	}
}

// TestPluginScopesWithoutEdition: where Kong has no groups, the plugins on one are
// NotExpressible as the group is, and all others are made.
func TestPluginScopesWithoutEdition(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		r := open(t, o)
		_, problems := declare(t, r, v1.Set{}, scoped(scopes...))
		if lent.has(t) && r.facts.Kinds[v1.KindGroup] != nil {
			t.Skip("the Kong at KONG_ADMIN_URL has consumer groups, and the test is about one that has none")
		}
		want, made := []string{"consumer_group/gold"}, []string{}
		for _, scope := range scopes {
			if strings.Contains(scope, "consumer_group") {
				want = append(want, "plugin/"+scope+"/rate-limiting")
			} else {
				made = append(made, scope)
			}
		}
		var said []string
		for _, p := range problems {
			said = append(said, p.Object.Name)
			if p.Reason != v1.NotExpressible || p.Message != "this Kong knows no consumer groups" || p.Fix != "use an edition of Kong that does, or remove it" {
				t.Errorf("%s: %v; %s", p.Object.Name, p, p.Fix)
			}
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(made, limited(k)); diff != "" {
			t.Errorf("made (-want +got):\n%s", diff)
		}
	})
}
