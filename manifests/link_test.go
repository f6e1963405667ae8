package manifests

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// service writes a Service of some name with a path.
func service(name, path string) string {
	return fmt.Sprintf("---\napiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: %s}\nspec: {paths: [%s]}\n", name, path)
}

// route writes a Route of some name.
func route(name, service, path string) string {
	return fmt.Sprintf("---\napiVersion: lockstep.dev/v1\nkind: Route\nmetadata: {name: %s}\nspec: {service: %s, paths: [%s]}\n", name, service, path)
}

// plugin writes a Plugin of some name.
func plugin(name, spec string) string {
	return fmt.Sprintf("---\napiVersion: lockstep.dev/v1\nkind: Plugin\nmetadata: {name: %s}\nspec: {%s}\n", name, spec)
}

// candidate is a file in one or two versions, of which the first is new.
func candidate(t *testing.T, path string, settled bool, versions ...string) Candidate {
	t.Helper()
	c := Candidate{Path: path, Current: true, Settled: settled}
	for _, text := range versions {
		file, problems := Parse(path, []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		c.Versions = append(c.Versions, file)
	}
	return c
}

// paths says which paths each service has, and who is whole.
func paths(linked Linked) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(linked.World.Services)) {
		d := linked.World.Services[name]
		fmt.Fprintf(&b, "%s", name)
		if d.Addition {
			b.WriteString(" (added to)")
		}
		b.WriteString(":")
		for _, r := range d.Service.Routes {
			fmt.Fprintf(&b, " %s", r.Paths[0])
		}
		for _, p := range d.Service.Plugins {
			fmt.Fprintf(&b, " +%s", p.Name)
		}
		for _, route := range slices.Sorted(maps.Keys(d.OnRoutes)) {
			for _, p := range d.OnRoutes[route] {
				fmt.Fprintf(&b, " %s+%s", route, p.Name)
			}
		}
		b.WriteString("; ")
	}
	for _, problem := range linked.Problems {
		fmt.Fprintf(&b, "\n%s: %s", problem.Origin, problem.Message)
	}
	return b.String()
}

func TestLink(t *testing.T) {
	for _, c := range []struct {
		name       string
		candidates []Candidate
		want       string
	}{
		{
			name: "files of one world",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, service("web", "/a")),
				candidate(t, "b.yaml", false, route("admin", "web", "/b")+service("api", "/c")),
			},
			want: "api: /c; web: /b /a; ",
		},
		{
			name: "of two newcomers the first by name has it, and the other loses no more than that",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, service("web", "/a")),
				candidate(t, "b.yaml", false, service("web", "/b")+service("api", "/c")),
			},
			want: "api: /c; web: /a; \nb.yaml:4:18: there is a service \"web\" already, at a.yaml:4:18",
		},
		{
			name: "who was there before has it",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, service("web", "/a")),
				candidate(t, "b.yaml", true, service("web", "/b")),
			},
			want: "web: /b; \na.yaml:4:18: there is a service \"web\" already, at b.yaml:4:18",
		},
		{
			name: "a file that became wrong beside others keeps what it said",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, service("api", "/new")+service("more", "/m"), service("web", "/a")),
				candidate(t, "b.yaml", true, service("api", "/b")),
			},
			want: "api: /b; web: /a; \na.yaml:4:18: there is a service \"api\" already, at b.yaml:4:18",
		},
		{
			name: "a route to nothing",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, route("x", "wep", "/x")+service("api", "/c"), route("x", "web", "/old")),
				candidate(t, "b.yaml", true, service("web", "/b")),
			},
			want: "web: /b /old; \na.yaml:5:17: no manifest declares the service \"wep\"",
		},
		{
			name: "a route whose service went away, beside what stays",
			candidates: []Candidate{
				candidate(t, "a.yaml", true, route("x", "web", "/x")+service("api", "/c")),
			},
			want: "api: /c; \na.yaml:5:17: no manifest declares the service \"web\"",
		},
		{
			name: "a route that two ask for",
			candidates: []Candidate{
				candidate(t, "a.yaml", true, service("web", "/a")),
				candidate(t, "b.yaml", false, route("default", "web", "/b")),
			},
			want: "web: /a; \nb.yaml:4:18: there is a route \"web.default\" already, at a.yaml:5:8",
		},
		{
			name: "a plugin on what labels make counts from the first, and goes on when its Service went away",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, plugin("key-auth", "service: web")+plugin("cors", "route: web.default"), plugin("key-auth", "service: old")),
				candidate(t, "b.yaml", true, service("api", "/b")+plugin("limits", "route: api.other")),
			},
			want: "api: /b api.other+limits; web (added to): +key-auth web.default+cors; ",
		},
		{
			name: "a plugin twice on what labels make",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, plugin("a", "name: cors, service: web")),
				candidate(t, "b.yaml", true, plugin("b", "name: cors, service: web")),
			},
			want: "web (added to): +cors; \na.yaml:5:29: the service web has a plugin cors already, at b.yaml:4:18",
		},
		{
			name: "a file that became wrong by a plugin that there is keeps what it said",
			candidates: []Candidate{
				candidate(t, "a.yaml", false, service("web", "/new")+plugin("a", "name: cors, route: web.default"), service("web", "/old")),
				candidate(t, "b.yaml", true, plugin("b", "name: cors, route: web.default")),
			},
			want: "web: /old; \na.yaml:10:27: the route web.default has a plugin cors already, at b.yaml:4:18",
		},
		{
			name: "a plugin that the service has by itself",
			candidates: []Candidate{
				candidate(t, "a.yaml", true, plugin("a", "name: cors, service: web")),
				candidate(t, "b.yaml", false, object("Service", "web", "paths: [/], plugins: {cors: true}")),
			},
			want: "web: / +cors; \na.yaml:5:29: the service web has a plugin cors already, at b.yaml:5:30",
		},
		{
			name:       "nothing ever good",
			candidates: []Candidate{{Path: "a.yaml"}},
			want:       "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // order, not secrets
			for range 10 {
				if diff := cmp.Diff(c.want, paths(Link(c.candidates))); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
				random.Shuffle(len(c.candidates), func(i, j int) { c.candidates[i], c.candidates[j] = c.candidates[j], c.candidates[i] })
			}
		})
	}
}

