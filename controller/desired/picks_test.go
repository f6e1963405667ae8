package desired

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// TestPicksDisturbNobody makes services at random that share a host, some of which
// let requests pick their version, and holds for random requests that routing goes
// first: whatever a request bears, it goes to the service that takes it without, and
// there to the version that it picks, where that may be picked.
func TestPicksDisturbNobody(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	picked, elsewhere := 0, 0
	for i := range 200 {
		w := newWorld()
		alike := "" // by what all services pick, where they do
		if i%2 == 0 {
			alike = []string{"header", "cookie", "both"}[random.IntN(3)]
		}
		var boxes []snapshot.Instance
		for i := range 2 + random.IntN(4) {
			boxes = append(boxes, pickingBoxes(random, i, alike)...)
		}
		w.update(epoch, snapshot.Delta{Full: true, Changed: boxes, Attachments: snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}})
		with, without, homes := tables(t, w.sets[v1.Kong])
		for range 60 {
			request := pickingRequest(random)
			route := without.Decide(request).Route.Name
			plain, got := homes[route], homes[with.Decide(request).Route.Name]
			version, sure := w.picks(route, request)
			want := plain
			if version != "" {
				want = v1.VersionService(plain, version)
				picked++
			} else if request.Header.Get("X-Version")+request.Header.Get("Cookie") != "" {
				elsewhere++
			}
			// Where services that share a host pick by different means, a request that bears
			// several may get the ordinary share, or what another of them says.
			other := (alike == "" || !sure) && (got == plain || strings.HasPrefix(got, plain+".V."))
			if got != want && !other {
				t.Fatalf("%s %s%s %v goes to %q, want %q in\n%s", request.Method, request.Host, request.Target, request.Header, got, want, w)
			}
		}
		w.checkBlocked(t)
	}
	if picked < 200 || elsewhere < 500 {
		t.Errorf("%d requests picked a version and %d did not: the test says little", picked, elsewhere)
	}
}

// checkBlocked holds that what can't be picked is said, and that plain routes never
// stand in each other's way.
func (w *world) checkBlocked(t *testing.T) {
	t.Helper()
	simple := true
	for _, s := range w.builder.services {
		simple = simple && !slices.ContainsFunc(s.settings.Routes, func(r v1.Route) bool { return !predictable(r) })
	}
	for name, chances := range w.builder.hosts.picking {
		for _, c := range chances {
			if c.blocked == "" {
				continue
			}
			if simple {
				t.Fatalf("%s can't be picked because of %s in\n%s", c.route.Name, c.blocked, w)
			}
			if !slices.ContainsFunc(w.standings[name].Problems, func(p v1.Problem) bool { return p.Message == c.problem().Message }) {
				t.Fatalf("nobody says that %s can't be picked", c.route.Name)
			}
		}
	}
}

// pickingBoxes are the containers of a service, mostly of two versions.
func pickingBoxes(random *rand.Rand, i int, alike string) []snapshot.Instance {
	labels := map[string]string{"service": fmt.Sprintf("s%d", i), "hosts": "shop.test", "port": "80"}
	labels["paths"] = []string{"/", "/a", "/a/b", "/b", "~/a/[0-9]", "~/a/b", "/a,/b/long"}[random.IntN(7)]
	if random.IntN(4) == 0 {
		labels["hosts"] = []string{"shop.test,other.test", "*.test"}[random.IntN(2)]
	}
	if random.IntN(10) == 0 {
		labels["methods"] = "GET"
	}
	if random.IntN(14) == 0 {
		labels["headers.X-Version"] = "v2"
	}
	if random.IntN(14) == 0 {
		labels["headers.X-Other"] = "1"
	}
	if i > 0 && random.IntN(8) == 0 {
		delete(labels, "paths")
	}
	means := alike
	if means == "" {
		means = []string{"header", "cookie", "both"}[random.IntN(3)]
	}
	if random.IntN(3) > 0 {
		if means != "cookie" {
			labels["rollout_header"] = "X-Version"
		}
		if means != "header" {
			labels["rollout_cookie"] = "ver"
		}
	}
	var out []snapshot.Instance
	for n := range 1 + random.IntN(3) {
		b := box{Name: fmt.Sprintf("s%d-%d", i, n), Created: 10*i + n, Labels: map[string]string{}, Networks: map[string]string{"n": fmt.Sprintf("10.0.%d.%d", i, n+1)}}
		maps.Copy(b.Labels, labels)
		if n > 0 {
			b.Labels["version"] = fmt.Sprintf("v%d", n)
		}
		out = append(out, b.instance())
	}
	return out
}

