package secret

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestDigest: equal secrets are alike in one entity and under one key, and nowhere else.
func TestDigest(t *testing.T) {
	seal := Seal("key")
	one := seal.Digest("id", "word")
	if one != seal.Digest("id", "word") || len(one) != 16 {
		t.Errorf("%q and %q", one, seal.Digest("id", "word"))
	}
	for name, other := range map[string]string{
		"secret": seal.Digest("id", "another"), "entity": seal.Digest("other", "word"), "key": Seal("none").Digest("id", "word"),
		"cut between the two": seal.Digest("idw", "ord"),
	} {
		if other == one {
			t.Errorf("another %s makes no difference", name)
		}
	}
	if shown := (Veil{Seal: seal, ID: "id"}).Digest("word"); shown != "(secret "+one+")" {
		t.Error(shown)
	}
}

func TestCovers(t *testing.T) {
	v := Veil{Hidden: []string{"config.redis.password", "key"}}
	for path, want := range map[string]bool{
		"key": true, "keys": false, "config.redis.password": true, "config.redis": true, "config": true, "config.redis.host": false, "key.part": true,
	} {
		if got := v.Covers(path); got != want {
			t.Errorf("%s: %t, want %t", path, got, want)
		}
	}
}

// TestReveal: a secret is found wherever it stands, and nothing of it is left where Kong
// repeats it as JSON.
func TestReveal(t *testing.T) {
	const key, jwk = "-----BEGIN\n\"KEY\"-----", `{"k": "v"}`
	plain, hidden, secrets := Reveal(map[string]any{
		"name": "a", "key": v1.NewSecret(key), "list": []any{"b", map[string]any{"jwk": v1.NewSecret(jwk)}, map[string]any{"jwk": v1.NewSecret(jwk)}},
	})
	want := map[string]any{"name": "a", "key": key, "list": []any{"b", map[string]any{"jwk": jwk}, map[string]any{"jwk": jwk}}}
	if diff := cmp.Diff(want, plain); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"key", "list.jwk"}, hidden); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Contains(secrets, key) || !slices.Contains(secrets, jwk) {
		t.Errorf("secrets are %q", secrets)
	}
	inner, err := json.Marshal(map[string]any{"jwk": jwk})
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"wrong: " + key, "wrong: " + jwk, "wrong: " + v1.OneLine(key), string(inner)} {
		if left := Without(secrets, said); !strings.Contains(left, "(secret)") || strings.Contains(left, "KEY") || strings.Contains(left, `"v`) {
			t.Errorf("%q is left of %q", left, said)
		}
	}
}
