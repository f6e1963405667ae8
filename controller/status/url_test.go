package status

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	shop := Other{Route: "shop.default", Reason: v1.Serving, Message: "it is less specific"}
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

func TestIsURL(t *testing.T) {
	for ref, want := range map[string]bool{"web-1": false, "/web-1": false, "shop.web": false, "shop.test/": true, "http://shop.test": true} {
		if got := IsURL(ref); got != want {
			t.Errorf("IsURL(%q) = %t, want %t", ref, got, want)
		}
	}
}
