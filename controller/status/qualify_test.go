package status

import (
	"reflect"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// TestVacantIsSaidAsItIs: a service that had containers has none left; one that a manifest
// declares, and of which no container is known, never had any.
func TestVacantIsSaidAsItIs(t *testing.T) {
	at := v1.Origin{File: "shop.yaml", Line: 3, Column: 1}
	for name, c := range map[string]struct {
		standing     desired.Standing
		message, fix string
	}{
		"its last container is gone": {desired.Standing{DecidedBy: "web-1"}, "it answers 503: its service has no container left",
			"start one, or see what became of the last one, while Docker has it: lockstep explain web-1"},
		"declared, and a container was there": {desired.Standing{DecidedBy: "web-1", Manifest: at}, "it answers 503: its service has no container left",
			"start one, or see what became of the last one, while Docker has it: lockstep explain web-1"},
		"declared alone": {desired.Standing{Manifest: at},
			"it answers 503: its service has no instance: its manifest (shop.yaml:3:1) names no endpoints, and no container joins it",
			"name endpoints or a selector there, or start a container whose label names it as its service"},
	} {
		c.standing.Service = "web"
		c.standing.Routes = []desired.RouteStanding{{Verdicts: []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving}}}}
		got := qualify(c.standing).Routes[0].Verdicts[0]
		if got.Reason != v1.Draining || got.Message != c.message || got.Fix != c.fix {
			t.Errorf("%s: it says %+v", name, got)
		}
		s := Service{Standing: c.standing}
		s.Select(&desired.Selection{Origin: at})
		if got := s.Routes[0].Verdicts[0].Message; got != "it answers 503: its selector (shop.yaml:3:1) picks nothing, for there is no container that run" {
			t.Errorf("%s, and a selector is known: it says %q", name, got)
		}
	}
}

// TestBehindAGatewayThatServesNothing: an instance that gets its requests from the other gateway
// alone has its reason from there, and says so.
func TestBehindAGatewayThatServesNothing(t *testing.T) {
	s := qualify(desired.Standing{
		Service:   "web",
		Instances: []desired.InstanceStanding{{Verdicts: []desired.Verdict{{Gateway: v1.HAProxy, From: v1.Kong, Reason: v1.Serving}}}},
		Routes:    []desired.RouteStanding{{Verdicts: []desired.Verdict{{Gateway: v1.Kong, Reason: v1.GatewayUnreachable, Message: "it is down", Fix: "start it"}}}},
	})
	want := desired.Verdict{Gateway: v1.HAProxy, From: v1.Kong, Reason: v1.GatewayUnreachable, Fix: "start it",
		Message: "kong, from which alone it gets requests, serves none of its service's routes: it is down"}
	if got := s.Instances[0].Verdicts[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("it says %+v", got)
	}
}
