package controller

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// TestProgressIsTold: of changes that take long it is said how far they are, at most four
// times a second and only when it is something new; afterwards nothing is said of it.
func TestProgressIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.kong.Fail(func(c reconcilertest.Call) error { // each write takes 99 ms, and one of them ten seconds
			switch {
			case c.Verb != "list" && c.ID == "route/web03.default":
				<-time.After(10 * time.Second)
			case c.Verb != "list":
				<-time.After(99 * time.Millisecond)
			}
			return nil
		})
		before := s.status.Report().Revision
		var told []status.Applying
		go func() {
			for !s.Ready() {
				changed := s.status.Changed()
				if now := s.status.Report().Gateways[0].Applying; now != nil {
					told = append(told, *now)
				}
				<-changed
			}
		}()
		s.source.say(full(names(5)...)) // 16 changes: one, and a backend, a server and a route for each
		pass(time.Minute)
		want := []status.Applying{{Done: 2, Total: 16}, {Done: 5, Total: 16}, {Done: 7, Total: 16}, {Done: 10, Total: 16}, {Done: 12, Total: 16}, {Done: 14, Total: 16}}
		if diff := cmp.Diff(want, told, cmpopts.IgnoreFields(status.Applying{}, "Since")); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		report := s.status.Report()
		if g := report.Gateways[0]; g.Applying != nil || g.Changes != 16 {
			t.Errorf("after the round: applying %v, %d changes made", g.Applying, g.Changes)
		}
		if extra := report.Revision - before; extra > 20 {
			t.Errorf("the status changed %d times", extra)
		}
		if line := s.status.Underway(); line != "" {
			t.Errorf("after the round: %q", line)
		}
	})
}

// TestNewServiceOnAGatewayThatHangs: it is Starting there for as long as the gateway does not
// answer, a service that was there goes on, and the status says since when the gateway is silent.
func TestNewServiceOnAGatewayThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("old"))
		pass(time.Second)
		hang := make(chan struct{})
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.Verb != "list" {
				<-hang
			}
			return nil
		})
		s.source.say(full("old", "new"))
		began := time.Now()
		pass(12 * time.Second)
		reason := func(service string) []v1.Reason {
			e, _ := s.status.Explain(service)
			var out []v1.Reason
			for _, v := range e.Services[0].Instances[0].Verdicts {
				out = append(out, v.Reason)
			}
			return out
		}
		if got := reason("new"); got[0] != v1.Starting || got[1] != v1.Serving {
			t.Errorf("the new service is %v on Kong, which hangs, and HAProxy", got)
		}
		if got := reason("old"); got[0] != v1.Serving || got[1] != v1.Serving {
			t.Errorf("the old service is %v", got)
		}
		if g := s.status.Report().Gateways[0]; g.Applying == nil || g.Applying.Waiting(began.Add(12*time.Second)) == "" {
			t.Errorf("the status says nothing of a gateway that hangs: %+v", g.Applying)
		}
		close(hang)
		pass(time.Second)
		if got := reason("new"); got[0] != v1.Serving {
			t.Errorf("the new service is %v after Kong took it", got)
		}
	})
}

// TestQuickRoundsTellNoProgress: what is over at once wakes nobody in between.
func TestQuickRoundsTellNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("web1"))
		before := s.status.Report().Revision
		s.source.say(full(names(40)...))
		pass(time.Minute)
		// The source's state, the build, and a round of each of two gateways; the last two once
		// more for web1, which is gone.
		if extra := s.status.Report().Revision - before; extra > 8 {
			t.Errorf("the status changed %d times", extra)
		}
	})
}

// Ready reports whether both gateways hold what is desired.
func (s *stage) Ready() bool {
	ready, _ := s.status.Ready()
	return ready && !slices.ContainsFunc(s.status.Report().Gateways, func(g status.Gateway) bool { return g.Reason != v1.Serving })
}
