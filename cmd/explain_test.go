package cmd

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source/docker"
	"github.com/lockstep/lockstep/controller/status"
)

// TestExplainBeforeAnythingIsKnown: a daemon that was just started says that it does not
// know yet. To whoever waits until a container is drained, anything else would say that
// it is, while gateways go on with it.
func TestExplainBeforeAnythingIsKnown(t *testing.T) {
	d := &daemon{status: status.New("test", "lockstep", []v1.Gateway{v1.HAProxy})}
	for _, ref := range []string{"shop-1", "http://shop.test/"} {
		_, err := d.explain(t.Context(), ref)
		if err == nil || errors.Is(err, server.ErrUnknown) || !strings.Contains(err.Error(), "not known yet (no source is loaded yet)") {
			t.Errorf("of %s it says %v", ref, err)
		}
	}
}

// explained is a container that is served by one gateway, and refused by the other.
func explained() status.Explanation {
	serving := desired.Verdict{Gateway: v1.HAProxy, Reason: v1.Serving, Address: "10.0.0.1:80", How: "network shop"}
	refused := desired.Verdict{Gateway: v1.Kong, Reason: v1.GatewayRejected, Address: "10.0.0.1:80", How: "network shop", Message: "no such thing", Fix: "ask for less"}
	return status.Explanation{
		Subject: "web-1",
		Services: []status.Service{{Standing: desired.Standing{Service: "web", DecidedBy: "web-1",
			Instances: []desired.InstanceStanding{{ID: "0123456789abcdef", Container: "web-1", Verdicts: []desired.Verdict{refused, serving}}},
			Routes:    []desired.RouteStanding{{Route: v1.Route{Name: "web.default", Hosts: []string{"shop.test"}}}}}}},
		Decisions: []desired.Trail{{ID: "0123456789abcdef", Container: "web-1", Service: "web", Steps: []desired.Step{
			{Name: desired.StepEnabled, Result: desired.MarkOK, Message: "by its label lockstep.enable"},
			{Name: desired.StepAddress, Gateway: v1.Kong, Result: desired.MarkOK, Message: "10.0.0.1:80, on network shop"},
			{Name: desired.StepApplied, Gateway: v1.Kong, Result: desired.MarkFailed, Reason: v1.GatewayRejected, Message: "no such thing", Fix: "ask for less"},
			{Name: desired.StepVerified, Gateway: v1.Kong, Result: desired.MarkMoot, Message: "it says nothing"},
			{Name: desired.StepApplied, Gateway: v1.HAProxy, Result: desired.MarkOpen, Reason: v1.Starting, Message: "it is being told", Fix: "wait"},
		}}},
	}
}

// TestPrintTrail: the verdict comes first, then every decision; signs and colours are for
// terminals that show them.
func TestPrintTrail(t *testing.T) {
	const head = "container web-1 (0123456789ab) in service web\n" +
		"  kong     GatewayRejected: 10.0.0.1:80 on network shop: no such thing\n" +
		"           → ask for less\n" +
		"  haproxy  Serving: 10.0.0.1:80 on network shop\n" +
		"  how that was decided:\n"
	const tail = "route web.default: shop.test\nsettings of web are those of container web-1\n"
	for name, c := range map[string]struct {
		p    printer
		want string
	}{
		"plain": {printer{}, "    ok enabled     by its label lockstep.enable\n" +
			"    on kong\n" +
			"    ok address     10.0.0.1:80, on network shop\n" +
			"    NO applied     GatewayRejected: no such thing\n" +
			"    -- verified    it says nothing\n" +
			"    on haproxy\n" +
			"    .. applied     Starting: it is being told\n" +
			"       → wait\n"},
		"on a terminal": {printer{signs: true, colours: true}, "    ✓  enabled     by its label lockstep.enable\n" +
			"    on kong\n" +
			"    ✓  address     10.0.0.1:80, on network shop\n" +
			"\x1b[31m    ✗  applied     GatewayRejected: no such thing\x1b[0m\n" +
			"    ·  verified    it says nothing\n" +
			"    on haproxy\n" +
			"\x1b[33m    …  applied     Starting: it is being told\x1b[0m\n" +
			"       → wait\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			c.p.out = &out
			printExplanation(&c.p, explained())
			if diff := cmp.Diff(head+c.want+tail, out.String()); c.p.err != nil || diff != "" {
				t.Errorf("%v, (-want +got):\n%s", c.p.err, diff)
			}
		})
	}
}

