package controller

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

func TestBothGatewaysFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("web1", "web2"))
		for name, gateway := range map[string]*reconcilertest.Memory{"kong": s.kong, "haproxy": s.hap} {
			for _, want := range []string{"backend/web1", "address=10.0.0.2:80", "route/web2.default"} {
				if !strings.Contains(gateway.World(), want) {
					t.Errorf("%s lacks %q:\n%s", name, want, gateway.World())
				}
			}
		}
		if ready, why := s.status.Ready(); !ready {
			t.Errorf("not ready: %s", why)
		}
		before := s.kong.Writes()
		s.source.say(snapshot.Delta{Changed: containers("web1")})
		pass(time.Hour) // the slow rounds pass
		if after := s.kong.Writes(); after != before {
			t.Errorf("%d writes though nothing changed", after-before)
		}
	})
}

func TestNothingBeforeEverySourceHasLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := &played{}
		s := begin(t, func(o *Options) { o.Sources = append(o.Sources, late) })
		s.source.say(full("web1"))
		pass(time.Minute)
		if calls := s.kong.Calls(); len(calls) > 0 {
			t.Fatalf("kong was called before the second source had loaded: %v", calls)
		}
		late.say(full("web2"))
		if got := holds(s.kong); got != 2 {
			t.Errorf("kong holds %d services, want 2:\n%s", got, s.kong.World())
		}
	})
}

func TestOneGatewayNeverDelaysTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		s := begin(t, func(o *Options) {
			o.Gateways[0].Reconciler = slow{Reconciler: o.Gateways[0].Reconciler, until: stuck}
		})
		s.source.say(full("web1"))
		if got := holds(s.hap); got != 1 {
			t.Errorf("haproxy holds %d services while kong hangs, want 1", got)
		}
		if got := holds(s.kong); got != 0 {
			t.Errorf("kong holds %d services, want 0 as it hangs", got)
		}
		s.source.say(snapshot.Delta{Changed: containers("web1", "web2")[1:]})
		close(stuck)
		synctest.Wait()
		if got := holds(s.kong); got != 2 {
			t.Errorf("kong holds %d services after it came back, want 2", got)
		}
	})
}

// slow is a reconciler whose gateway answers only from some moment on.
type slow struct {
	reconcilers.Reconciler
	until chan struct{}
}

func (s slow) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	select {
	case <-s.until:
	case <-ctx.Done():
	}
	return s.Reconciler.Observe(ctx, scope)
}

func TestGatewayThatWasDownIsCompleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full("web1"))
		s.kong.Fail(func(reconcilertest.Call) error { return errors.New("connection refused") })
		s.source.say(snapshot.Delta{Changed: containers("web1", "web2", "web3")[1:]})
		pass(5 * time.Minute)
		report := s.status.Report()
		if g := report.Gateways[0]; g.Reason != v1.GatewayUnreachable || g.Pending != 2 {
			t.Errorf("kong is %s with %d pending, want GatewayUnreachable with 2", g.Reason, g.Pending)
		}
		if got := holds(s.hap); got != 3 {
			t.Errorf("haproxy holds %d services, want 3", got)
		}
		s.kong.Fail(nil)
		pass(11 * time.Second) // the longest backoff
		if got := holds(s.kong); got != 3 {
			t.Errorf("kong holds %d services after it came back, want 3", got)
		}
		if ready, why := s.status.Ready(); !ready {
			t.Errorf("not ready: %s", why)
		}
	})
}

// TestGatewayThatIsBackIsNotWaitedFor: who watches a gateway and sees that it is
// back need not wait for the next try, which may be ten seconds away.
func TestGatewayThatIsBackIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watched := &watchedMemory{back: make(chan struct{})}
		s := begin(t, func(o *Options) {
			watched.Reconciler = o.Gateways[1].Reconciler
			o.Gateways[1].Reconciler = watched
		})
		s.source.say(full("web1"))
		s.hap.Fail(func(reconcilertest.Call) error { return errors.New("it is frozen") })
		s.source.say(snapshot.Delta{Changed: containers("web1", "web2")[1:]})
		pass(5 * time.Minute)
		s.hap.Fail(nil)
		watched.back <- struct{}{}
		synctest.Wait()
		if got := holds(s.hap); got != 2 {
			t.Errorf("haproxy holds %d services at the moment at which it is back, want 2", got)
		}
	})
}