// FuzzParse holds what is said of any text against what is promised.
func FuzzParse(f *testing.F) {
	for _, kind := range []string{"good", "bad"} {
		for _, path := range corpusOf(kind) {
			f.Add(mustRead(path))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, problems := Parse("x.yaml", text)
		if len(problems) > 0 && len(file.Objects) > 0 {
			t.Error("something of a file with problems counts")
		}
		for _, problem := range problems {
			check(t, problem)
			Excerpt(text, problem.Origin)
		}
		again, problems2 := Parse("x.yaml", text)
		if diff := cmp.Diff(problems, problems2); diff != "" || len(file.Objects) != len(again.Objects) {
			t.Errorf("the second answer differs:\n%s", diff)
		}
		linked := Link([]Candidate{{Path: "x.yaml", Versions: []File{file}, Current: true}})
		for _, problem := range linked.Problems {
			check(t, problem)
		}
		newRevealer().reveal(World{Services: linked.World.Services, Sections: linked.World.Sections}, all(linked.World))
	})
}

// all returns the names of all services.
func all(w World) map[string]bool {
	names := map[string]bool{}
	for name := range w.Services {
		names[name] = true
	}
	return names
}

// TestAdviceForTheFirst: for many routes without a service it is said of the first alone which one
// may be meant, whatever the order of the files, and of those that are left when these are right.
func TestAdviceForTheFirst(t *testing.T) {
	var text strings.Builder
	for i := range 2 * maxAdvised {
		fmt.Fprintf(&text, "apiVersion: lockstep.dev/v1\nkind: Route\nmetadata: {name: r}\nspec: {service: shop.web%d, paths: [/]}\n---\n", i)
	}
	routes, problems := Parse("routes.yaml", []byte(text.String()))
	services, more := Parse("services.yaml", []byte("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: shop.web}\n"))
	if len(problems)+len(more) > 0 {
		t.Fatal(problems, more)
	}
	linked := Link([]Candidate{{Path: "services.yaml", Versions: []File{services}, Current: true}, {Path: "routes.yaml", Versions: []File{routes}, Current: true}})
	if len(linked.Problems) != 2*maxAdvised {
		t.Fatalf("%d problems, want one for each route", len(linked.Problems))
	}
	for i, p := range linked.Problems {
		if advised := strings.HasPrefix(p.Fix, "did you mean shop.web?"); advised != (i < maxAdvised) {
			t.Errorf("problem %d: %s", i, p)
		}
	}
}
