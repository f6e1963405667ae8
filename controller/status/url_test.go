package status

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// site returns a store with three services on kong: a shop, its API below /api,
// and one whose route is lost to the shop's.
func site() *Store {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	serving := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving}}
	lost := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Conflict, Message: "the route shop.default holds the same match", Fix: "change it"}}
	standing := func(name string, verdicts []desired.Verdict, paths []string, containers ...string) *desired.Standing {
		out := &desired.Standing{Service: name, Routes: []desired.RouteStanding{{
			Route: v1.Route{Name: name + ".default", Hosts: []string{"shop.test"}, Paths: paths}, Verdicts: verdicts,
		}}}
		for _, container := range containers {
			out.Instances = append(out.Instances, desired.InstanceStanding{ID: container, Container: container, Verdicts: serving})
		}
		return out
	}
	build := s.Desired(desired.Result{Standings: map[string]*desired.Standing{
		"shop":  standing("shop", serving, nil, "shop-1", "shop-2"),
		"api":   standing("api", serving, []string{"/api"}),
		"rival": standing("rival", lost, nil, "rival-1"),
	}})
	s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0)})
	return s
}

func TestExplainURL(t *testing.T) {
	rival := Other{Route: "rival.default", Reason: v1.Conflict, Message: "the route shop.default holds the same match", Fix: "change it"}
	shop := Other{Route: "shop.default", Reason: v1.Serving, Message: "api.default goes before it: it matches by hosts and paths, the other one by hosts alone"}
	for ref, want := range map[string]Answer{
		"shop.test/":             {Gateway: v1.Kong, Route: "shop.default", Service: "shop", Target: "/", Instances: []string{"shop-1", "shop-2"}, Others: []Other{rival}},
		"http://shop.test/a?b=c": {Gateway: v1.Kong, Route: "shop.default", Service: "shop", Target: "/a?b=c", Instances: []string{"shop-1", "shop-2"}, Others: []Other{rival}},
		"shop.test/api/items":    {Gateway: v1.Kong, Status: 503, Route: "api.default", Service: "api", Target: "/api/items", Others: []Other{rival, shop}},
		"other.test/":            {Gateway: v1.Kong, Status: 404},
	} {
		t.Run(ref, func(t *testing.T) {
			got, err := site().ExplainURL(ref)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Answer{want}, got.Answers); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := site().ExplainURL("http:///x"); err == nil {
		t.Error("an address without a host is taken")
	}
}

// TestExplainNative: routes that are declared in Kong's own words take part in Kong, where they
// are on a service of ours as well.
func TestExplainNative(t *testing.T) {
	s := site()
	at := v1.Origin{File: "m.yaml", Line: 9, Column: 5}
	list := func(items ...any) []any { return items }
	build := s.Desired(desired.Result{Shared: &v1.Shared{Entities: []v1.Entity{
		{Kind: v1.KindRoute, Name: "broken", Origin: at, Body: map[string]any{"hosts": list("native.test"), "paths": list("~/(")}},
		{Kind: v1.KindRoute, Name: "native", Origin: at, Body: map[string]any{"hosts": list("native.test"), "paths": list("/v1")}, Refs: []v1.EntityRef{{Field: "service", Kind: v1.KindService, Name: "legacy"}}},
		{Kind: v1.KindRoute, Name: "on-ours", Origin: at, Body: map[string]any{"hosts": list("shop.test"), "paths": list("/native"), "strip_path": false}, Refs: []v1.EntityRef{{Field: "service", Kind: v1.KindService, Name: "shop"}}},
		{Kind: v1.KindService, Name: "legacy", Origin: at, Body: map[string]any{"url": "http://10.0.0.1/base"}},
	}}})
	s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0)})
	for ref, want := range map[string]Answer{
		"native.test/v1/a":    {Gateway: v1.Kong, Route: "native", Service: "legacy", Target: "/base/a", Declared: at},
		"shop.test/native":    {Gateway: v1.Kong, Route: "on-ours", Service: "shop", Target: "/native", Declared: at, Instances: []string{"shop-1", "shop-2"}},
		"native.test/nowhere": {Gateway: v1.Kong, Status: 404},
	} {
		got, err := s.ExplainURL(ref)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Answer{want}, got.Answers, cmpopts.IgnoreFields(Answer{}, "Others")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ref, diff)
		}
	}
}