func pickingRequest(random *rand.Rand) routing.Request {
	r := routing.Request{Method: []string{"GET", "POST"}[random.IntN(2)], Header: http.Header{}}
	r.Host = []string{"shop.test", "other.test", "x.test"}[random.IntN(3)]
	r.Target = []string{"/", "/a", "/a/1", "/a/b/c", "/b", "/b/longer", "/c"}[random.IntN(7)]
	if random.IntN(2) == 0 {
		r.Header.Set("X-Version", fmt.Sprintf("v%d", 1+random.IntN(3)))
	}
	if random.IntN(3) == 0 {
		r.Header.Set("Cookie", fmt.Sprintf("a=b; ver=v%d; c=d", 1+random.IntN(3)))
	}
	if random.IntN(4) == 0 {
		r.Header.Set("X-Other", "1")
	}
	return r
}

// tables decide with all routes of a set, and with those alone that were asked for;
// homes are the services of the routes. A last route takes what no other does.
func tables(t *testing.T, set v1.Set) (with, without *routing.Table, homes map[string]string) {
	t.Helper()
	last := routing.Route{ID: "-", Name: "nobody"}
	all, asked := []routing.Route{last}, []routing.Route{last}
	homes = map[string]string{"nobody": ""}
	for name, s := range set {
		for _, r := range s.Routes {
			row := routing.Route{
				ID: v1.Key{Kind: v1.KindRoute, Name: r.Name}.UUID("lockstep", ""), Name: r.Name,
				Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths, Headers: map[string][]string{},
			}
			maps.Copy(row.Headers, r.Headers)
			for cookie, values := range r.Cookies {
				any := "(?:" + strings.Join(values, "|") + ")"
				if len(values) == 0 {
					any = "[^;]*"
				}
				row.Headers["cookie"] = []string{"~*(?:^|; )" + cookie + "=" + any + "(?:;|$)"}
			}
			if homes[r.Name] != "" {
				t.Fatalf("two routes are called %s", r.Name)
			}
			homes[r.Name] = name
			if all = append(all, row); !v1.Derived(r.Name) {
				asked = append(asked, row)
			}
		}
	}
	with, err := routing.New(all)
	if err == nil {
		without, err = routing.New(asked)
	}
	if err != nil {
		t.Fatal(err)
	}
	return with, without, homes
}

// picks returns the version that a request picks which a route takes; "" for none.
func (w *world) picks(route string, request routing.Request) (version string, sure bool) {
	pick := func(c condition, value string) string {
		for _, chances := range w.builder.hosts.picking {
			for _, chance := range chances {
				if chance.gateway == v1.Kong && chance.route.Name == route && chance.condition == c && slices.Contains(chance.versions, value) {
					return value
				}
			}
		}
		return ""
	}
	header, cookie := request.Header.Get("X-Version"), ""
	if _, after, ok := strings.Cut(request.Header.Get("Cookie"), "ver="); ok {
		cookie = after[:2]
	}
	byHeader, byCookie := pick(condition{header: "x-version"}, header), pick(condition{cookie: "ver"}, cookie)
	if byHeader == "" {
		return byCookie, true
	}
	return byHeader, byCookie == "" || pick(condition{"x-version", "ver"}, header) != ""
}
