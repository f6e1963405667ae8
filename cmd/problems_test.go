package cmd

import (
	"bytes"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
)

// TestProblemsAreSaidOnce: what a gateway says of a container's label is not said again
// of its route, nor of a file's secret as the source's problem, and what belongs to a service without instances is marked.
func TestProblemsAreSaidOnce(t *testing.T) {
	const cause = "a stripped prefix may have 255 characters"
	until := time.Now().Add(time.Minute)
	route := func(name string, reason v1.Reason, message string) []desired.RouteStanding {
		return []desired.RouteStanding{{Route: v1.Route{Name: name}, Verdicts: []desired.Verdict{{Gateway: v1.HAProxy, Reason: reason, Message: message}}}}
	}
	unread := v1.Problem{Reason: v1.InvalidManifest, Origin: v1.Origin{File: "alice.yaml", Line: 7, Column: 9}, Message: "no such file"}
	report := status.Report{
		Sources: []source.State{{Name: "manifests", Problems: []v1.Problem{unread}}},
		Gateways: []status.Gateway{{Name: v1.HAProxy, Reason: v1.Serving, Problems: []v1.Problem{unread, {
			Reason: v1.NotExpressible, Object: v1.Key{Kind: v1.KindRoute, Name: "shop.web.default"},
			Origin: v1.Origin{Container: "web-1"}, Message: cause, Fix: "shorten it",
		}}}},
		Services: []status.Service{
			{Standing: desired.Standing{Service: "shop.web", Until: &until, Routes: route("shop.web.default", v1.NotExpressible, cause)}},
			{Standing: desired.Standing{Service: "api", Instances: []desired.InstanceStanding{{ID: "a", Container: "api-1"}}, Routes: route("api.default", v1.Conflict, "the route x holds the same match")}},
			{Standing: desired.Standing{Service: "old", Routes: route("old.default", v1.Conflict, "the route y holds the same match")}},
		},
	}
	var out bytes.Buffer
	printProblems(&printer{out: &out}, report)
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{
		"PROBLEMS",
		"  haproxy: alice.yaml:7:9: InvalidManifest: no such file",
		`  haproxy: container "web-1": NotExpressible: ` + cause + "; shorten it (service shop.web has no instances any more, and is kept until " + sayTime(until) + ")",
		"  route api.default on haproxy: Conflict: the route x holds the same match",
		"  route old.default on haproxy: Conflict: the route y holds the same match (service old has no instances)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestEmptiedServicesAreSaidOnce: a service without containers is one line, however many
// routes it has on however many gateways, and what else ails a route of it is said besides.
func TestEmptiedServicesAreSaidOnce(t *testing.T) {
	left := func(name string, others ...desired.Verdict) desired.RouteStanding {
		verdicts := []desired.Verdict{
			{Gateway: v1.Kong, Reason: v1.Draining, Message: "it answers 503: its service has no container left", Fix: "start one"},
			{Gateway: v1.HAProxy, Reason: v1.Draining, Message: "it answers 503: its service has no container left", Fix: "start one"},
		}
		return desired.RouteStanding{Route: v1.Route{Name: name}, Verdicts: append(verdicts[:2-len(others)], others...)}
	}
	report := status.Report{Services: []status.Service{{Standing: desired.Standing{Service: "web", Routes: []desired.RouteStanding{
		left("web.a"), left("web.b"), left("web.c", desired.Verdict{Gateway: v1.HAProxy, Reason: v1.Conflict, Message: "the route x holds the same match"}),
	}}}}}
	want := "\nPROBLEMS\n" +
		"  service web (3 routes) on kong, haproxy: Draining: it answers 503: its service has no container left; start one\n" +
		"  route web.c on haproxy: Conflict: the route x holds the same match (service web has no instances)\n"
	if got := printed(t, func(p *printer) { printProblems(p, report) }); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestTroubledGatewayIsSaidOnce: what ails a whole gateway is not said again of each container
// that it was not told of, nor of routes that lead to it by way of the other one.
func TestTroubledGatewayIsSaidOnce(t *testing.T) {
	const frozen = "HAProxy does not answer on socket s: it is frozen"
	unreachable := func(gateway, through v1.Gateway) desired.Verdict {
		return desired.Verdict{Gateway: gateway, Through: through, Reason: v1.GatewayUnreachable, Message: frozen}
	}
	taken := desired.Verdict{Gateway: v1.Kong, Through: v1.HAProxy, Reason: v1.Conflict, Message: "another has it"}
	routes := []desired.RouteStanding{
		{Route: v1.Route{Name: "web.a"}, Verdicts: []desired.Verdict{unreachable(v1.Kong, v1.HAProxy), unreachable(v1.HAProxy, "")}},
		{Route: v1.Route{Name: "web.b"}, Verdicts: []desired.Verdict{taken}},
	}
	report := status.Report{
		Gateways: []status.Gateway{{Name: v1.Kong, Reason: v1.Serving}, {Name: v1.HAProxy, Reason: v1.GatewayUnreachable, Error: frozen, Problems: []v1.Problem{
			{Reason: v1.GatewayUnreachable, Object: v1.Key{Kind: v1.KindInstance, Name: "a"}, Origin: v1.Origin{Container: "web-1"}, Message: frozen},
		}}},
		Services: []status.Service{{Standing: desired.Standing{Service: "web", Instances: []desired.InstanceStanding{{ID: "a"}}, Routes: routes}}},
	}
	want := "\nPROBLEMS\n  haproxy: " + frozen + "\n  route web.b on kong: Conflict: another has it\n"
	if got := printed(t, func(p *printer) { printProblems(p, report) }); got != want {
		t.Errorf("it prints %q, want %q", got, want)
	}
}

// TestSharedProblemsAreSaidOnce: what is so on both gateways is one line, which names both.
func TestSharedProblemsAreSaidOnce(t *testing.T) {
	wrong := v1.Problem{Reason: v1.InvalidLabel, Origin: v1.Origin{Container: "bad-1"}, Message: "no such thing", Fix: "ask for less"}
	taken := func(on v1.Gateway) desired.Verdict {
		return desired.Verdict{Gateway: on, Reason: v1.Conflict, Message: "another has it"}
	}
	report := status.Report{
		Gateways: []status.Gateway{
			{Name: v1.Kong, Reason: v1.Serving, Problems: []v1.Problem{wrong}},
			{Name: v1.HAProxy, Reason: v1.Serving, Problems: []v1.Problem{{Reason: v1.NotExpressible, Message: "it can't"}, wrong}},
		},
		Services: []status.Service{{Standing: desired.Standing{Service: "web", Instances: []desired.InstanceStanding{{ID: "a"}},
			Routes: []desired.RouteStanding{{Route: v1.Route{Name: "web.a"}, Verdicts: []desired.Verdict{taken(v1.Kong), taken(v1.HAProxy)}}}}}},
	}
	want := "\nPROBLEMS\n" +
		"  kong, haproxy: container \"bad-1\": InvalidLabel: no such thing; ask for less\n" +
		"  haproxy: NotExpressible: it can't\n" +
		"  route web.a on kong, haproxy: Conflict: another has it\n"
	if got := printed(t, func(p *printer) { printProblems(p, report) }); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
