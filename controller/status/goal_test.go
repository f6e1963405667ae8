package status

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/reconcilers"
)

// copyOf is an instance that is reached at an address, with a verdict on HAProxy.
func copyOf(name string, verdict desired.Verdict) desired.InstanceStanding {
	verdict.Gateway, verdict.Address = v1.HAProxy, "172.17.0.2:80"
	return desired.InstanceStanding{ID: name + "0123456789", Container: name, Verdicts: []desired.Verdict{verdict}}
}

func TestReaches(t *testing.T) {
	serving, leaving := desired.Verdict{Reason: v1.Serving}, desired.Verdict{Reason: v1.Draining, Message: "stop signal TERM was sent"}
	sick := desired.Verdict{Reason: v1.Unhealthy, Message: "its HEALTHCHECK fails", Fix: "look at its log"}
	busy, idle, unknown := leaving, leaving, leaving
	busy.Sessions, idle.Sessions, unknown.Uncounted = new(3), new(0), "socket gone"
	for name, c := range map[string]struct {
		subject string
		pending []v1.Gateway
		copies  []desired.InstanceStanding
		serving string // what is missing; "-" for nothing
		drained string
	}{
		"serving":           {"web", nil, []desired.InstanceStanding{copyOf("a", serving)}, "-", "a on haproxy: it gets traffic"},
		"not told yet":      {"web", []v1.Gateway{v1.HAProxy}, []desired.InstanceStanding{copyOf("a", serving)}, "a on haproxy: not applied yet", "it gets traffic"},
		"nothing there":     {"web", nil, nil, "web has no instances", "-"},
		"one replaced":      {"web", nil, []desired.InstanceStanding{copyOf("a", serving), copyOf("b", leaving)}, "-", "a on haproxy"},
		"one sick":          {"web", nil, []desired.InstanceStanding{copyOf("a", serving), copyOf("b", sick)}, "b on haproxy: Unhealthy: its HEALTHCHECK fails; look at its log", "a on haproxy"},
		"all leave":         {"web", nil, []desired.InstanceStanding{copyOf("a", idle), copyOf("b", idle)}, "Draining: stop signal TERM was sent", "-"},
		"one leaves":        {"b", nil, []desired.InstanceStanding{copyOf("b", leaving)}, "b on haproxy: Draining", "-"},
		"leaves, not told":  {"b", []v1.Gateway{v1.HAProxy}, []desired.InstanceStanding{copyOf("b", leaving)}, "Draining", "does not know yet"},
		"has sessions":      {"b", nil, []desired.InstanceStanding{copyOf("b", busy)}, "Draining", "3 sessions go on"},
		"sessions unknown":  {"b", nil, []desired.InstanceStanding{copyOf("b", unknown)}, "Draining", "not known: socket gone"},
		"enabled nowhere":   {"a", nil, []desired.InstanceStanding{copyOf("a", desired.Verdict{Reason: v1.NotEnabled})}, "enabled on none", "-"},
		"refused":           {"a", nil, []desired.InstanceStanding{copyOf("a", desired.Verdict{Reason: v1.GatewayRejected, Message: "too long"})}, "too long", "may get traffic as before"},
		"others sick, kept": {"web", nil, []desired.InstanceStanding{copyOf("a", leaving), copyOf("b", sick)}, "b on haproxy: Unhealthy", "-"},
	} {
		t.Run(name, func(t *testing.T) {
			e := Explanation{Subject: c.subject, Services: []Service{{Standing: desired.Standing{Service: "web", Instances: c.copies}, Pending: c.pending}}}
			for goal, want := range map[Goal]string{GoalServing: c.serving, GoalDrained: c.drained} {
				reached, missing := e.Reaches(goal)
				if reached != (want == "-") || reached != (missing == "") || !reached && !strings.Contains(missing, want) {
					t.Errorf("%s: %t, missing %q; want %q", goal, reached, missing, want)
				}
			}
		})
	}
}

// TestReachesOfWhatDoesNotCount: it is never serving, and has nothing to finish.
func TestReachesOfWhatDoesNotCount(t *testing.T) {
	e := Explanation{Subject: "db", Problems: []v1.Problem{{Reason: v1.NotRunning, Message: "it is exited", Fix: "start it"}}}
	if reached, missing := e.Reaches(GoalServing); reached || !strings.Contains(missing, "it is exited") {
		t.Errorf("serving: %t, missing %q", reached, missing)
	}
	if reached, missing := e.Reaches(GoalDrained); !reached || missing != "" {
		t.Errorf("what does not run is not drained: %t, missing %q", reached, missing)
	}
	e.Problems[0].Reason = v1.Starting
	if reached, _ := e.Reaches(GoalDrained); reached {
		t.Error("what is about to get traffic is drained")
	}
	if reached, _ := (Explanation{Subject: "nobody"}).Reaches(GoalDrained); reached {
		t.Error("what nobody knows is drained")
	}
}

// TestInspected: sessions are told of what gets nothing new on that gateway alone,
// and what it holds for sick is not said to be served.
func TestInspected(t *testing.T) {
	s := Service{Standing: desired.Standing{Service: "web", Instances: []desired.InstanceStanding{
		copyOf("a", desired.Verdict{Reason: v1.Serving}), copyOf("b", desired.Verdict{Reason: v1.Draining}), copyOf("c", desired.Verdict{Reason: v1.Serving}),
	}}}
	known := func(id string) reconcilers.Live {
		if id[0] == 'c' {
			return reconcilers.Live{Sessions: 1, Down: "its check fails", Fix: "look at it"}
		}
		return reconcilers.Live{Sessions: len(id)}
	}
	s.Inspected(v1.Kong, known, nil)
	if s.Instances[2].Verdicts[0].Reason != v1.Serving {
		t.Error("what one gateway knows is said of the other")
	}
	s.Inspected(v1.HAProxy, known, nil)
	a, b, c := s.Instances[0].Verdicts[0], s.Instances[1].Verdicts[0], s.Instances[2].Verdicts[0]
	if a.Sessions != nil || a.Reason != v1.Serving || b.Sessions == nil || *b.Sessions != len("b0123456789") {
		t.Errorf("a: %+v, b: %+v", a, b)
	}
	if reached, missing := (Explanation{Subject: "c0123456789", Services: []Service{{Standing: desired.Standing{Service: "web", Instances: s.Instances[2:]}}}}).Reaches(GoalDrained); reached || !strings.Contains(missing, "1 sessions go on") {
		t.Errorf("with a session, and its check failing: drained %t, missing %q", reached, missing)
	}
	if c.Reason != v1.Unhealthy || c.Message != "its check fails" || c.Fix != "look at it" {
		t.Errorf("c: %+v", c)
	}
	s.Inspected(v1.HAProxy, nil, errors.New("socket gone"))
	if got := s.Instances[1].Verdicts[0].Uncounted; got != "socket gone" {
		t.Errorf("uncounted says %q", got)
	}
}
