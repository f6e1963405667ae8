package status

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestFollow: after what was decided comes what the gateway took, and what it says itself.
func TestFollow(t *testing.T) {
	applied := time.Date(2026, 1, 1, 12, 0, 0, 0, time.Local)
	up := Gateway{Name: v1.HAProxy, Reason: v1.Serving, Applied: applied}
	away := Gateway{Name: v1.HAProxy, Reason: v1.GatewayUnreachable, Error: "it is away", Applied: applied}
	ready := desired.Step{Name: desired.StepState, Result: desired.MarkOK, Message: "it runs"}
	drains := desired.Step{Name: desired.StepState, Result: desired.MarkFailed, Reason: v1.Draining, Message: "a signal was sent"}
	held := "it holds what was decided; it was last brought up to date at " + instant.Text(applied)
	for name, c := range map[string]struct {
		gateway Gateway
		before  desired.Step
		verdict desired.Verdict
		pending bool
		live    *reconcilers.Live // nil: it was not asked
		err     error
		want    []desired.Step
	}{
		"not asked": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held}}},
		"up": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, live: &reconcilers.Live{State: "UP", Sessions: 3},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOK, Message: "it says itself: UP, with 3 sessions"}}},
		"its check fails": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, live: &reconcilers.Live{State: "DOWN", Down: "its check fails", Fix: "look"},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkFailed, Reason: v1.Unhealthy, Message: "its check fails", Fix: "look"}}},
		"set aside by hand": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, live: &reconcilers.Live{State: "MAINT"},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOpen, Reason: v1.Paused, Message: "it says MAINT, which was not asked for", Fix: "see who set it so on haproxy itself"}}},
		"not known there": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, live: &reconcilers.Live{},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOpen, Reason: v1.Starting, Message: "it does not know of it yet"}}},
		"does not answer": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, live: &reconcilers.Live{}, err: errors.New("socket gone"),
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOpen, Reason: v1.GatewayUnreachable, Message: "it can't be asked now: socket gone"}}},
		"waits": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, pending: true, live: &reconcilers.Live{},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOpen, Reason: v1.Starting, Message: "it is being told"}}},
		"waits for a gateway that is away": {gateway: away, before: ready, verdict: desired.Verdict{Reason: v1.Serving}, pending: true,
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOpen, Reason: v1.GatewayUnreachable, Message: "it is away"}}},
		"refused": {gateway: up, before: ready, verdict: desired.Verdict{Reason: v1.GatewayRejected, Message: "too long", Fix: "shorten it"}, live: &reconcilers.Live{State: "UP"},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkFailed, Reason: v1.GatewayRejected, Message: "too long", Fix: "shorten it"}}},
		"nobody asks": {gateway: Gateway{Name: v1.HAProxy, Applied: applied, Verification: &Verification{Off: true}}, before: ready, verdict: desired.Verdict{Reason: v1.Serving},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOpen, Message: "nobody asks its workers whether they serve what it accepted", Fix: "name its proxy: --haproxy-proxy-url"}}},
		"accepted": {gateway: Gateway{Name: v1.HAProxy, Applied: applied, Verification: &Verification{}}, before: ready, verdict: desired.Verdict{Reason: v1.Starting, Accepted: applied, Message: "not yet"},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOpen, Reason: v1.Starting, Message: "not yet"}}},
		"served by all workers": {gateway: Gateway{Name: v1.HAProxy, Applied: applied, Verification: &Verification{}}, before: ready, verdict: desired.Verdict{Reason: v1.Serving},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkOK, Message: held},
				{Name: desired.StepVerified, Result: desired.MarkOK, Message: "its workers serve what it accepted"}}},
		"drains": {gateway: up, before: drains, verdict: desired.Verdict{Reason: v1.Draining}, live: &reconcilers.Live{State: "DRAIN"},
			want: []desired.Step{{Name: desired.StepApplied, Result: desired.MarkMoot, Message: held}}},
	} {
		t.Run(name, func(t *testing.T) {
			service := Service{Standing: desired.Standing{Service: "web", Instances: []desired.InstanceStanding{copyOf("a", c.verdict)}}}
			if c.pending {
				service.Pending = []v1.Gateway{v1.HAProxy}
			}
			e := Explanation{Services: []Service{service}, gateways: []Gateway{{Name: v1.Kong}, c.gateway}}
			if c.live != nil {
				e.Services[0].Inspected(v1.HAProxy, func(string) reconcilers.Live { return *c.live }, c.err)
			}
			e.Follow([]desired.Trail{{ID: service.Instances[0].ID, Service: "web", Steps: []desired.Step{c.before}}})
			for i := range c.want {
				c.want[i].Gateway = v1.HAProxy
			}
			if diff := cmp.Diff(append([]desired.Step{c.before}, c.want...), e.Decisions[0].Steps); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
