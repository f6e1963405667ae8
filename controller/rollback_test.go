package controller

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// recall opens the history of a directory for a test.
func recall(t *testing.T, dir string) *history.Keeper {
	t.Helper()
	store, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return history.NewKeeper(func() (*history.Store, error) { return store, nil }, slog.New(slog.DiscardHandler), nil)
}

// relabelled is another copy in place of the named one, with another host.
func relabelled(name, copied, host string) snapshot.Delta {
	instance := containers(name)[0]
	instance.Labels["lockstep.service"] = name
	instance.ID, instance.Name, instance.Labels["lockstep.hosts"] = copied+"-0123456789", copied, host
	instance.Created = instance.Created.Add(time.Hour)
	delta := gone(name)
	delta.Changed = []snapshot.Instance{instance}
	return delta
}

func generations(t *testing.T, k *history.Keeper) []history.Generation {
	t.Helper()
	out, err := k.List("", 100)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRollback: a service goes back to what it asked for with the containers of today,
// stays there over a restart whatever they ask for, and follows them again when it is
// released.
func TestRollback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, dir := ledger.New(), t.TempDir()
		var saved *ledger.Ledger
		keeper := recall(t, dir)
		s := begin(t, func(o *Options) {
			o.Memory, o.History = memory, keeper
			o.Remember = func(l *ledger.Ledger) error { saved = l.Clone(); return nil }
		})
		s.source.say(full("web", "api"))
		pass(2 * time.Second)
		s.source.say(relabelled("web", "web-2", "new.test"))
		pass(2 * time.Second)
		if got := generations(t, keeper); len(got) != 2 || got[0].Changes[0].Fields[0].After != "new.test" || got[0].Changes[0].Origin.Container != "web-2" {
			t.Fatalf("history is %+v", got)
		}
		before := s.kong.World()

		preview, err := s.Rollback(t.Context(), RollbackOrder{Generation: 1, Preview: true})
		if err != nil || len(preview) != 1 || preview[0].Service != "web" || !preview[0].Changed || preview[0].Fields[0].After != "web.test" {
			t.Fatalf("the preview is %+v, %v", preview, err)
		}
		if s.kong.World() != before || memory.Pins.Len() > 0 {
			t.Error("the preview changed something")
		}
		for _, changed := range []bool{true, false} {
			done, err := s.Rollback(t.Context(), RollbackOrder{Generation: 1, Services: []string{"web"}, By: "alice"})
			if err != nil || len(done) != 1 || done[0].Changed != changed || done[0].Generation != 1 {
				t.Fatalf("rolled back: %+v, %v", done, err)
			}
			pass(2 * time.Second)
		}
		for name, gateway := range map[string]*reconcilertest.Memory{"kong": s.kong, "haproxy": s.hap} {
			if world := gateway.World(); !strings.Contains(world, "web.test") || strings.Contains(world, "new.test") || !strings.Contains(world, "server/web/web-2") {
				t.Errorf("%s holds\n%s", name, world)
			}
		}
		if pin := saved.Pins.Get("web"); pin.By != "alice" || pin.Generation != 1 {
			t.Errorf("the ledger says %+v", saved.Pins)
		}
		if got := generations(t, keeper); len(got) != 3 || got[0].Changes[0].RolledBackTo != 1 || got[0].Changes[0].By != "alice" {
			t.Errorf("history is %+v", got)
		}
		service := s.status.Report().Services[1]
		if service.Pinned == nil || service.Pinned.Generation != 1 || !strings.Contains(service.Problems[0].Error(), "lockstep release web") {
			t.Errorf("status says %+v, %v", service.Pinned, service.Problems)
		}
		if err := keeper.Close(); err != nil {
			t.Fatal(err)
		}
		keeper = recall(t, dir)
		again := begin(t, func(o *Options) { o.Memory, o.History = saved.Clone(), keeper })
		delta := relabelled("web", "web-4", "newer.test")
		delta.Full, delta.Attachments = true, full().Attachments
		delta.Removed = nil
		again.source.say(delta)
		pass(2 * time.Second)
		if world := again.kong.World(); !strings.Contains(world, "web.test") || strings.Contains(world, "newer.test") {
			t.Errorf("after a restart kong holds\n%s", world)
		}
		done, err := again.Rollback(t.Context(), RollbackOrder{Release: true, By: "bob"})
		if err != nil || len(done) != 1 || !done[0].Changed || done[0].Fields[0].After != "newer.test" {
			t.Fatalf("released: %+v, %v", done, err)
		}
		pass(2 * time.Second)
		if world := again.kong.World(); !strings.Contains(world, "newer.test") || strings.Contains(world, "web.test") {
			t.Errorf("released, kong holds\n%s", world)
		}
		got := generations(t, keeper)
		if c := got[0].Changes[0]; !c.Released || c.By != "bob" || c.Service != "web" {
			t.Errorf("history is %+v", got[0])
		}
	})
}