// TestExplainProof: a route that demands a client's certificate answers those without
// TLS by itself, and is told of.
func TestExplainProof(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.HAProxy})
	serving := []desired.Verdict{{Gateway: v1.HAProxy, Reason: v1.Serving}}
	build := s.Desired(desired.Result{Standings: map[string]*desired.Standing{"staff": {
		Service:   "staff",
		Routes:    []desired.RouteStanding{{Route: v1.Route{Name: "staff.default", Hosts: []string{"staff.test"}, ClientCertificate: v1.CertificateRequired}, Verdicts: serving}},
		Instances: []desired.InstanceStanding{{ID: "staff-1", Container: "staff-1", Verdicts: serving}},
	}}})
	s.Applied(v1.HAProxy, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0)})
	for ref, want := range map[string]Answer{
		"https://staff.test/": {Gateway: v1.HAProxy, Route: "staff.default", Service: "staff", Target: "/", Proof: true, Instances: []string{"staff-1"}},
		"http://staff.test/":  {Gateway: v1.HAProxy, Route: "staff.default", Service: "staff", Target: "/", Proof: true, Status: 426},
	} {
		got, err := s.ExplainURL(ref)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Answer{want}, got.Answers, cmpopts.IgnoreFields(Answer{}, "Target")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ref, diff)
		}
	}
}

// TestExplainPort: a TCP port is its route's, and a name that is passed on over TLS is told
// of to who asks without.
func TestExplainPort(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong, v1.HAProxy})
	verdict := func(reason v1.Reason) []desired.Verdict {
		return []desired.Verdict{{Gateway: v1.HAProxy, Reason: reason}}
	}
	standings := map[string]*desired.Standing{}
	for name, c := range map[string]struct {
		route  v1.Route
		reason v1.Reason
	}{
		"mq": {v1.Route{Listen: []int{5672, 5673}}, v1.Serving}, "rival": {v1.Route{Listen: []int{5672}}, v1.Conflict}, "vault": {v1.Route{SNIs: []string{"vault.test"}}, v1.Serving},
	} {
		c.route.Name = name + ".default"
		standings[name] = &desired.Standing{
			Service: name, Routes: []desired.RouteStanding{{Route: c.route, Verdicts: verdict(c.reason)}},
			Instances: []desired.InstanceStanding{{ID: name, Container: name + "-1", Verdicts: verdict(v1.Serving)}},
		}
	}
	s.Applied(v1.HAProxy, Round{Build: s.Desired(desired.Result{Standings: standings}), Reason: v1.Serving, At: time.Unix(1, 0)})
	for ref, want := range map[string]Answer{
		":5672":          {Gateway: v1.HAProxy, Port: 5672, Route: "mq.default", Service: "mq", PassedOn: true, Instances: []string{"mq-1"}, Others: []Other{{Route: "rival.default", Reason: v1.Conflict}}},
		"127.0.0.1:5673": {Gateway: v1.HAProxy, Port: 5673, Route: "mq.default", Service: "mq", PassedOn: true, Instances: []string{"mq-1"}},
		"[::1]:99":       {Gateway: v1.HAProxy, Port: 99},
	} {
		port, is := PortOf(ref)
		if diff := cmp.Diff([]Answer{want}, s.ExplainPort(ref, port).Answers); diff != "" || !is {
			t.Errorf("%s: a port %t (-want +got):\n%s", ref, is, diff)
		}
	}
	for _, ref := range []string{"web-1", "shop.test:80", "shop.test/", ":0", ":65536", ":http", "127.0.0.1"} {
		if port, is := PortOf(ref); is {
			t.Errorf("%q is taken for port %d", ref, port)
		}
	}
	got, err := s.ExplainURL("vault.test/a")
	if err != nil {
		t.Fatal(err)
	}
	if a := got.Answers[1]; a.Route != "" || a.Status != 404 || len(a.Others) != 1 || a.Others[0].Route != "vault.default" || a.Others[0].Fix != "ask about https://vault.test/a" {
		t.Errorf("of a name that is passed on over TLS: %+v", a)
	}
}

