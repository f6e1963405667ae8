package kong

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestDeclaredEveryKind: what is declared is made, is quiet then, also for a daemon
// that starts anew, and goes again.
func TestDeclaredEveryKind(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		set := setOf(service("a", 1))
		shared := everything(t, "hush")
		r := open(t, o)
		settled(t, r, set)
		before := k.World()
		if _, problems := declare(t, r, set, shared); len(problems) > 0 {
			t.Fatal(problems)
		}
		world := k.World()
		for _, word := range []string{
			"hush-key", "hush-jwk", "hush-hmac", "hush-jwt", "hush-redis", `"10.0.0.9:8000"`, `path: "/base"`, "sni c.test", "sni *.b.test", "acl staff",
			`"host":"redis"`, "vault my-env", "7e4b0d5e-6c0f-4d8b-9c35-0f6f6e7d2a11", `instance_name: "doors"`, `interval`,
		} {
			if !strings.Contains(world, word) {
				t.Errorf("%s is not there:\n%s", word, world)
			}
		}
		for range 2 {
			writes := k.Writes()
			if p, problems := declare(t, r, set, shared); !p.Empty() || len(problems) > 0 || k.Writes() != writes {
				t.Errorf("again: %d writes, %v\n%s", k.Writes()-writes, problems, sentences(p))
			}
			r = open(t, o)
		}
		if p, problems := declare(t, r, set, v1.Shared{}); len(problems) > 0 {
			t.Error(problems, sentences(p))
		}
		if diff := cmp.Diff(before, k.World()); diff != "" {
			t.Errorf("after it was no longer declared (-before +after):\n%s", diff)
		}
	})
}

// TestDeclaredHashedPassword: a password that Kong gives back as something else is
// written when it changed, and only then.
func TestDeclaredHashedPassword(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		with := func(password, user string) v1.Shared {
			return v1.Shared{Entities: []v1.Entity{
				anEntity(v1.KindConsumer, "bob", body{"username": "bob"}),
				anEntity("basicauth_credential", "bob/x", body{"username": user, "password": v1.NewSecret(password)}, on("consumer", v1.KindConsumer, "bob")),
			}}
		}
		r := open(t, o)
		declare(t, r, v1.Set{}, with("one", "bob"))
		first := k.World()
		for _, again := range []string{"one", "two", "one"} {
			p, problems := declare(t, r, v1.Set{}, with(again, "bob"))
			if len(problems) > 0 || strings.Contains(sentences(p), `"`+again) {
				t.Errorf("%v\n%s", problems, sentences(p))
			}
			if again == "two" && (len(p.Changes) != 1 || k.World() == first) {
				t.Errorf("a new password: %s", sentences(p))
			}
			r = open(t, o)
			if p, _ := declare(t, r, v1.Set{}, with(again, "bob")); !p.Empty() {
				t.Errorf("after a restart: %s", sentences(p))
			}
		}
		if diff := cmp.Diff(first, k.World()); diff != "" {
			t.Errorf("back at the first password (-first +now):\n%s", diff)
		}
	})
}

// TestDeclaredSecretChanges: what Kong would make up is compared where it was given,
// also with what somebody made of it by hand.
func TestDeclaredSecretChanges(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		with := func(key, secret string) v1.Shared {
			bob := on("consumer", v1.KindConsumer, "bob")
			return v1.Shared{Entities: []v1.Entity{
				anEntity(v1.KindConsumer, "bob", body{"username": "bob"}),
				anEntity(v1.KindKeyAuth, "bob/ref-1", body{"key": v1.NewSecret(key)}, bob),
				anEntity("jwt_secret", "bob/rsa", body{"key": "iss", "secret": v1.NewSecret(secret)}, bob),
				anEntity("hmacauth_credential", "bob/made-up", body{"username": "x"}, bob),
			}}
		}
		r := open(t, o)
		declare(t, r, v1.Set{}, with("one", "two"))
		if p, problems := declare(t, r, v1.Set{}, with("one", "two")); !p.Empty() || len(problems) > 0 {
			t.Errorf("again: %v %s", problems, sentences(p))
		}
		p, problems := declare(t, r, v1.Set{}, with("three", "four"))
		if world := k.World(); len(problems) > 0 || len(p.Changes) != 2 || !strings.Contains(world, "three") || !strings.Contains(world, "four") {
			t.Errorf("other secrets: %v %s\n%s", problems, sentences(p), world)
		}
		if mode == fakekong.Database {
			must(t, http.MethodPatch, k.AdminURL+"/jwts/"+r.names.ID("jwt_secret", "bob/rsa"), `{"secret":"by hand"}`)
			if p, _ := declare(t, r, v1.Set{}, with("three", "four")); len(p.Changes) != 1 || strings.Contains(k.World(), "by hand") {
				t.Errorf("a secret that somebody changed: %s", sentences(p))
			}
		}
	})
}

