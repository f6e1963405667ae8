package secret

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Without takes secrets, none of which is empty, out of Kong's words. One that holds
// another must stand before it.
func Without(secrets []string, text string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "(secret)")
	}
	return text
}

// Reveal returns a body as plain values, the paths at which secrets stand in it, sorted,
// and these in all spellings.
func Reveal(body map[string]any) (plain map[string]any, hidden, secrets []string) {
	var walk func(path string, value any) any
	walk = func(path string, value any) any {
		switch v := value.(type) {
		case v1.Secret:
			hidden, secrets = append(hidden, path), append(secrets, Spellings(v.Reveal())...)
			return v.Reveal()
		case map[string]any:
			out := make(map[string]any, len(v))
			for _, name := range slices.Sorted(maps.Keys(v)) {
				out[name] = walk(strings.TrimPrefix(path+"."+name, "."), v[name])
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i := range v {
				out[i] = walk(path, v[i])
			}
			return out
		}
		return value
	}
	plain, _ = walk("", body).(map[string]any)
	slices.Sort(hidden)
	return plain, slices.Compact(hidden), secrets
}

// Spellings are those in which Kong may repeat a value, the value itself first.
func Spellings(secret string) []string {
	out := []string{secret}
	for _, other := range []string{strings.ReplaceAll(secret, `"`, `\"`), strings.ReplaceAll(secret, "\n", `\n`), v1.OneLine(secret)} {
		if other != secret {
			out = append(out, other)
		}
	}
	return out
}
