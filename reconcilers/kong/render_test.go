package kong

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// TestRenderDeck: what is rendered holds no secret, and becomes the same again when
// it is read as a decK file with the secrets as its variables.
func TestRenderDeck(t *testing.T) {
	k := start(t, fakekong.Options{})
	r := open(t, options(k.AdminURL))
	set := setOf(protected("web", []v1.Plugin{plugin("cors")}, []v1.Plugin{plugin("rate-limiting", "minute=5", "redis.password=planted-label")}))
	shared := everything(t, "planted")
	shared.Certificates = nil
	if _, problems := declare(t, r, set, shared); len(problems) == 0 {
		t.Log("all was made") // "a" is no service here, so the plugin on it is a problem
	}
	files, problems, err := r.Render(set, shared)
	text := deckOf(files)
	if err != nil || len(problems) != 1 {
		t.Fatal(err, problems)
	}
	if strings.Contains(string(text), "planted") || strings.Contains(string(text), "PRIVATE KEY") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	world := k.World("tags")
	values := map[string]string{
		"KEY": "planted-key", "JWK": "planted-jwk", "HMAC": "planted-hmac", "PASSWORD": "planted-password", "ISS_SECRET": "planted-jwt", "CLIENT_SECRET": "planted-client",
		"ALICE_SECRET": "planted-hmac", "LIMITING_CONFIG_REDIS_PASSWORD": "planted-redis", "ROUTE_WEB_DEFAULT_RATE_LIMITING_CONFIG_REDIS_PASSWORD": "planted-label",
	}
	for _, name := range regexp.MustCompile(`DECK_[A-Z0-9_]+`).FindAllString(string(text), -1) {
		best := ""
		for suffix := range values {
			if strings.HasSuffix(name, suffix) && len(suffix) > len(best) {
				best = suffix
			}
		}
		value := values[best]
		if part, cert := strings.CutPrefix(name, "DECK_CERT_"); cert {
			_, _, secrets := secret.Reveal(shared.Entities[4].Body)
			value, _ = shared.Entities[4].Body[strings.ToLower(part)].(string)
			if part == "KEY" {
				value = secrets[0]
			}
		}
		t.Setenv(name, value)
	}
	if os.Getenv("DECK_SET_ONE_JWK") == "" {
		t.Fatalf("no variables:\n%s", text)
	}
	finish(t, k)
	again := start(t, fakekong.Options{})
	second := open(t, options(again.AdminURL))
	read := read(t, string(text))
	read.Entities = withoutReserved(read.Entities)
	if p, problems := declare(t, second, v1.Set{}, read); len(problems) > 0 {
		t.Fatalf("%v\n%s\n%s", problems, sentences(p), text)
	}
	if diff := cmp.Diff(world, again.World("tags")); diff != "" {
		t.Errorf("(-rendered +read again):\n%s\n%s", diff, text)
	}
}

// TestRenderDeckValues: a secret that is a number is none to be shown either, and what
// labels say is no variable of decK's.
func TestRenderDeckValues(t *testing.T) {
	r := open(t, options(start(t, fakekong.Options{}).AdminURL))
	limits := plugin("rate-limiting", "minute=4711", "header_name=x-${{ env \"DECK_TOKEN\" }}")
	for i := range limits.Settings {
		limits.Settings[i].Secret = limits.Settings[i].Path == "minute"
	}
	set := setOf(protected("web", nil, []v1.Plugin{limits}))
	settled(t, r, set)
	files, problems, err := r.Render(set, v1.Shared{})
	text := deckOf(files)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if strings.Contains(string(text), "4711") || !strings.Contains(string(text), "DECK_ROUTE_WEB_DEFAULT_RATE_LIMITING_CONFIG_MINUTE") {
		t.Errorf("a secret number is not a variable:\n%s", text)
	}
	if !strings.Contains(string(text), `header_name: x-${{ "${{" }} env "DECK_TOKEN" }}`) {
		t.Errorf("a label names a variable:\n%s", text)
	}
}

// deckOf returns the one file that is rendered for Kong.
func deckOf(files []reconcilers.File) []byte {
	if len(files) != 1 || files[0].Name != deckName {
		return nil
	}
	return []byte(files[0].Text)
}

// withoutReserved leaves out what every Lockstep makes by itself.
func withoutReserved(entities []v1.Entity) []v1.Entity {
	var out []v1.Entity
	for _, e := range entities {
		if e.Name != "lockstep-unavailable" {
			out = append(out, e)
		}
	}
	return out
}