// TestRollbackSaysWhatItCannot: what an order can't be carried out for is named, with
// the reason, and nothing of it is pinned.
func TestRollbackSaysWhatItCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeper := recall(t, t.TempDir())
		s := begin(t, func(o *Options) { o.History = keeper })
		if _, err := s.Rollback(t.Context(), RollbackOrder{Release: true}); !errors.Is(err, errEarly) {
			t.Errorf("before anything is known: %v", err)
		}
		s.source.say(full("web"))
		pass(2 * time.Second)
		s.source.say(full("web", "late"))
		pass(2 * time.Second)
		s.source.say(gone("web"))
		pass(5 * time.Minute) // its grace time
		s.source.say(relabelled("taker", "taker-1", "web.test"))
		pass(2 * time.Second)

		if _, err := s.Rollback(t.Context(), RollbackOrder{Generation: 99}); !errors.Is(err, history.ErrUnknown) {
			t.Errorf("of a generation that is not kept: %v", err)
		}
		done, err := s.Rollback(t.Context(), RollbackOrder{Generation: 1, Services: []string{"web", "late", "nobody"}})
		if err != nil || len(done) != 3 {
			t.Fatalf("%+v, %v", done, err)
		}
		for i, want := range []string{"did not exist at generation 1", "it has no containers now and no manifest declares it, as at generation 1", "bring one of them back first, then: lockstep rollback 1 web"} {
			if done[i].Changed || !strings.Contains(done[i].Refused, want) {
				t.Errorf("%+v, want %q", done[i], want)
			}
		}
		if done, err := s.Rollback(t.Context(), RollbackOrder{Generation: 1}); err != nil || len(done) != 1 || done[0].Service != "web" || done[0].Changed || done[0].Refused == "" {
			t.Errorf("where all that was is gone, that is not said of each: %+v, %v", done, err)
		}
		if done, err := s.Rollback(t.Context(), RollbackOrder{Release: true, Services: []string{"late"}}); err != nil || done[0].Changed || done[0].Refused != "it is not held, and nothing is" {
			t.Errorf("of what was not held: %+v, %v", done, err)
		}
		s.source.say(snapshot.Delta{Changed: containers("web")})
		pass(2 * time.Second)
		done, err = s.Rollback(t.Context(), RollbackOrder{Generation: 1, Services: []string{"web"}, Preview: true})
		if err != nil || !slices.Equal(done[0].Rivals, []string{"taker.default"}) {
			t.Errorf("of what another one holds: %+v, %v", done, err)
		}
		if s.memory.Pins.Len() > 0 {
			t.Errorf("pinned are %v", s.memory.Pins)
		}
	})
}