// TestExplainName: over TLS the most specific name decides, before any request is seen.
func TestExplainName(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.HAProxy})
	verdict := func(reason v1.Reason) []desired.Verdict {
		return []desired.Verdict{{Gateway: v1.HAProxy, Reason: reason}}
	}
	standings := map[string]*desired.Standing{}
	for name, route := range map[string]v1.Route{
		"web": {Hosts: []string{"web.vaults.test", "*.web.vaults.test"}}, "vaults": {SNIs: []string{"*.vaults.test"}},
		"deep": {SNIs: []string{"a.web.vaults.test"}}, "empty": {SNIs: []string{"empty.test"}}, "lost": {SNIs: []string{"web.vaults.test"}},
	} {
		route.Name = name + ".default"
		standings[name] = &desired.Standing{Service: name, Routes: []desired.RouteStanding{{Route: route, Verdicts: verdict(v1.Serving)}}}
		if name != "empty" {
			standings[name].Instances = []desired.InstanceStanding{{ID: name, Container: name + "-1", Verdicts: verdict(v1.Serving)}}
		}
	}
	standings["lost"].Routes[0].Verdicts = verdict(v1.Conflict)
	s.Applied(v1.HAProxy, Round{Build: s.Desired(desired.Result{Standings: standings}), Reason: v1.Serving, At: time.Unix(1, 0)})
	for ref, want := range map[string]string{
		"https://x.vaults.test/": "vaults.default passed on to [vaults-1]", "https://X.vaults.test:8443/a": "vaults.default passed on to [vaults-1]",
		"https://web.vaults.test/": "web.default answered by [web-1]", "https://b.web.vaults.test/": "web.default answered by [web-1]",
		"https://a.web.vaults.test/": "deep.default passed on to [deep-1]", "http://a.web.vaults.test/": "web.default answered by [web-1]",
		"https://vaults.test/": " answered by []", "https://empty.test/": "empty.default passed on to []",
	} {
		got, err := s.ExplainURL(ref)
		if err != nil {
			t.Fatal(err)
		}
		a := got.Answers[0]
		how := "answered by"
		if a.PassedOn {
			how = "passed on to"
		}
		if said := fmt.Sprintf("%s %s %v", a.Route, how, a.Instances); said != want {
			t.Errorf("%s: %s, want %s", ref, said, want)
		}
	}
}

func TestIsURL(t *testing.T) {
	for ref, want := range map[string]bool{"web-1": false, "/web-1": false, "shop.web": false, "shop.test/": true, "http://shop.test": true} {
		if got := IsURL(ref); got != want {
			t.Errorf("IsURL(%q) = %t, want %t", ref, got, want)
		}
	}
}

// TestExplainListeners: an address says at which Listeners HAProxy answers it, and Kong
// does not answer for a host that a Listener has to itself.
func TestExplainListeners(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong, v1.HAProxy})
	verdicts := []desired.Verdict{
		{Gateway: v1.Kong, Reason: v1.Serving, Message: "served without admin.test", Without: []string{"admin.test"}},
		{Gateway: v1.HAProxy, Reason: v1.Serving},
	}
	serving := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving}, {Gateway: v1.HAProxy, Reason: v1.Serving}}
	build := s.Desired(desired.Result{
		Standings: map[string]*desired.Standing{"web": {
			Service:   "web",
			Routes:    []desired.RouteStanding{{Route: v1.Route{Name: "web.default", Hosts: []string{"admin.test", "shop.test"}}, Verdicts: verdicts}},
			Instances: []desired.InstanceStanding{{ID: "web-1", Container: "web-1", Verdicts: serving}},
		}},
		Shared: &v1.Shared{Listeners: []v1.Listener{
			{Name: "internal", Hosts: []string{"*.inner.test", "admin.test"}, Exclusive: true},
			{Name: "partners", Hosts: []string{"*.test"}},
			{Name: "plain"},
		}},
	})
	for _, gateway := range []v1.Gateway{v1.Kong, v1.HAProxy} {
		s.Applied(gateway, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0)})
	}
	for ref, want := range map[string][]Answer{
		"admin.test/": {
			{Gateway: v1.Kong, Status: 404, Others: []Other{{Route: "web.default", Reason: v1.NotExpressible, Message: "served without admin.test"}}},
			{Gateway: v1.HAProxy, Route: "web.default", Service: "web", Target: "/", Instances: []string{"web-1"}, Only: "internal"},
		},
		"shop.test/": {
			{Gateway: v1.Kong, Route: "web.default", Service: "web", Target: "/", Instances: []string{"web-1"}},
			{Gateway: v1.HAProxy, Route: "web.default", Service: "web", Target: "/", Instances: []string{"web-1"}, NotAt: []string{"internal"}},
		},
	} {
		got, err := s.ExplainURL(ref)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Answers); diff != "" {
			t.Errorf("%s (-want +got):\n%s", ref, diff)
		}
	}
}