// TestDeclaredStrangers: a stranger's entity in the place of ours is a conflict of
// that one alone, and what is a stranger's does not go along with ours.
func TestDeclaredStrangers(t *testing.T) {
	k := start(t, fakekong.Options{})
	must(t, http.MethodPost, k.AdminURL+"/consumers", `{"username":"alice"}`)
	must(t, http.MethodPost, k.AdminURL+"/consumers", `{"username":"odd name/with?more%"}`)
	must(t, http.MethodPost, k.AdminURL+"/consumers", `{"username":"eve","custom_id":"c"}`)
	must(t, http.MethodPost, k.AdminURL+"/consumers/eve/key-auth", `{"key":"planted-key"}`)
	must(t, http.MethodPost, k.AdminURL+"/plugins", `{"name":"cors"}`)
	r := open(t, options(k.AdminURL))
	bob := on("consumer", v1.KindConsumer, "bob")
	shared := v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindConsumer, "alice", body{"username": "alice"}),
		anEntity(v1.KindConsumer, "odd name/with?more%", body{"username": "odd name/with?more%"}),
		anEntity(v1.KindConsumer, "carl", body{"username": "carl", "custom_id": "c"}),
		anEntity("acl", "alice/x", body{"group": "x"}, on("consumer", v1.KindConsumer, "alice")),
		anEntity(v1.KindConsumer, "bob", body{"username": "bob"}),
		anEntity(v1.KindKeyAuth, "bob/", body{"key": v1.NewSecret("planted-key")}, bob),
		anEntity(v1.KindKeyAuth, "bob/", body{"key": v1.NewSecret("another")}, bob),
		anEntity(v1.KindPlugin, "cors", body{"name": "cors"}),
	}}
	_, problems := declare(t, r, v1.Set{}, shared)
	conflicts := 0
	for _, p := range problems {
		if p.Reason != v1.Conflict || p.Object.Kind != v1.KindEntity || strings.Contains(p.Error(), "planted-key") || p.Origin.File == "" && !strings.Contains(p.Message, "acl") {
			t.Errorf("%+v", p)
		}
		conflicts++
	}
	if conflicts != 6 {
		t.Errorf("%d conflicts, want those of alice, the odd name, carl, the acl, the key and the plugin: %v", conflicts, problems)
	}
	if world := k.World(); !strings.Contains(world, "consumer bob") || !strings.Contains(world, "another") {
		t.Errorf("the others are not there:\n%s", world)
	}
	must(t, http.MethodPost, k.AdminURL+"/consumers/bob/key-auth", `{"key":"theirs"}`)
	_, problems = declare(t, r, v1.Set{}, v1.Shared{})
	if len(problems) != 1 || problems[0].Reason != v1.Conflict || !strings.Contains(k.World(), "theirs") {
		t.Errorf("a consumer with a stranger's key: %v\n%s", problems, k.World())
	}
}