// watchedMemory is a gateway in memory whose return somebody notices.
type watchedMemory struct {
	reconcilers.Reconciler
	back chan struct{}
}

func (w *watchedMemory) Watch(ctx context.Context, poke func()) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.back:
			poke()
		}
	}
}

func TestRefusedObjectIsNotAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		asked := 0
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.ID == "route/web1.default" && c.Verb != "list" {
				asked++
				return reconcilertest.ErrTaken
			}
			return nil
		})
		s.source.say(full("web1", "web2"))
		pass(time.Minute)
		s.source.say(snapshot.Delta{Changed: containers("web1", "web2", "web3")[2:]})
		if asked != 1 {
			t.Errorf("the refused route was asked for %d times, want 1", asked)
		}
		if got := holds(s.kong); got != 3 {
			t.Errorf("kong holds %d services, want 3: one bad apple stays one", got)
		}
		explanation, ok := s.status.Explain("web1")
		if !ok || explanation.Services[0].Routes[0].Verdicts[0].Reason != v1.Conflict {
			t.Errorf("explain does not tell of the conflict: %+v", explanation)
		}
		s.kong.Fail(nil)
		pass(11 * time.Minute) // a slow round
		if !strings.Contains(s.kong.World(), "route/web1.default") {
			t.Errorf("the route is missing after its name became free:\n%s", s.kong.World())
		}
	})
}

// TestWhatWasRefusedAlongIsAskedAgain: the server was refused only because its
// backend was; when the backend is asked for in another way, both are.
func TestWhatWasRefusedAlongIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.ID == "backend/web1" && c.Verb != "list" {
				return reconcilertest.ErrKind // for good, as it is
			}
			return nil
		})
		s.source.say(full("web1"))
		if got := holds(s.kong); got != 0 {
			t.Fatalf("kong holds %d services, want 0 as the backend is refused", got)
		}
		s.kong.Fail(nil)
		changed := containers("web1")
		changed[0].Labels["lockstep.read_timeout"] = "7s"
		s.source.say(snapshot.Delta{Changed: changed})
		for _, want := range []string{"backend/web1", "server/web1/", "route/web1.default"} {
			if !strings.Contains(s.kong.World(), want) {
				t.Errorf("kong lacks %s:\n%s", want, s.kong.World())
			}
		}
	})
}

func TestGuardHoldsAMassRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full(names(12)...))
		s.source.say(gone(names(12)...))
		if strings.Contains(s.hap.World(), "server/") {
			t.Errorf("instances known to be dead are still there:\n%s", s.hap.World())
		}
		pass(2 * time.Minute) // the grace time ends
		if got := holds(s.hap); got != 8 {
			t.Errorf("haproxy holds %d services, want 12 less the 4 that pass", got)
		}
		if held := s.status.Report().Gateways[1].Held; len(held) != 8 { // a service counts with its routes
			t.Errorf("%d removals are reported as held, want 8", len(held))
		}
		pass(11 * time.Minute)
		if got := holds(s.hap); got != 0 {
			t.Errorf("haproxy holds %d services after ten quiet minutes, want 0:\n%s", got, s.hap.World())
		}
	})
}

// TestQuietTimeBeginsAnewWhenASourceIsBack: what was held goes ten minutes after a source that was
// away is there again, though nothing happened at the gateway while it was away.
func TestQuietTimeBeginsAnewWhenASourceIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full(names(12)...))
		s.source.say(gone(names(12)...))
		pass(3 * time.Minute)
		s.source.lose(true)
		pass(time.Minute)
		s.source.lose(false)
		pass(9 * time.Minute)
		if got := holds(s.hap); got != 8 {
			t.Errorf("haproxy holds %d services nine minutes after the source came back, want the 8 that are held", got)
		}
		pass(2 * time.Minute)
		if got := holds(s.hap); got != 0 {
			t.Errorf("haproxy holds %d services eleven minutes after the source came back, want 0", got)
		}
	})
}

