package manifests

import (
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

const routeToWeb = "apiVersion: lockstep.dev/v1\nkind: Route\nmetadata:\n  name: shop\nspec:\n  service: web\n  paths: /shop\n"

// TestMeantByAWrongFile: what a file would declare that is wrong is not called missing, and it is
// said where it is declared, however the files came.
func TestMeantByAWrongFile(t *testing.T) {
	web := func(key string) string {
		return "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  " + key + ": shop.example.com\n"
	}
	const want = `the service "web" is declared in b.yaml, which is wrong`
	ofRoute := func(problems []v1.Problem) string {
		var said []string
		for _, p := range problems {
			if p.Origin.File == "a.yaml" {
				said = append(said, p.Message)
			}
		}
		return strings.Join(said, "|")
	}
	t.Run("validated", func(t *testing.T) {
		report := Validate(map[string][]byte{"a.yaml": []byte(routeToWeb), "b.yaml": []byte(web("hots"))}, nil)
		if said := ofRoute(report.Problems); said != want || len(report.Problems) != 2 {
			t.Errorf("of the route it says %q, in all %v", said, report.Problems)
		}
	})
	s := newShelf(nil, nil)
	put := func(path, text string) {
		r := reading{path: path}
		r.say(s.files[path], []byte(text))
		s.put(&r)
	}
	for _, step := range []struct{ name, path, text, want string }{
		{"the route alone", "a.yaml", routeToWeb, `no manifest declares the service "web"`},
		{"its service comes, and is wrong", "b.yaml", web("hots"), want},
		{"the service gets another name", "b.yaml", strings.Replace(web("hots"), "web", "api", 1), `no manifest declares the service "web"`},
		{"and its own again", "b.yaml", web("hots"), want},
		{"the service is right", "b.yaml", web("hosts"), ""},
		{"and wrong again, where its last good version stays", "b.yaml", web("hots"), ""},
	} {
		put(step.path, step.text)
		if said := ofRoute(s.link().problems); said != step.want {
			t.Errorf("%s: of the route it says %q, want %q", step.name, said, step.want)
		}
	}
}

// TestMeantInKongsWords: what Kong's own words refer to is not called missing either.
func TestMeantInKongsWords(t *testing.T) {
	report := Validate(map[string][]byte{
		"a.yaml": []byte("apiVersion: lockstep.dev/v1\nkind: KongEntities\nmetadata: {name: a}\nspec:\n  plugins:\n  - {name: rate-limiting, consumer: bob}\n  - {name: cors, service: shop}\n"),
		"b.yaml": []byte("apiVersion: lockstep.dev/v1\nkind: Consumer\nmetadata: {name: bob}\nspec: {custm_id: b}\n---\napiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: shop}\nspec: {hots: a}\n"),
		"c.yaml": []byte("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: shops}\n"),
	}, nil)
	if len(report.Problems) != 2 || len(report.Hints) != 0 {
		t.Errorf("it says %v, and perhaps %v", report.Problems, report.Hints)
	}
	for _, p := range report.Problems {
		if p.Origin.File != "b.yaml" {
			t.Errorf("it says %v", p)
		}
	}
}
