package controller

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
)

// TestPause: a gateway that is paused stays as it is, also for a daemon that starts
// anew, while the other one follows; resumed, it makes up for what it missed.
func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var saved *ledger.Ledger
		s := begin(t, func(o *Options) {
			o.Remember = func(l *ledger.Ledger) error { saved = l.Clone(); return nil }
		})
		s.source.say(full("a"))
		before := s.kong.World()
		for _, changed := range []bool{true, false} {
			got, err := s.Pause(t.Context(), PauseOrder{Gateways: []v1.Gateway{v1.Kong}, By: "alice"})
			if err != nil || len(got) != 1 || !got[0].Paused || got[0].Changed != changed || got[0].By != "alice" {
				t.Fatalf("got %+v, %v", got, err)
			}
		}
		if saved.Pauses.Get("kong").By != "alice" {
			t.Errorf("the ledger says %+v", saved.Pauses)
		}
		s.source.say(full("a", "b"))
		if s.kong.World() != before || s.hap.World() == before {
			t.Errorf("kong holds\n%s\nhaproxy holds\n%s", s.kong.World(), s.hap.World())
		}
		report := s.status.Report()
		if g := report.Gateways[0]; g.Reason != v1.Paused || !strings.Contains(g.Error, "paused by alice since") || !strings.Contains(g.Error, "changes wait") {
			t.Errorf("status says %s: %s", g.Reason, g.Error)
		}
		if got := report.Services[1].Instances[0].Verdicts[0]; got.Reason != v1.Paused {
			t.Errorf("of what is new it says %+v", got)
		}
		if got := report.Services[0].Instances[0].Verdicts[0]; got.Reason != v1.Serving {
			t.Errorf("of what was there before it says %+v", got)
		}
		previews, err := s.Previews(t.Context())
		if err != nil || previews[0].Plan.Empty() {
			t.Errorf("the plan does not show what waits: %+v, %v", previews, err)
		}
		got, err := s.Pause(t.Context(), PauseOrder{Resume: true})
		if err != nil || len(got) != 2 || !got[0].Changed || got[1].Changed {
			t.Fatalf("resumed: %+v, %v", got, err)
		}
		synctest.Wait()
		if s.kong.World() != s.hap.World() || saved.Pauses.Len() > 0 {
			t.Errorf("after it was resumed, with %v in the ledger, kong holds\n%s\nhaproxy holds\n%s", saved.Pauses, s.kong.World(), s.hap.World())
		}
		if _, err := s.Pause(t.Context(), PauseOrder{Gateways: []v1.Gateway{"envoy"}}); err == nil || !strings.Contains(err.Error(), "kong, haproxy") {
			t.Errorf("of a stranger: %v", err)
		}
	})
}

// TestPauseLastsOverRestarts: who starts with a pause in the ledger changes nothing.
func TestPauseLastsOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := ledger.New()
		memory.Pauses.Set("kong", ledger.Pause{By: "alice", Since: time.Now().UTC()})
		s := begin(t, func(o *Options) { o.Memory = memory })
		empty := s.kong.World()
		s.source.say(full("a"))
		if s.kong.World() != empty || s.hap.World() == empty {
			t.Errorf("kong holds\n%s\nhaproxy holds\n%s", s.kong.World(), s.hap.World())
		}
	})
}

// TestPauseSpendsNothingOfTheGuard: rounds that only look don't count removals.
func TestPauseSpendsNothingOfTheGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("a", "b", "c"))
		if _, err := s.Pause(t.Context(), PauseOrder{}); err != nil {
			t.Fatal(err)
		}
		s.source.say(gone("a"))
		pass(11 * time.Minute) // its grace time is over
		for range 5 {
			s.workers[0].refresh()
			synctest.Wait()
		}
		if got := s.workers[0].guard.Memory(); len(got.Passed)+len(got.Held) > 0 {
			t.Errorf("the guard remembers %+v", got)
		}
		if _, err := s.Pause(t.Context(), PauseOrder{Resume: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.workers[0].guard.Memory(); len(got.Passed) != 1 {
			t.Errorf("after it was resumed the guard remembers %+v", got)
		}
	})
}

// TestPauseWaits: when a pause is said to hold, what was begun before has ended; who
// would have to wait for long is told so.
func TestPauseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		s := begin(t, func(o *Options) {
			o.Gateways[0].Reconciler = slow{Reconciler: o.Gateways[0].Reconciler, until: free}
		})
		order := PauseOrder{Gateways: []v1.Gateway{v1.Kong}, By: "alice"}
		if _, err := s.Pause(t.Context(), order); err != nil {
			t.Fatalf("before there is anything to do: %v", err)
		}
		if _, err := s.Pause(t.Context(), PauseOrder{Resume: true}); err != nil {
			t.Fatal(err)
		}
		s.source.say(full("web1"))
		if _, err := s.Pause(t.Context(), order); err == nil || !strings.Contains(err.Error(), "kong is paused, but") {
			t.Errorf("while the gateway hangs: %v", err)
		}
		time.AfterFunc(time.Second, func() { close(free) })
		got, err := s.Pause(t.Context(), order)
		if err != nil || !got[0].Paused {
			t.Fatalf("%+v, %v", got, err)
		}
		writes := s.kong.Writes()
		if holds(s.kong) != 1 {
			t.Error("what was begun was not ended: the test is none")
		}
		s.source.say(full("web1", "web2"))
		if s.kong.Writes() != writes {
			t.Error("a paused gateway is written to")
		}
	})
}
