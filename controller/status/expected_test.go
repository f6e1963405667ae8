package status

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
)

// TestUnserved: what was decided against is told before any gateway was told of it, for the
// gateways that it concerns; what merely has not been applied yet is not.
func TestUnserved(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	result := web()
	place := v1.Origin{File: "vain.yaml", Line: 3, Column: 1}
	taken := desired.Verdict{Gateway: v1.Kong, Reason: v1.Conflict, Message: "somebody has it"}
	web := result.Standings["web"]
	web.Routes = append(web.Routes, desired.RouteStanding{Route: v1.Route{Name: "web.taken", Origin: v1.Origin{Container: "web-1"}}, Verdicts: []desired.Verdict{taken}})
	web.Instances = append(web.Instances, desired.InstanceStanding{ID: "e", Container: "web-4", Verdicts: []desired.Verdict{{Gateway: v1.Kong, Reason: v1.NoPort, Message: "it has none"}}})
	serving := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving}}
	result.Standings["vain"] = &desired.Standing{Service: "vain", Manifest: place, Routes: []desired.RouteStanding{
		{Route: v1.Route{Name: "vain.a"}, Verdicts: serving}, {Route: v1.Route{Name: "vain.b"}, Verdicts: serving},
	}}
	result.Waiting = map[string][]v1.Problem{"none": {{Reason: v1.NotRunning, Message: "holds for nothing"}}}
	s.Desired(result)
	s.Sources([]source.State{{Name: "manifests", Problems: []v1.Problem{{Reason: v1.InvalidManifest}, {Reason: v1.InvalidManifest, Gateway: v1.HAProxy}}}})

	report := s.Expected()
	got := map[v1.Reason]v1.Origin{}
	for _, problem := range report.Unserved(v1.Kong) {
		if _, twice := got[problem.Reason]; twice {
			t.Errorf("told twice: %v", problem)
		}
		got[problem.Reason] = problem.Origin
	}
	want := map[v1.Reason]v1.Origin{
		v1.Conflict: {Container: "web-1"}, v1.NoPort: {Container: "web-4"}, v1.Draining: place,
		v1.InvalidLabel: {Container: "oops"}, v1.NotRunning: {}, v1.InvalidManifest: {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
