package compile

import (
	"regexp"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/haproxy/pcre"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// compiled returns what becomes of the one route of a service, and what is wrong with that.
func compiled(in Input, s v1.Service) (*routemap.Route, []v1.Problem) {
	s.Name = "a"
	state := plan.State{}
	problems := in.Services(state, v1.Set{s.Name: &s})
	made, there := state[v1.Key{Kind: object.KindRoute, Name: s.Routes[0].Name}]
	if !there {
		return nil, problems
	}
	r, _ := made.Native.(*routemap.Route)
	return r, problems
}

// FuzzPatterns: whatever a route asks for, what is written for it is one word
// with a value, means the same to Go's matcher where it can be asked, and never
// matches beyond its own part of the subject.
func FuzzPatterns(f *testing.F) {
	for _, evil := range []string{
		"x\n  server evil 127.0.0.9:9", "x;shutdown frontend lockstep::http", "x y", "x\ty", "x\r", "x\x00y", `x"y`, "x'y", `x\y`, "x#y", "x`y",
		"x\u00a0y", "x\u2028y", "é", "${HOME}", "%[env(HOME)]", "x|lockstep::hold|0|0", "<<", "@1 quit", "", strings.Repeat("a", 5000),
	} {
		f.Add("/"+evil, "GET", "x-v", evil)
	}
	f.Add(`/v\d+/(a|b)?[^/]+$`, "GET", "x-v", "a|b)(?:")
	f.Add(`/[^a]*\x{41}(?i:k)\bz{2,3}?`, "", "", "")
	f.Fuzz(func(t *testing.T, expr, method, name, value string) {
		d := v1.Route{Name: "a.b", Hosts: []string{"a.test"}, Paths: []string{"~" + expr}}
		if method != "" {
			d.Methods = []string{method}
		}
		if name != "" {
			d.Headers = map[string][]string{name: {value}}
		}
		d.StripPath = true
		r, problems := compiled(Input{Owner: "lockstep", NamesHost: true}, v1.Service{Routes: []v1.Route{d}})
		if len(problems) > 0 {
			return
		}
		table := routemap.New("lockstep", config.New("lockstep"))
		table.Add(r)
		for _, line := range table.Patterns() {
			if line == routemap.PatternEnd {
				continue
			}
			if words := strings.Fields(line); len(words) != 2 || strings.ContainsAny(line, "\t\r\n\x00\"'#`") {
				t.Fatalf("%q became %q", expr, line)
			}
		}
		ours, err := pcre.From(expr)
		if err != nil {
			t.Fatal(err)
		}
		theirs := regexp.MustCompile("^(?:" + expr + ")")
		for _, path := range []string{"/", "/v1/", "/v12/aa", "/K", "/Azz", expr} {
			if strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c > '~' }) {
				continue
			}
			if got, want := regexp.MustCompile("^(?:"+ours+")").FindString(path), theirs.FindString(path); got != want {
				t.Fatalf("%s takes %q of %s, %s takes %q", expr, want, path, ours, got)
			}
		}
	})
}
