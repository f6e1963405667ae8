package status

import (
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// TestToldIsNotServed: what a gateway was never told of is Starting while it is being told;
// what it was told of before goes on.
func TestToldIsNotServed(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Applied(v1.Kong, Round{Reason: v1.Serving, At: time.Unix(1, 0)}) // there was nothing yet
	build := s.Desired(web())
	check := func(when string, want map[string]v1.Reason, status int) {
		t.Helper()
		for container, reason := range reasons(s) {
			if reason != want[container] {
				t.Errorf("%s: %s is %s, want %s", when, container, reason, want[container])
			}
		}
		e, err := s.ExplainURL("web.test/")
		if err != nil || e.Answers[0].Status != status {
			t.Errorf("%s: a request is answered with %d, want %d (%v)", when, e.Answers[0].Status, status, err)
		}
	}
	none := map[string]v1.Reason{"web-1": v1.Starting, "web-2": v1.Starting, "web-3": v1.Starting}
	check("a new service is told of", none, 404)
	e, _ := s.Explain("web-1")
	e.Follow([]desired.Trail{{ID: "aaaaaaaaaaaa1111", Service: "web"}})
	for _, step := range e.Decisions[0].Steps {
		if step.Result != desired.MarkOpen || step.Message != "it is being told" {
			t.Errorf("a new service is told of: the trail ends with %+v", step)
		}
	}
	service := &v1.Service{Name: "web", Routes: []v1.Route{{Name: "web.default"}}, Endpoints: []v1.Endpoint{
		{ID: "aaaaaaaaaaaa"}, {ID: "bbbbbbbbbbbb", Draining: true}}}
	s.Applied(v1.Kong, Round{Build: build, Services: []string{"web"}, Reason: v1.Serving, Told: v1.Set{"web": service}, At: time.Unix(2, 0)})
	check("it was told", map[string]v1.Reason{"web-1": v1.Serving, "web-2": v1.Serving, "web-3": v1.Starting}, 0)
	build = s.Desired(web())
	one := map[string]v1.Reason{"web-1": v1.Serving, "web-2": v1.Starting, "web-3": v1.Starting}
	check("a change is told of", one, 0)
	s.Applied(v1.Kong, Round{Build: build - 1, Services: []string{"api"}, Reason: v1.Serving, Told: v1.Set{}, At: time.Unix(3, 0)})
	check("a change is told of, and another service before", one, 0)
	s.Applied(v1.Kong, Round{Build: build - 1, Reason: v1.Serving, Told: v1.Set{}, At: time.Unix(3, 0)})
	check("it was told of nothing", none, 404)
}

// TestToldThroughAnother: a gateway that hands requests on need not be told of containers,
// and the one behind it not of routes.
func TestToldThroughAnother(t *testing.T) {
	instance, route := v1.Key{Kind: v1.KindInstance, Name: "aaaaaaaaaaaa1111"}, v1.Key{Kind: v1.KindRoute, Name: "web.default"}
	routes, endpoints := []v1.Route{{Name: "web.default"}}, []v1.Endpoint{{ID: "aaaa"}}
	for name, c := range map[string]struct {
		service                   v1.Service
		through                   v1.Gateway
		instance, route, takeOver bool // whether the instance, the route, and the route from a gateway before it are known
	}{
		"alone":                    {v1.Service{Routes: routes, Endpoints: endpoints}, "", true, true, true},
		"without the instance":     {v1.Service{Routes: routes}, "", false, true, true},
		"kong before haproxy":      {v1.Service{Routes: routes, Via: v1.Via{Port: 29000}}, v1.HAProxy, true, true, true},
		"kong is yet to go there":  {v1.Service{Routes: routes}, v1.HAProxy, false, true, true},
		"haproxy before kong":      {v1.Service{Routes: routes, Endpoints: []v1.Endpoint{{ID: "node"}}}, v1.Kong, true, true, true},
		"haproxy behind kong":      {v1.Service{Endpoints: endpoints, Via: v1.Via{Port: 29000}}, "", true, false, true},
		"another container behind": {v1.Service{Endpoints: []v1.Endpoint{{ID: "bbbb"}}, Via: v1.Via{Port: 29000}}, "", false, false, true},
	} {
		var known told
		if known.takesOver("web", instance) || known.takesOver("web", route) {
			t.Errorf("%s: known before it was told", name)
		}
		known.take(Round{Services: []string{"web"}, Told: v1.Set{"web": &c.service}})
		if got := known.holds("web", instance, c.through); got != c.instance {
			t.Errorf("%s: the instance is known: %t", name, got)
		}
		if got := known.holds("web", route, c.through); got != c.route {
			t.Errorf("%s: the route is known: %t", name, got)
		}
		if got := known.takesOver("web", route); got != c.takeOver {
			t.Errorf("%s: the route from another is known: %t", name, got)
		}
		known.take(Round{Services: []string{"web"}, Told: v1.Set{}})
		if known.takesOver("web", route) {
			t.Errorf("%s: known after it is gone", name)
		}
	}
}
