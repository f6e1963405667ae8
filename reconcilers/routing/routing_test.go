package routing_test

import (
	"net/http"
	"testing"

	"github.com/lockstep/lockstep/reconcilers/routing"
)

func TestNormalize(t *testing.T) {
	for in, want := range map[string]string{
		"/": "/", "/a//b": "/a/b", "/a/./b": "/a/b", "/a/../b": "/b", "/..": "/", "/a/..": "/", "/a/.": "/a/", "/a/": "/a/",
		"/%61": "/a", "/a%2fb": "/a%2Fb", "/a%20b": "/a b", "/%zz": "/%zz", "/%2e%2e/a": "/a",
	} {
		if got := routing.Normalize(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
		if again := routing.Normalize(want); again != want {
			t.Errorf("%q isn't stable: %q", want, again)
		}
	}
}

// TestRanks holds, without the recording, the order that doc.go tells. In each case all
// routes match the request; the first has to win.
func TestRanks(t *testing.T) {
	header := map[string][]string{"x-v": {"1"}}
	for name, routes := range map[string][]routing.Route{
		"four categories before all": {
			{Hosts: []string{"*.test"}, Methods: []string{"GET"}, Headers: header, Paths: []string{"/"}},
			{Hosts: []string{"a.test"}, Headers: header, Paths: []string{"~/a/.*"}}},
		"plain hosts before more categories": {
			{Hosts: []string{"a.test"}},
			{Hosts: []string{"*.test"}, Methods: []string{"GET"}, Paths: []string{"~/a/b"}}},
		"a regular expression before more categories": {
			{Paths: []string{"~/a"}},
			{Hosts: []string{"*.test"}, Methods: []string{"GET"}, Paths: []string{"/a/b"}}},
		"more categories before longer paths": {
			{Methods: []string{"GET"}, Paths: []string{"/"}},
			{Paths: []string{"/a/b"}}},
		"more headers before longer paths": {
			{Headers: map[string][]string{"x-v": {"1"}, "x-w": {"~*^W"}}, Paths: []string{"/"}},
			{Headers: header, Paths: []string{"/a/b"}}},
		"regex_priority": {
			{Paths: []string{"~/a"}, RegexPriority: 1},
			{Paths: []string{"~/a/b$"}}},
		"the longest prefix, of each route": {
			{Paths: []string{"/", "/a/b"}},
			{Paths: []string{"/a/"}}},
		"the greater id": {
			{ID: "2", Paths: []string{"/a"}},
			{ID: "1", Paths: []string{"/a"}}},
	} {
		routes[0].Name = "first"
		for _, order := range [][]routing.Route{routes, {routes[1], routes[0]}} {
			table, err := routing.New(order)
			if err != nil {
				t.Fatal(err)
			}
			d := table.Decide(routing.Request{
				Method: "GET", Host: "a.test", Target: "/a/b", Header: http.Header{"X-V": {"1"}, "X-W": {"w"}},
			})
			if d.Route == nil || d.Route.Name != "first" {
				t.Errorf("%s: %+v", name, d)
			}
		}
	}
}

func TestUpstreamPaths(t *testing.T) {
	for _, c := range []struct {
		path, service, target, want string
		strip                       bool
	}{
		{"/api", "", "/api?q=1", "/?q=1", true},
		{"/api", "", "/apix", "/x", true},
		{"/api", "/base", "/api", "/base", true},
		{"/api", "/base/", "/api/", "/base/", true},
		{"/api", "/base", "/api/x", "/base/api/x", false},
		{"/", "/base", "/", "/base", false},
		{`~/v\d+/`, "", "/v12/x", "/x", true},
		{"/", "", "/%C3%A9%20", "/%C3%A9%20", false},
	} {
		table, err := routing.New([]routing.Route{{Paths: []string{c.path}, ServicePath: c.service, StripPath: c.strip}})
		if err != nil {
			t.Fatal(err)
		}
		if got := table.Decide(routing.Request{Method: "GET", Host: "h", Target: c.target}).Target; got != c.want {
			t.Errorf("%s on %s before %q (strip: %v): %q, want %q", c.target, c.path, c.service, c.strip, got, c.want)
		}
	}
}

func TestSecureOnly(t *testing.T) {
	table, err := routing.New([]routing.Route{{Paths: []string{"/"}, Protocols: []string{"https"}, SNIs: []string{"a.test"}}})
	if err != nil {
		t.Fatal(err)
	}
	r := routing.Request{Method: "GET", Host: "h", Target: "/"}
	if d := table.Decide(r); d.Status != http.StatusUpgradeRequired {
		t.Errorf("a plain request: %+v", d)
	}
	r.Scheme, r.SNI = "https", "b.test"
	if d := table.Decide(r); d.Status != http.StatusNotFound {
		t.Errorf("another name: %+v", d)
	}
	r.SNI = "a.test"
	if d := table.Decide(r); d.Status != 0 {
		t.Errorf("the right name: %+v", d)
	}
	if _, err := routing.New([]routing.Route{{Paths: []string{"~/("}}}); err == nil {
		t.Error("takes half an expression")
	}
}
