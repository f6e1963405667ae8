package cmd

import (
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
)

// TestWaitingIsCounted: services are counted, and what belongs to none is not among them.
func TestWaitingIsCounted(t *testing.T) {
	for _, c := range []struct {
		is   status.Verification
		want string
	}{
		{status.Verification{}, ""},
		{status.Verification{Waiting: 7}, "kong: changes of 7 services are accepted, and not served by all of its workers yet\n"},
		{status.Verification{Waiting: 1, Others: true}, "kong: changes of 1 service and of what belongs to no service are accepted, and not served by all of its workers yet\n"},
		{status.Verification{Others: true}, "kong: changes of what belongs to no service are accepted, and not served by all of its workers yet\n"},
	} {
		if got := printed(t, func(p *printer) { printVerification(p, status.Gateway{Name: v1.Kong, Verification: &c.is}) }); got != c.want {
			t.Errorf("%+v: got %q", c.is, got)
		}
	}
}

// TestTheOtherGatewayInBetween: the table tells what is served by way of the other gateway,
// and what gets its requests from there alone.
func TestTheOtherGatewayInBetween(t *testing.T) {
	const k, h = v1.Kong, v1.HAProxy
	report := status.Report{Gateways: []status.Gateway{{Name: k}, {Name: h}}}
	for _, s := range []struct {
		name          string
		kong, haproxy desired.Verdict
	}{
		{"each", desired.Verdict{Reason: v1.Serving}, desired.Verdict{Reason: v1.Serving}},
		{"chain", desired.Verdict{Reason: v1.Serving, Through: h}, desired.Verdict{Reason: v1.Serving, From: k}},
		{"chain-open", desired.Verdict{Reason: v1.Serving, Through: h}, desired.Verdict{Reason: v1.Serving}},
		{"edge", desired.Verdict{Reason: v1.Serving}, desired.Verdict{Reason: v1.Serving, Through: k}},
		{"chain-begins", desired.Verdict{Reason: v1.Starting, Through: h}, desired.Verdict{Reason: v1.Starting, From: k}},
	} {
		s.kong.Gateway, s.haproxy.Gateway = k, h
		report.Services = append(report.Services, status.Service{Standing: desired.Standing{Service: s.name,
			Instances: []desired.InstanceStanding{{Container: s.name, Verdicts: []desired.Verdict{s.kong, s.haproxy}}}}})
	}
	const want = "SERVICE       CONTAINER     KONG                     HAPROXY               ROUTES\n" +
		"each          each          Serving                  Serving\n" +
		"chain         chain         Serving through haproxy  Serving behind kong\n" +
		"chain-open    chain-open    Serving through haproxy  Serving\n" +
		"edge          edge          Serving                  Serving through kong\n" +
		"chain-begins  chain-begins  Starting                 Starting\n"
	if got := printed(t, func(p *printer) { printServices(p, report, nil) }); got != want {
		t.Errorf("it prints\n%s, want\n%s", got, want)
	}
}

// TestPrintSources: of a commit that is wrong it is said whether anything of it counts.
func TestPrintSources(t *testing.T) {
	got := printed(t, func(p *printer) {
		printSources(p, []source.State{{Name: "manifests", Refused: "1234"}, {Name: "manifests", Commit: "12", Refused: "1234"}})
	})
	want := "manifests: commit 1234 is wrong; what is right in it counts, as there was no good one before\n" +
		"manifests: at commit 12\nmanifests: commit 1234 is wrong and not taken\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
