package routing

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestBecause(t *testing.T) {
	request := Request{Method: "GET", Host: "shop.test", Target: "/api/items", Header: map[string][]string{"X-A": {"1"}, "X-B": {"2"}}}
	headers := func(names ...string) map[string][]string {
		out := map[string][]string{}
		for i, name := range names {
			out[name] = []string{fmt.Sprint(i + 1)}
		}
		return out
	}
	for want, c := range map[string]struct{ first, second Route }{
		"it names its hosts without wildcards":                        {Route{Hosts: []string{"shop.test"}}, Route{Hosts: []string{"*.test"}, Paths: []string{"/api"}}},
		"its path is a regular expression":                            {Route{Paths: []string{"~/a"}}, Route{Paths: []string{"/api"}}},
		"it matches by hosts and paths, the other one by hosts alone": {Route{Hosts: []string{"shop.test"}, Paths: []string{"/"}}, Route{Hosts: []string{"shop.test"}}},
		"it matches by paths, the other one takes everything":         {Route{Paths: []string{"/"}}, Route{}},
		"it asks for more headers, 2 and not 1":                       {Route{Headers: headers("X-A", "X-B")}, Route{Headers: headers("X-A")}},
		"its path is longer":                                          {Route{Paths: []string{"/", "/api"}}, Route{Paths: []string{"/a"}}},
		"its regex_priority is higher":                                {Route{Paths: []string{"~/a"}, RegexPriority: 1}, Route{Paths: []string{"~/api"}}},
		"nothing else tells them apart, and its id is greater":        {Route{ID: "b", Paths: []string{"/api"}}, Route{ID: "a", Paths: []string{"/api"}}},
		"it matches by methods, hosts, headers and paths, the other one by hosts and paths alone": {
			Route{Methods: []string{"GET"}, Hosts: []string{"*.test"}, Headers: headers("X-A"), Paths: []string{"/"}}, Route{Hosts: []string{"shop.test"}, Paths: []string{"~/api"}}},
	} {
		got, err := Because(&c.first, &c.second, request)
		if err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
		if got, err := Because(&c.second, &c.first, request); got != "" || err != nil {
			t.Errorf("%q: the other way round it says %q, %v", want, got, err)
		}
	}
	if got, err := Because(&Route{Hosts: []string{"other.test"}}, &Route{}, request); got != "" || err != nil {
		t.Errorf("of one that does not match it says %q, %v", got, err)
	}
	if _, err := Because(&Route{Name: "bad", Paths: []string{"~("}}, &Route{}, request); err == nil || !strings.Contains(err.Error(), "bad") {
		t.Errorf("a path that is no regular expression: %v", err)
	}
}

// TestBecauseSaysWhatDecides: whatever two routes look like, exactly the one that wins has
// a reason, and it is one that tells the two apart.
func TestBecauseSaysWhatDecides(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(lists ...[]string) []string { return lists[r.IntN(len(lists))] }
	request := Request{Method: "GET", Host: "shop.test", Target: "/api/items", Header: map[string][]string{"X-A": {"1"}, "X-B": {"1"}}}
	random := func(id string) Route {
		out := Route{
			ID: id, Name: id, Methods: pick(nil, []string{"GET"}), Hosts: pick(nil, []string{"shop.test"}, []string{"*.test"}, []string{"shop.test", "*.x"}),
			Paths: pick(nil, []string{"/"}, []string{"/api"}, []string{"~/a"}, []string{"/api", "~/api", "/"}), RegexPriority: r.IntN(2), Headers: map[string][]string{},
		}
		for _, name := range pick(nil, []string{"X-A"}, []string{"X-A", "X-B"}) {
			out.Headers[name] = []string{"1"}
		}
		return out
	}
	for range 2000 {
		a, b := random("a"), random("b")
		table, err := New([]Route{a, b})
		if err != nil {
			t.Fatal(err)
		}
		first, second := &a, &b
		if table.Decide(request).Route.Name == "b" {
			first, second = second, first
		}
		why, err := Because(first, second, request)
		not, err2 := Because(second, first, request)
		if why == "" || not != "" || err != nil || err2 != nil {
			t.Fatalf("%+v wins over %+v: %q, %q, %v, %v", first, second, why, not, err, err2)
		}
	}
}