// TestDeclaredTwins: of two that Kong takes only one of, the first is made, and the
// other is named, in each round the same.
func TestDeclaredTwins(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		cert, _ := pair(t)
		bob := on("consumer", v1.KindConsumer, "bob")
		shared := v1.Shared{Entities: []v1.Entity{
			anEntity(v1.KindService, "a.lockstep", body{"name": "a.lockstep", "host": "a.test"}),
			anEntity(v1.KindConsumer, "amy", body{"username": "amy", "custom_id": "c"}),
			anEntity(v1.KindConsumer, "bob", body{"username": "bob", "custom_id": "c-2"}),
			anEntity(v1.KindConsumer, "carl", body{"username": "carl", "custom_id": "c"}),
			anEntity(v1.KindKeyAuth, "bob/ref-1", body{"key": v1.NewSecret("planted")}, bob),
			anEntity(v1.KindKeyAuth, "bob/ref-2", body{"key": v1.NewSecret("planted")}, bob),
			anEntity("ca_certificate", "one", body{"cert": cert}),
			anEntity("ca_certificate", "two", body{"cert": cert}),
			anEntity(v1.KindPlugin, "cors", body{"name": "cors"}),
			{Kind: v1.KindPlugin, Name: "cors", ID: "7e4b0d5e-6c0f-4d8b-9c35-0f6f6e7d2a11", Body: body{"name": "cors"}},
			anEntity(v1.KindUpstream, "up", body{"name": "up"}), anEntity(v1.KindUpstream, "down", body{"name": "down"}),
			anEntity(v1.KindTarget, "up/a", body{"target": "10.0.0.1:80"}, on("upstream", v1.KindUpstream, "up")),
			anEntity(v1.KindTarget, "down/a", body{"target": "10.0.0.1:80"}, on("upstream", v1.KindUpstream, "down")),
		}}
		for range 3 {
			r := open(t, o)
			p, problems := declare(t, r, setOf(service("a", 1)), shared)
			if len(problems) != 5 {
				t.Errorf("want those of the service, carl, the key, the certificate and the plugin: %v", problems)
			}
			for _, problem := range problems {
				if problem.Reason != v1.Conflict || strings.Contains(problem.Error(), "planted") {
					t.Errorf("%+v", problem)
				}
			}
			if world := k.World(); !strings.Contains(world, "consumer amy") || strings.Contains(world, "consumer carl") {
				t.Errorf("%s\n%s", sentences(p), world)
			}
		}
		if p, _ := declare(t, open(t, o), setOf(service("a", 1)), shared); !p.Empty() {
			t.Errorf("again: %s", sentences(p))
		}
	})
}

// TestDeclaredMistakes: what does not fit Kong's schema is said at its place, keeps
// what Kong holds, and no secret is repeated.
func TestDeclaredMistakes(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		r := open(t, o)
		good := anEntity(v1.KindPlugin, "rate-limiting", body{"name": "rate-limiting", "config": body{"minute": 60}})
		declare(t, r, v1.Set{}, v1.Shared{Entities: []v1.Entity{good}})
		world := k.World()
		at := v1.Origin{File: "kong.yaml", Line: 7, Column: 5}
		for _, c := range []struct {
			e          v1.Entity
			says, hint string
		}{
			{anEntity(v1.KindPlugin, "rate-limiting", body{"name": "rate-limiting", "config": body{"minut": 5}}), "config.minut: unknown field", "did you mean minute?"},
			{anEntity(v1.KindPlugin, "rate-limiting", body{"name": "rate-limiting", "config": body{"minute": v1.NewSecret("planted")}}), "config.minute: expected a number", ""},
			{anEntity(v1.KindConsumer, "x", body{"usernam": "x"}), "usernam: unknown field", "did you mean username?"},
			{anEntity(v1.KindPlugin, "x", body{"name": "rate-limitin"}), "kong has no plugin rate-limitin", "did you mean rate-limiting?"},
			{anEntity("acl", "x/y", body{"group": "y"}, on("consumer", v1.KindConsumer, "x")), `refers to the consumer "x"`, ""},
			{
				anEntity("acl", "x/y", body{"group": "y"}, v1.EntityRef{Field: "consumer", Kind: v1.KindConsumer, Name: "x", Lookup: true}),
				`refers to the consumer "x", which is not there`, "default_lookup_tags finds what files declare",
			},
			{anEntity("acl", "x/y", body{"group": "y"}), "consumer: required field missing", ""},
			{anEntity("consumer_group", "g", body{"name": "g"}), "this Kong knows no consumer groups", ""},
			{anEntity(v1.KindRoute, "r", body{"name": "r", "hosts": "planted"}), "hosts: expected an array", ""},
		} {
			if c.e.Kind == v1.KindGroup && r.facts.Kinds[v1.KindGroup] != nil {
				continue // a Kong that knows them
			}
			c.e.Places = map[string]v1.Origin{"config.minut": at, "config.minute": at, "usernam": at, "hosts": at}
			_, problems := declare(t, r, v1.Set{}, v1.Shared{Entities: []v1.Entity{good, c.e}[min(1, len(c.e.Name)/len(good.Name)):]})
			if len(problems) == 0 || !strings.Contains(problems[0].Error(), c.says) || !strings.Contains(problems[0].Fix, c.hint) || strings.Contains(fmt.Sprint(problems), "planted") {
				t.Errorf("%s: %v", c.says, problems)
			}
			if diff := cmp.Diff(world, k.World()); diff != "" {
				t.Errorf("%s: the world changed:\n%s", c.says, diff)
			}
		}
	})
}