// TestExplainWhatIsNotKnown: of a gateway that was never compared nothing is said, and of
// one that can't be told any more what it was told last.
func TestExplainWhatIsNotKnown(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.HAProxy})
	serving := []desired.Verdict{{Gateway: v1.HAProxy, Reason: v1.Serving}}
	build := s.Desired(desired.Result{Standings: map[string]*desired.Standing{"web": {
		Service:   "web",
		Routes:    []desired.RouteStanding{{Route: v1.Route{Name: "web.default", Hosts: []string{"shop.test"}}, Verdicts: serving}},
		Instances: []desired.InstanceStanding{{ID: "web-1", Container: "web-1", Verdicts: serving}},
	}}})
	check := func(want Answer) {
		t.Helper()
		got, err := s.ExplainURL("shop.test/")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Answer{want}, got.Answers); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	check(Answer{Gateway: v1.HAProxy, Unknown: "Starting: it was not compared yet"})
	s.Applied(v1.HAProxy, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0)})
	served := Answer{Gateway: v1.HAProxy, Route: "web.default", Service: "web", Target: "/", Instances: []string{"web-1"}}
	check(served)
	s.Applied(v1.HAProxy, Round{Build: build, Reason: v1.GatewayUnreachable, Error: "GatewayUnreachable: no answer", At: time.Unix(2, 0)})
	served.Stale = "as last applied; now GatewayUnreachable: no answer"
	check(served)
}

// TestExplainHeld: a route that the guard keeps answers 503, and is told of as long as it
// is kept; after a restart nobody knows what it matches.
func TestExplainHeld(t *testing.T) {
	for name, owner := range map[string]v1.Key{"a service": {Kind: v1.KindService, Name: "rival"}, "a route": {Kind: v1.KindRoute, Name: "rival.default"}} {
		t.Run(name, func(t *testing.T) {
			s := New("1", "lockstep", []v1.Gateway{v1.Kong})
			serving := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving}}
			held := []Held{{Owner: owner, Sentence: "remove it", Until: time.Unix(60, 0)}}
			rival := &desired.Standing{Service: "rival",
				Routes: []desired.RouteStanding{{Route: v1.Route{Name: "rival.default", Hosts: []string{"shop.test"}}, Verdicts: serving}}}
			build := s.Desired(desired.Result{Standings: map[string]*desired.Standing{"rival": rival}, Sets: map[v1.Gateway]v1.Set{v1.Kong: {"rival": nil}}})
			s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0)})
			build = s.Desired(desired.Result{Standings: map[string]*desired.Standing{"rival": nil}, Sets: map[v1.Gateway]v1.Set{v1.Kong: {"rival": nil}}})
			s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(2, 0), Held: held})
			answer := func() Answer {
				t.Helper()
				got, err := s.ExplainURL("shop.test/a")
				if err != nil {
					t.Fatal(err)
				}
				return got.Answers[0]
			}
			want := Answer{Gateway: v1.Kong, Status: 503, Held: true, Route: "rival.default", Service: "rival", Target: "/a"}
			if diff := cmp.Diff(want, answer()); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(3, 0)})
			if diff := cmp.Diff(Answer{Gateway: v1.Kong, Status: 404}, answer()); diff != "" || len(s.former) > 0 {
				t.Errorf("gone, and %d remembered (-want +got):\n%s", len(s.former), diff)
			}
			s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(4, 0), Held: held})
			if diff := cmp.Diff(Answer{Gateway: v1.Kong, Status: 404, Holds: []v1.Key{owner}}, answer()); diff != "" {
				t.Errorf("held since before a restart (-want +got):\n%s", diff)
			}
		})
	}
}
