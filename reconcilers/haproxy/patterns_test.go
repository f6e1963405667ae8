package haproxy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// special puts a service into the set that is reached by one route.
func (b *bench) special(name string, route v1.Route, address string) {
	b.t.Helper()
	s := b.serve(name, endpoint(b.t, "e", address))
	route.Name, route.PreserveHost = name+".default", true
	s.Routes = []v1.Route{route}
}

// TestPatternsAtRuntime: routes with methods, headers and regular expressions
// come, change and go without a reload.
func TestPatternsAtRuntime(t *testing.T) {
	b := managed(t)
	addresses := map[string]string{}
	for i, name := range []string{"plain", "get", "new", "rx", "open"} {
		addresses[name] = echo(t, i)
		b.special(name, v1.Route{Hosts: []string{name + ".other"}}, addresses[name])
	}
	b.sync()
	worker := b.r.live
	b.special("plain", v1.Route{Hosts: []string{"a.test"}, Paths: []string{"/"}}, addresses["plain"])
	b.special("get", v1.Route{Hosts: []string{"a.test"}, Paths: []string{"/m"}, Methods: []string{"GET", "HEAD"}}, addresses["get"])
	b.special("new", v1.Route{Hosts: []string{"a.test"}, Paths: []string{"/h"}, Headers: map[string][]string{"X-New": {"One", "a|b)c"}}}, addresses["new"])
	b.special("rx", v1.Route{Hosts: []string{"a.test"}, Paths: []string{`~/v\d+/`}, StripPath: true}, addresses["rx"])
	b.special("open", v1.Route{Hosts: []string{"*.w.test"}, Methods: []string{"PUT"}}, addresses["open"])
	b.sync()
	type ask struct{ method, path, host, header string }
	check := func(answers map[ask]string) {
		t.Helper()
		for a, want := range answers {
			headers := map[string]string{"Host": a.host}
			if name, value, ok := strings.Cut(a.header, ": "); ok {
				headers[name] = value
			}
			if got := b.raw(a.method, a.path, headers); got != want {
				t.Errorf("%+v: %s, want %s", a, got, want)
			}
		}
	}
	long := "/v1/" + strings.Repeat("a", 300)
	answers := map[ask]string{
		{"GET", "/m", "a.test", ""}:                                        "200 1 /m a.test",
		{"POST", "/m", "a.test", ""}:                                       "200 0 /m a.test",
		{"GET|x", "/m", "a.test", ""}:                                      "200 0 /m a.test",
		{"GET", "/h", "a.test", ""}:                                        "200 0 /h a.test",
		{"GET", "/h", "a.test", "X-New: oNE"}:                              "200 2 /h a.test",
		{"GET", "/h", "a.test", "X-NEW: A|B)C"}:                            "200 2 /h a.test",
		{"GET", "/h", "a.test", "X-New: two\r\nx-new: one"}:                "200 2 /h a.test",
		{"GET", "/h", "a.test", "X-Other: x-new: one"}:                     "200 0 /h a.test",
		{"GET", "/h", "a.test", "X-New: one more"}:                         "200 0 /h a.test",
		{"GET", "/v12/users?a=/v3/", "a.test:80", ""}:                      "200 3 /users?a=/v3/ a.test:80",
		{"GET", "/v12/", "a.test", ""}:                                     "200 3 / a.test",
		{"GET", "//v1/../v%31%32/x", "a.test", ""}:                         "200 3 /x a.test",
		{"GET", "/xv1/", "a.test", "X-Path: /v1/"}:                         "200 0 /xv1/ a.test",
		{"GET", long, "a.test", ""}:                                        "200 3 " + long[3:] + " a.test",
		{"GET", "/" + strings.Repeat("a", 2048), "a.test", ""}:             "414",
		{"PUT", "/m", "x.y.w.test", ""}:                                    "200 4 /m x.y.w.test",
		{"GET", "/m", "x.y.w.test", ""}:                                    "404",
		{"GET", "/m", strings.Repeat("a", 256) + ".w.test", ""}:            "400",
		{"PUT", "/x", "a.testing", "X-New: one"}:                           "404",
		{"PUT", "/", "w.test", ""}:                                         "404",
		{"GET", "/" + strings.Repeat("a", 3000), "o.test", ""}:             "414",
		{"PUT", "/h", "b.w.test", strings.Repeat("X: 1\r\n", 89) + "X: 1"}: "200 4 /h b.w.test",
	}
	check(answers)
	// Many headers, and long ones, leave what is decided as it is.
	check(map[ask]string{{"GET", "/h", "a.test", "X-Long: " + strings.Repeat("x", 14000) + "\r\nX-New: one"}: "200 2 /h a.test"})

	// Edited by hand, in the process and in the file.
	for _, command := range []string{"clear map ", "del map ", "add map "} {
		command += b.r.dir.File(disk.Patterns)
		switch {
		case strings.HasPrefix(command, "del"):
			command += " " + strings.ReplaceAll(strings.Fields(b.r.patterns[0])[0], `\`, `\\`)
		case strings.HasPrefix(command, "add"):
			command += " ^= lockstep:plain|0|0|1"
		}
		s, err := socket.Dial(t.Context(), b.r.o.StatsSocket, b.r.o.Timeout)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Ask(command)
		s.Close()
		if err != nil {
			t.Fatal(err)
		}
		if b.plan(reconcilers.Scope{Fresh: true}).Empty() {
			t.Fatalf("%s: not noticed", command)
		}
		b.sync()
		if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
			t.Fatalf("%s: not repaired: %s", command, sentences(p))
		}
	}
	check(answers)

	// A daemon that starts again reads the same from the files.
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("after a restart of the daemon: %s", sentences(p))
	}
	b.special("get", v1.Route{Hosts: []string{"a.test"}, Paths: []string{"/m"}, Methods: []string{"POST"}}, addresses["get"])
	b.special("new", v1.Route{Hosts: []string{"a.test"}, Paths: []string{"/h"}}, addresses["new"])
	delete(b.set, "rx")
	b.sync()
	check(map[ask]string{
		{"GET", "/m", "a.test", ""}:   "200 0 /m a.test",
		{"POST", "/m", "a.test", ""}:  "200 1 /m a.test",
		{"GET", "/h", "a.test", ""}:   "200 2 /h a.test",
		{"GET", "/v1/", "a.test", ""}: "200 0 /v1/ a.test",
	})
	if b.r.live != worker {
		t.Errorf("worker %v was replaced by %v", worker, b.r.live)
	}
}

// TestPatternsMoveWithoutAGap: a route that gets or loses its methods is served
// all the time.
func TestPatternsMoveWithoutAGap(t *testing.T) {
	b := managed(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "one") }))
	t.Cleanup(s.Close)
	address := s.Listener.Addr().String()
	with, without := v1.Route{Hosts: []string{"shop.test"}, Methods: []string{"GET"}}, v1.Route{Hosts: []string{"shop.test"}}
	b.special("shop", with, address)
	b.special("other", with, address)
	b.set["other"].Routes[0].Hosts = []string{"other.test"}
	b.sync()
	l := b.load(4, http.MethodGet, "shop.test")
	for i := range 60 {
		b.special("shop", []v1.Route{without, with}[i%2], address)
		b.sync("shop")
	}
	l.report(t)
}