// TestDeclaredRouteWaitsForItsPlugin: a route that declares a plugin is never
// served without it.
func TestDeclaredRouteWaitsForItsPlugin(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		r := open(t, o)
		entities := []v1.Entity{
			anEntity(v1.KindService, "s", body{"name": "s", "host": "s.test"}),
			anEntity(v1.KindRoute, "r", body{"name": "r", "hosts": []any{"r.test"}}, on("service", v1.KindService, "s")),
			anEntity(v1.KindPlugin, "service/s/key-auth", body{"name": "key-auth", "config": body{"key_names": []any{"bad name"}}}, on("service", v1.KindService, "s")),
			anEntity(v1.KindPlugin, "route/r/rate-limiting", body{"name": "rate-limiting", "config": body{"minute": 60, "second": 61}}, on("route", v1.KindRoute, "r")),
		}
		leads := func() string { return leadsTo(k.World(), "route r\n") }
		_, problems := declare(t, r, v1.Set{}, v1.Shared{Entities: entities})
		if to := leads(); len(problems) == 0 || to == "s" {
			t.Errorf("without its plugin the route leads to %q: %v", to, problems)
		}
		for i := range problems {
			if problems[i].Origin.File != "kong.yaml" {
				t.Errorf("nowhere: %v", problems[i])
			}
		}
		entities[2].Body = body{"name": "key-auth"}
		entities[3].Body = body{"name": "rate-limiting", "config": body{"minute": 60}}
		if _, problems = declare(t, r, v1.Set{}, v1.Shared{Entities: entities}); len(problems) > 0 || leads() != "s" {
			t.Errorf("%s: with its plugins it leads to %q: %v", mode, leads(), problems)
		}
	})
}

// leadsTo finds the service of an entity in a world.
func leadsTo(world, title string) string {
	_, after, _ := strings.Cut(world, title)
	_, after, _ = strings.Cut(after, "service: \"")
	name, _, _ := strings.Cut(after, `"`)
	return name
}

// TestDeclaredSecretsAreNotShown plants secrets and greps what comes out, also where
// Kong repeats them.
func TestDeclaredSecretsAreNotShown(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		var out strings.Builder
		o.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Seal = []byte("the state directory's")
		set := setOf(service("a", 1))
		for i, echo := range []bool{false, true, true, false} {
			shared := everything(t, fmt.Sprintf("planted%d", i))
			if echo {
				k.Hook(func(req *http.Request) fakekong.Fault {
					if !fakekong.Writing(req) {
						return fakekong.Fault{}
					}
					all := fmt.Sprintf(`planted%[1]d-key planted%[1]d-password planted%[1]d-redis planted%[1]d-host planted%[1]d-jwk`, i)
					return fakekong.Fault{Status: 400 + 100*(i%2), Body: fmt.Sprintf(`{"code":2,"message":"bad %[1]s","fields":{"x":"%[1]s","%[1]s":["y"]}}`, all)}
				})
			}
			r := open(t, o)
			observed, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
			fmt.Fprintln(&out, err)
			desired, problems := r.Compile(reconcilers.Scope{}, set, shared)
			p := plan.Diff(observed, desired)
			fmt.Fprintln(&out, sentences(p), problems)
			outcomes, err := r.Apply(t.Context(), p)
			fmt.Fprintln(&out, err)
			for _, outcome := range outcomes {
				fmt.Fprintln(&out, outcome.Change.Key, outcome.Change.Object().Fields, outcome.Change.Object().Noun, outcome.Problem)
			}
			k.Hook(nil)
		}
		for word := range strings.FieldsSeq(out.String()) {
			if strings.Contains(word, "planted") {
				t.Errorf("shown: %s", word)
			}
		}
		if !strings.Contains(out.String(), "config.redis.password (secret ") || !strings.Contains(k.World(), "planted3-key") {
			t.Errorf("no digests are there, or the secret did not get to Kong:\n%s", out.String())
		}
		if strings.Contains(out.String(), "PRIVATE KEY") {
			t.Error("a private key is shown")
		}
	})
}

