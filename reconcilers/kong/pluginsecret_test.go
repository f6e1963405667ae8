package kong

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// TestPluginSecretsAreNotShown plants secrets and greps what comes out.
func TestPluginSecretsAreNotShown(t *testing.T) {
	const secret = "planted-s3cret"
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			var out strings.Builder
			k := start(t, fakekong.Options{Mode: mode})
			o := options(k.AdminURL)
			o.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			r := open(t, o)
			tell := func(value string, wrong bool) {
				s := protected("a", nil, []v1.Plugin{plugin("rate-limiting", "minute=1", "redis.password="+value, "redis.username="+value)})
				if wrong { // Kong repeats what it refuses, or may
					var pushed atomic.Bool
					k.Hook(func(req *http.Request) fakekong.Fault {
						if fakekong.Writing(req) && !pushed.Swap(req.URL.Path == "/config") && (strings.HasPrefix(req.URL.Path, "/plugins") || req.URL.Path == "/config") {
							return fakekong.Fault{Status: 400, Body: `{"code":2,"message":"bad ` + value + `","fields":{"config":{"redis":{"password":"what is ` + value + `"}}},
								"flattened_errors":[{"entity_type":"plugin","entity_id":"` + r.names.ID(v1.KindPlugin, entity.PluginKey(v1.KindRoute, "a.default", "rate-limiting")) + `","errors":[{"field":"config.redis.password","message":"what is ` + value + `"}]}]}`}
						}
						return fakekong.Fault{}
					})
					defer k.Hook(nil)
				}
				p, outcomes, err := round(t.Context(), r, setOf(s))
				fmt.Fprintln(&out, err)
				for _, change := range p.Changes {
					fmt.Fprintln(&out, change.Sentence(), change.After.Fields)
				}
				for _, outcome := range outcomes {
					if outcome.Problem != nil {
						fmt.Fprintln(&out, outcome.Problem.Error())
					}
				}
				shown, err := json.Marshal(s.Routes[0].Shown())
				fmt.Fprintln(&out, string(shown), err)
			}
			tell(secret+"1", true)
			tell(secret+"2", false)
			tell(secret+"3", false)
			if strings.Contains(out.String(), secret) {
				t.Errorf("a secret is shown:\n%s", out.String())
			}
			if !strings.Contains(out.String(), "config.redis.password (secret ") || !strings.Contains(out.String(), "what is (secret)") {
				t.Errorf("neither digests nor Kong's words are there:\n%s", out.String())
			}
			if !strings.Contains(k.World(), secret+"3") {
				t.Error("the secret did not get to Kong")
			}
		})
	}
}

// TestPluginSecretsThatNoSchemaMarks: what a manifest refers to is hidden whatever
// Kong's schema says, and is quiet then, also for a daemon that starts anew.
func TestPluginSecretsThatNoSchemaMarks(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		for i := range 3 {
			secret := fmt.Sprintf("planted-%d", i)
			p := plugin("rate-limiting", "minute=1", "redis.host="+secret)
			for j := range p.Settings {
				p.Settings[j].Secret = p.Settings[j].Path == "redis.host"
			}
			list := plugin("cors", `headers=["x-plain","`+secret+`-in-a-list"]`)
			list.Settings[0].Secret = true
			set := setOf(protected("a", nil, []v1.Plugin{p, list}))
			made := settled(t, open(t, o), set)
			for _, change := range made.Changes {
				if text := change.Sentence() + fmt.Sprint(change.Object().Fields); strings.Contains(text, "planted") {
					t.Errorf("shown: %s", text)
				}
			}
			if world := k.World(); !strings.Contains(world, secret+`"`) || !strings.Contains(world, `"`+secret+`-in-a-list"`) {
				t.Errorf("%s did not get to Kong:\n%s", secret, world)
			}
			if again := settled(t, open(t, o), set); !again.Empty() {
				t.Errorf("again: %s", sentences(again))
			}
		}
	})
}
