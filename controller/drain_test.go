package controller

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/ledger"
)

// TestDrain: an order is in the ledger and on the gateways when it is answered, and
// the same again changes nothing.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var saved *ledger.Ledger
		s := begin(t, func(o *Options) {
			o.Remember = func(l *ledger.Ledger) error { saved = l.Clone(); return nil }
		})
		if _, err := s.Drain(t.Context(), DrainOrder{Container: "a"}); !errors.Is(err, errEarly) {
			t.Errorf("before anything is known: %v", err)
		}
		s.source.say(full("a", "b"))
		running := s.kong.World()
		since := time.Now().UTC()
		want := Drained{Container: "a", ID: "a-0123456789", Services: []string{"a"}, Draining: true, Changed: true, By: "alice", Since: since}
		for _, changed := range []bool{true, false} {
			want.Changed = changed
			got, err := s.Drain(t.Context(), DrainOrder{Container: "a", By: "alice"})
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if order := saved.Drains.Get("a-0123456789"); order.By != "alice" || !order.Since.Equal(since) {
				t.Errorf("the ledger says %+v", saved.Drains)
			}
		}
		synctest.Wait()
		if s.kong.World() == running || s.hap.World() != s.kong.World() {
			t.Errorf("kong holds\n%s\nhaproxy holds\n%s", s.kong.World(), s.hap.World())
		}
		if got, err := s.Drain(t.Context(), DrainOrder{Container: "a", Undo: true}); !got.Changed || got.Draining || err != nil {
			t.Errorf("undone: %+v, %v", got, err)
		}
		synctest.Wait()
		if diff := cmp.Diff(running, s.kong.World()); diff != "" || saved.Drains.Len() > 0 {
			t.Errorf("after it was undone, with %v in the ledger (-before +after):\n%s", saved.Drains, diff)
		}
		if _, err := s.Drain(t.Context(), DrainOrder{Container: "c"}); !errors.Is(err, desired.ErrNoInstance) {
			t.Errorf("of a stranger: %v", err)
		}
	})
}

// TestDryRunDrainsNothing: what changes nothing remembers nothing either.
func TestDryRunDrainsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) { o.DryRun = true })
		s.source.say(full("a"))
		if _, err := s.Drain(t.Context(), DrainOrder{Container: "a"}); !errors.Is(err, errDry) {
			t.Errorf("got %v", err)
		}
	})
}

// TestDrainThatIsNotSaved: what a restart would forget is no success.
func TestDrainThatIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := false
		s := begin(t, func(o *Options) {
			o.Remember = func(*ledger.Ledger) error {
				if broken {
					return errors.New("the disk is full")
				}
				return nil
			}
		})
		s.source.say(full("a", "b"))
		running := s.kong.World()
		broken = true
		if _, err := s.Drain(t.Context(), DrainOrder{Container: "a"}); !errors.Is(err, errUnsaved) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if s.kong.World() == running {
			t.Error("it does not drain")
		}
		broken = false
		if got, err := s.Drain(t.Context(), DrainOrder{Container: "a"}); err != nil || got.Changed {
			t.Errorf("asked again once it can be saved: %+v, %v", got, err)
		}
	})
}