// TestPrintTrailOfWhatDoesNotCount: the problem comes first, and then where the decisions ended.
func TestPrintTrailOfWhatDoesNotCount(t *testing.T) {
	problem := v1.Problem{Reason: v1.NotEnabled, Origin: v1.Origin{Container: "db"}, Message: "it has no label that begins with lockstep.", Fix: "set lockstep.enable=true"}
	instance := snapshot.Instance{ID: "0123456789abcdef", Name: "db"}
	e := status.Explanation{Subject: "db", Problems: []v1.Problem{problem},
		Decisions: []desired.Trail{desired.Outside(instance, "", &problem, v1.Problem{})}}
	var out bytes.Buffer
	printExplanation(&printer{out: &out}, e)
	want := "container \"db\": NotEnabled: it has no label that begins with lockstep.; set lockstep.enable=true\n" +
		"container db (0123456789ab)\n" +
		"  how that was decided:\n" +
		"    NO enabled     NotEnabled: it has no label that begins with lockstep.\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPrintSelection: of a service that selects it is said by what, and who is left out.
func TestPrintSelection(t *testing.T) {
	s := desired.Selection{Origin: v1.Origin{File: "m.yaml", Line: 6, Column: 3}, Labels: "app=shop", Running: 20, Picked: make([]string, 14)}
	for range 12 {
		s.LeftOut = append(s.LeftOut, v1.Problem{Reason: v1.NotEnabled, Origin: v1.Origin{Container: "old"}, Message: "it opts out"})
	}
	var out bytes.Buffer
	p := &printer{out: &out}
	printSelection(p, &s)
	printSelection(p, nil)
	want := "it selects containers by app=shop (m.yaml:6:3): it picks 14 of 20 that run\n" +
		strings.Repeat("  left out: container \"old\": NotEnabled: it opts out\n", 10) + "  and 2 more are left out\n"
	if diff := cmp.Diff(want, out.String()); p.err != nil || diff != "" {
		t.Errorf("%v, (-want +got):\n%s", p.err, diff)
	}
}

// TestNotThere: a container that ends again and again is told so whether it is asked
// for while it runs or while it waits.
func TestNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		note         docker.LookupNote
		reason       v1.Reason
		message, fix string
	}{
		"never started":  {docker.LookupNote{Status: "created"}, v1.NotRunning, "it is created", "start it"},
		"stopped":        {docker.LookupNote{Status: "exited (0)"}, v1.NotRunning, "it is exited (0)", "start it"},
		"died":           {docker.LookupNote{Status: "exited (137)", ExitCode: 137}, v1.NotRunning, "it is exited (137)", "docker logs web-1"},
		"waits":          {docker.LookupNote{Status: "restarting", ExitCode: 3, Restarts: 5}, v1.NotRunning, "exit code 3, and its restart policy starts it again (5 times so far)", "docker logs web-1"},
		"runs a moment":  {docker.LookupNote{Status: "running", Running: true, Restarts: 1}, v1.Starting, "its restart policy has done so 1 time so far", "docker logs web-1"},
		"begins to live": {docker.LookupNote{Status: "running", Running: true}, v1.Starting, "this instant", "ask again"},
	} {
		reason, message, fix := notThere("web-1", c.note)
		if reason != c.reason || !strings.Contains(message, c.message) || !strings.Contains(fix, c.fix) {
			t.Errorf("%s: %s: %s; %s", name, reason, message, fix)
		}
	}
}

// TestWhereAnEndpointIsReached: one that a manifest declares is on no network, also behind
// another gateway.
func TestWhereAnEndpointIsReached(t *testing.T) {
	for how, want := range map[string]string{
		"":                         "  kong     Serving: 10.0.0.9:80\n",
		"network shop":             "  kong     Serving: 10.0.0.9:80 on network shop\n",
		"through haproxy at e:290": "  kong     Serving: 10.0.0.9:80, through haproxy at e:290\n",
	} {
		verdicts := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving, Address: "10.0.0.9:80", How: how}}
		if got := printed(t, func(p *printer) { printVerdicts(p, verdicts) }); got != want {
			t.Errorf("%q: got %q, want %q", how, got, want)
		}
	}
}

// TestPrintAnswerOfWhatIsUncertain: 404 is said only of what is known to be answered so.
func TestPrintAnswerOfWhatIsUncertain(t *testing.T) {
	held := status.Answer{Gateway: v1.Kong, Status: 503, Held: true, Route: "web.default", Service: "web"}
	stale := status.Answer{Gateway: v1.Kong, Status: 404, Stale: "as last applied; now GatewayUnreachable: no answer", Holds: []v1.Key{{Kind: v1.KindService, Name: "old"}}}
	for want, answer := range map[string]status.Answer{
		"kong     what it makes of it is not known yet: Starting: it was not compared yet\n":               {Gateway: v1.Kong, Unknown: "Starting: it was not compared yet"},
		"kong     route old takes it, in Kong's own words (m.yaml:9:5): Kong sends \"/a\" where it says\n": {Gateway: v1.Kong, Route: "old", Target: "/a", Declared: v1.Origin{File: "m.yaml", Line: 9, Column: 5}},
		"kong     route web.default of service web, which is wanted no more: held by the guard, 503\n":     held,
		"kong     no route of Lockstep's takes it: 404, unless one takes it that others made in Kong\n" +
			"         as last applied; now GatewayUnreachable: no answer\n" +
			"         the guard holds service old, whose hosts and paths are not known any more: 503 where they match\n": stale,
	} {
		if got := printed(t, func(p *printer) { printAnswer(p, answer) }); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestExplainNamesTheNearest of what is known, whatever it is.
func TestExplainNamesTheNearest(t *testing.T) {
	report := status.Report{
		Services: []status.Service{{Standing: desired.Standing{Service: "shop", Instances: []desired.InstanceStanding{{Container: "shop-web-1"}}}}},
		Refused:  []status.Refused{{Problems: []v1.Problem{{Origin: v1.Origin{Container: "broken-1"}}}}},
	}
	for ref, want := range map[string]string{
		"tsho":       `"tsho"; did you mean shop?`,
		"shop-wbe-1": `did you mean shop-web-1?`,
		"broken1":    `did you mean broken-1?`,
		"elsewhere":  `"elsewhere"; see lockstep status for their names`,
		"a.test":     `see lockstep status for their names; if it is a host, add a path: lockstep explain a.test/`,
	} {
		err := unheardSubject(ref, report)
		if !errors.Is(err, server.ErrUnknown) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