// TestRollbackNeedsHistory: without one there is nothing to go back to, but everything
// else goes on, and what is held can be let go of.
func TestRollbackNeedsHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := ledger.New()
		memory.Pins.Set("web", ledger.Pin{Generation: 3, By: "alice"})
		s := begin(t, func(o *Options) { o.Memory = memory })
		s.source.say(full("web"))
		if _, err := s.Rollback(t.Context(), RollbackOrder{Generation: 1}); !errors.Is(err, history.ErrNone) {
			t.Errorf("got %v", err)
		}
		for name, want := range map[string]string{"weeb": "did you mean web?", "something-else": "see what is with: lockstep status"} {
			done, err := s.Rollback(t.Context(), RollbackOrder{Release: true, Services: []string{name}})
			if err != nil || len(done) != 1 || done[0].Changed || done[0].Refused != "it is not held; "+want {
				t.Errorf("release %s: %+v, %v", name, done, err)
			}
		}
		if done, err := s.Rollback(t.Context(), RollbackOrder{Release: true}); err != nil || len(done) != 1 || !done[0].Changed {
			t.Errorf("released: %+v, %v", done, err)
		}
		dry := begin(t, func(o *Options) { o.DryRun = true })
		if _, err := dry.Rollback(t.Context(), RollbackOrder{Generation: 1}); !errors.Is(err, errDry) {
			t.Errorf("a dry run says %v", err)
		}
	})
}

// TestOnlyWhatIsDeclaredMakesGenerations: containers that come, go, fail and drain
// make none, and neither do restarts; what changed while no daemon ran does.
func TestOnlyWhatIsDeclaredMakesGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, dir := ledger.New(), t.TempDir()
		keeper := recall(t, dir)
		s := begin(t, func(o *Options) { o.Memory, o.History = memory, keeper })
		s.source.say(full("web", "api"))
		pass(2 * time.Second)
		copied := relabelled("web", "web-2", "web.test").Changed[0]
		for _, delta := range []snapshot.Delta{
			{Changed: []snapshot.Instance{copied}},
			gone("web"),
			{Changed: []snapshot.Instance{func() snapshot.Instance { i := copied; i.Health = snapshot.Unhealthy; return i }()}},
			{Changed: []snapshot.Instance{func() snapshot.Instance { i := copied; i.Stopping = "SIGTERM"; i.StoppingSince = time.Now(); return i }()}},
			gone("web-2"),
			{Changed: containers("web")},
		} {
			s.source.say(delta)
			pass(2 * time.Second)
		}
		if _, err := s.Drain(t.Context(), DrainOrder{Container: "web"}); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if got := generations(t, keeper); len(got) != 1 {
			t.Errorf("history is %+v, want the first generation alone", got)
		}
		if err := keeper.Close(); err != nil {
			t.Fatal(err)
		}
		for i, want := range []int{1, 2} { // the same, then without one service
			keeper := recall(t, dir)
			again := begin(t, func(o *Options) { o.Memory, o.History = ledger.New(), keeper })
			again.source.say(full([]string{"web", "api"}[:2-i]...))
			pass(2 * time.Second)
			got := generations(t, keeper)
			if len(got) != want {
				t.Errorf("restarted, history is %+v, want %d", got, want)
			}
			if err := keeper.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestDamageStopsNothing: a history that breaks while the daemon runs is said, and
// gateways are followed all the same.
func TestDamageStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		store, err := history.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		s := begin(t, func(o *Options) {
			o.History = history.NewKeeper(func() (*history.Store, error) { return store, nil }, slog.New(slog.NewTextHandler(&log, nil)), nil)
		})
		if err := os.Truncate(filepath.Join(dir, "history.db"), 0); err != nil {
			t.Fatal(err)
		}
		s.source.say(full("web"))
		pass(time.Minute)
		if !strings.Contains(s.kong.World(), "web.test") || strings.Count(log.String(), "can't be written") != 1 {
			t.Errorf("kong holds\n%s\nthe log says\n%s", s.kong.World(), &log)
		}
	})
}
