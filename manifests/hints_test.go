package manifests

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHints: a name that no file declares is said only where one of nearly the same name is
// declared, whoever refers to it, and is never an error: labels may make it.
func TestHints(t *testing.T) {
	t.Parallel()
	const words = "---\napiVersion: lockstep.dev/v1\nkind: KongEntities\nmetadata: {name: words}\nspec:\n" +
		"  routes: [{name: r, hosts: [a.test], service: shop.wbe}, {name: s, hosts: [b.test], service: elsewhere.api}, {name: u, hosts: [c.test], service: shop.web}]\n" +
		"  plugins: [{name: cors, route: shop.web.pubic}]\n"
	report := Validate(map[string][]byte{
		"shop.yaml":    []byte(service("shop.web", "/") + route("public", "shop.web", "/public")),
		"words.yaml":   []byte(words),
		"plugins.yaml": []byte(plugin("key-auth", "service: shop.weeb") + plugin("acl", "route: shop.web.publc") + plugin("jwt", "service: somebody.else")),
	}, nil)
	if len(report.Problems) > 0 {
		t.Errorf("problems: %v", report.Problems)
	}
	var got []string
	for _, hint := range report.Hints {
		got = append(got, fmt.Sprintf("%s %s: %s", hint.Origin, hint.Object, hint.Fix))
	}
	want := []string{
		"plugins.yaml:4:18 service/shop.weeb: did you mean shop.web?",
		"plugins.yaml:9:18 route/shop.web.publc: did you mean shop.web.public?",
		"words.yaml:6:48 service/shop.wbe: did you mean shop.web?",
		"words.yaml:7:33 route/shop.web.pubic: did you mean shop.web.public?",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-want +got):\n%s", diff)
	}
	if report := Validate(map[string][]byte{"words.yaml": []byte(words)}, nil); len(report.Hints) > 0 {
		t.Errorf("where nothing like it is declared: %v", report.Hints)
	}
}