// TestDeclaredAddress: of an address that is a secret as a whole, no part is shown,
// whether it is made or changed.
func TestDeclaredAddress(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		at := func(url string) v1.Shared {
			return v1.Shared{Entities: []v1.Entity{anEntity(v1.KindService, "legacy", body{"name": "legacy", "url": v1.NewSecret(url)})}}
		}
		declare(t, open(t, o), v1.Set{}, at("http://planted-one:8443/planted-one"))
		if !strings.Contains(k.World(), `host: "planted-one"`) {
			t.Fatalf("it was not made:\n%s", k.World())
		}
		r := open(t, o)
		p, problems := declare(t, r, v1.Set{}, at("http://planted-two:8443/planted-two"))
		files, _, err := r.Render(v1.Set{}, at("http://planted-two:8443/planted-two"))
		said := fmt.Sprint(sentences(p), p.Changes[0].Differences(), problems, string(deckOf(files)))
		if err != nil || strings.Contains(said, "planted") || !strings.Contains(said, "host (secret ") {
			t.Errorf("what is said of it, %v:\n%s", err, said)
		}
		if p, problems := declare(t, r, v1.Set{}, at("http://planted-two:8443/planted-two")); !p.Empty() || len(problems) > 0 {
			t.Errorf("it is not quiet then: %s, %v", sentences(p), problems)
		}
	})
}

// TestNamesWithoutASeal: what would be called by a digest of its secret is called by its
// place where the seal is of one run alone, so that the next run says the same in the same
// order; the same twice is still found.
func TestNamesWithoutASeal(t *testing.T) {
	k := start(t, fakekong.Options{})
	bob := on("consumer", v1.KindConsumer, "bob")
	key := func(line int, value string) v1.Entity {
		e := anEntity(v1.KindKeyAuth, "bob/", body{"key": v1.NewSecret(value)}, bob)
		e.Origin.Line = line
		return e
	}
	shared := v1.Shared{Entities: []v1.Entity{
		anEntity(v1.KindConsumer, "bob", body{"username": "bob"}), key(3, "planted-1"), key(4, "planted-2"), key(5, "planted-1"),
	}}
	var said []string
	for _, run := range []string{"one", "another"} {
		o := options(k.AdminURL)
		o.Seal, o.Unkept = []byte(run), true
		r := open(t, o)
		observed, err := r.Observe(t.Context(), reconcilers.Scope{})
		if err != nil {
			t.Fatal(err)
		}
		wanted, problems := r.Compile(reconcilers.Scope{}, v1.Set{}, shared)
		if len(problems) != 1 || problems[0].Reason != v1.Conflict || problems[0].Origin.Line != 5 {
			t.Errorf("of the same key twice: %v", problems)
		}
		said = append(said, sentences(plan.Diff(observed, wanted)))
	}
	if said[0] != said[1] || !strings.Contains(said[0], "bob/kong.yaml:3:1") || !strings.Contains(said[0], "bob/kong.yaml:4:1") || strings.Contains(said[0], "planted") {
		t.Errorf("two runs say\n%s\n%s", said[0], said[1])
	}
}