// TestGuardIsKeptForTheNextDaemon: what is held is saved before anything goes,
// and another daemon goes on with it.
func TestGuardIsKeptForTheNextDaemon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept reconcilers.GuardMemory
		s := begin(t, func(o *Options) {
			o.Gateways[1].KeepGuard = func(m reconcilers.GuardMemory) error { kept = m; return nil }
		})
		s.source.say(full(names(12)...))
		s.source.say(gone(names(12)...))
		pass(2 * time.Minute)
		synctest.Wait()
		if len(kept.Held) != 8 {
			t.Fatalf("%d removals were kept for the next daemon, want 8", len(kept.Held))
		}
		next := begin(t, func(o *Options) {
			o.Gateways = []Gateway{{Name: v1.HAProxy, Reconciler: s.hap.Open("lockstep"), Guarded: kept}}
			o.Status = status.New("test", "lockstep", []v1.Gateway{v1.HAProxy})
		})
		next.source.say(full())
		if got := holds(s.hap); got != 8 {
			t.Errorf("haproxy holds %d services after a restart, want the 8 that are held", got)
		}
	})
}

func TestConfirmLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.source.say(full(names(12)...))
		s.source.say(gone(names(12)...))
		pass(2 * time.Minute)
		s.Confirm()
		synctest.Wait()
		if got := holds(s.kong); got != 0 {
			t.Errorf("kong holds %d services after apply --confirm, want 0", got)
		}
	})
}

func TestLedgerIsSavedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var saved atomic.Int32
		var room atomic.Bool
		s := begin(t, func(o *Options) {
			o.Remember = func(*ledger.Ledger) error {
				if !room.Load() {
					return errors.New("no space left on device")
				}
				saved.Add(1)
				return nil
			}
		})
		s.source.say(full("web1"))
		if got := holds(s.kong); got != 1 {
			t.Errorf("kong holds %d services with a full disk, want 1", got)
		}
		room.Store(true)
		pass(2 * time.Second)
		if n := saved.Load(); n != 1 {
			t.Errorf("the ledger was saved %d times after there was room, want 1", n)
		}
	})
}

// TestPreviewOfAGatewayThatHangs: it says so, and the other one answers.
func TestPreviewOfAGatewayThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) {
			o.Gateways[0].Reconciler = slow{Reconciler: o.Gateways[0].Reconciler, until: make(chan struct{})}
		})
		s.source.say(full("web1"))
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		previews, err := s.Previews(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if previews[0].Error == "" || previews[1].Error != "" {
			t.Errorf("kong says %q and haproxy %q, want only kong silent", previews[0].Error, previews[1].Error)
		}
	})
}

// TestDryRunChangesNothing looks, says what it would do, and is never "Serving"
// for what it did not do.
func TestDryRunChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) { o.DryRun = true })
		s.source.say(full("web1"))
		if writes := s.kong.Writes() + s.hap.Writes(); writes != 0 {
			t.Errorf("%d writes in a dry run", writes)
		}
		if g := s.status.Report().Gateways[0]; g.Reason != v1.Paused || !strings.Contains(g.Error, "dry run") {
			t.Errorf("kong is %s (%s), want Paused by the dry run", g.Reason, g.Error)
		}
		if !s.status.Compared() {
			t.Error("the dry run does not know that it is done")
		}
	})
}

// TestPreviewLeavesRefusedOut: what waits for a change of its input is no change
// that would be made.
func TestPreviewLeavesRefusedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.ID == "route/web1.default" && c.Verb != "list" {
				return reconcilertest.ErrTaken
			}
			return nil
		})
		s.source.say(full("web1"))
		previews, err := s.Previews(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		kong := previews[0]
		if !kong.Plan.Empty() || len(kong.Problems) != 1 || kong.Problems[0].Reason != v1.Conflict {
			t.Errorf("preview of kong: %d changes, problems %v; want none, and one conflict", len(kong.Plan.Changes), kong.Problems)
		}
	})
}
