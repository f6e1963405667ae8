package history

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// keep runs a Keeper until it is ended; change, when not nil, comes before.
func keep(t *testing.T, change func(*Keeper)) (k *Keeper, log *bytes.Buffer, end func()) {
	t.Helper()
	log = &bytes.Buffer{}
	store := open(t, t.TempDir())
	k = NewKeeper(func() (*Store, error) { return store, nil }, slog.New(slog.NewTextHandler(log, nil)), nil)
	if change != nil {
		change(k)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	return k, log, func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func count(t *testing.T, k *Keeper) int {
	t.Helper()
	all, err := k.List("", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// TestKeeperCoalesces: what changes within a moment is one generation, with the last
// word of each service; at the end nothing is left unwritten.
func TestKeeperCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, end := keep(t, nil)
		began := time.Now()
		k.Note(time.Now(), map[string]*State{"web": shop("web", "a.test"), "old": shop("old", "old.test")}, false)
		k.Note(time.Now(), map[string]*State{"api": shop("api", "api.test"), "web": shop("web", "b.test")}, false)
		released := shop("api", "api.test")
		released.By = "alice"
		k.Note(time.Now(), map[string]*State{"api": released, "old": nil}, false)
		k.Note(time.Now(), map[string]*State{"api": shop("api", "api.test")}, false)
		if n := count(t, k); n != 0 {
			t.Errorf("%d generations at once, want none yet", n)
		}
		<-time.After(2 * settle)
		g, err := k.Get(1)
		if err != nil || count(t, k) != 1 || len(g.Changes) != 2 || g.Changes[1].Fields[0].After != "b.test" {
			t.Errorf("got %+v, %v", g, err)
		}
		if !g.Time.Equal(began) {
			t.Errorf("it is of %s, want when it began, %s", g.Time, began)
		}
		k.Note(time.Now(), map[string]*State{"web": shop("web", "c.test")}, true)
		end()
		if n := count(t, k); n != 2 {
			t.Errorf("%d generations at the end, want 2", n)
		}
		if then, err := k.At(2); err != nil || len(then) != 1 {
			t.Errorf("at the end there is %v, %v; want web alone", then, err)
		}
	})
}

// TestKeeperGoesOn: what can't be written is said once, and is written later, with what
// has come since.
func TestKeeperGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full atomic.Bool
		full.Store(true)
		var told []error
		k, log, end := keep(t, func(k *Keeper) {
			k.told = func(err error) { told = append(told, err) }
			k.write = func(s *Store, at time.Time, states map[string]*State, whole bool) (Generation, bool, error) {
				if full.Load() {
					return Generation{}, false, errors.New("no space left on device")
				}
				return s.Append(at, states, whole)
			}
		})
		began := time.Now()
		k.Note(began, map[string]*State{"web": shop("web", "a.test"), "api": shop("api", "api.test")}, true)
		<-time.After(time.Minute)
		k.Note(time.Now(), map[string]*State{"web": shop("web", "b.test"), "late": shop("late", "late.test")}, false)
		<-time.After(time.Minute)
		if n := strings.Count(log.String(), "history can't be written"); n != 1 {
			t.Errorf("said %d times:\n%s", n, log)
		}
		full.Store(false)
		<-time.After(2 * again)
		end()
		if len(told) < 2 || told[0] == nil || told[len(told)-1] != nil {
			t.Errorf("told %v; want that it failed, and in the end that it did not", told)
		}
		g, err := k.Get(1)
		if err != nil || len(g.Changes) != 3 || g.Changes[2].Fields[0].After != "b.test" || !g.Time.Equal(began) || !strings.Contains(log.String(), "written again") {
			t.Errorf("got %+v, %v; the log:\n%s", g, err, log)
		}
	})
}

// TestKeeperOpensAgain: a file that can't be used is opened when it is first needed; that is
// said once, and tried again ever later, but not for those who ask. Nothing that was noted
// meanwhile is missing then.
func TestKeeperOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int64
		var sound atomic.Bool
		var told []error
		k, log, end := keep(t, func(k *Keeper) {
			open := k.open
			k.open = func() (*Store, error) {
				opened.Add(1)
				if sound.Load() {
					return open()
				}
				return nil, errors.New("it is damaged")
			}
			k.told = func(err error) { told = append(told, err) }
		})
		<-time.After(time.Minute)
		if opened.Load() > 0 {
			t.Error("it was opened though nothing was noted")
		}
		k.Note(time.Now(), map[string]*State{"web": shop("web", "a.test")}, true)
		<-time.After(settle + 5*time.Second)
		k.Note(time.Now(), map[string]*State{"late": shop("late", "late.test")}, false)
		<-time.After(time.Hour)
		if n := strings.Count(log.String(), "it is damaged"); n != 1 || opened.Load() < 60 || opened.Load() > 65 {
			t.Errorf("opened %d times in an hour, said %d times:\n%s", opened.Load(), n, log)
		}
		before := opened.Load()
		_, listed := k.List("", 1)
		_, got := k.Get(1)
		_, at := k.At(1)
		for _, err := range []error{listed, got, at} {
			if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "it is damaged") || opened.Load() != before {
				t.Errorf("the answer is %v after %d more looks, want %v and why, after none", err, opened.Load()-before, ErrNone)
			}
		}
		sound.Store(true)
		<-time.After(2 * seldom)
		end()
		g, err := k.Get(1)
		if err != nil || len(g.Changes) != 2 || len(told) == 0 || told[0] == nil || told[len(told)-1] != nil || !strings.Contains(log.String(), "written again") {
			t.Errorf("got %+v, %v; told %v; the log:\n%s", g, err, told, log)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestKeeperWithoutHistory: what can never be written ends with the Keeper.
func TestKeeperWithoutHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _, end := keep(t, func(k *Keeper) { k.open = func() (*Store, error) { return nil, errors.New("it is damaged") } })
		k.Note(time.Now(), map[string]*State{"web": shop("web", "a.test")}, true)
		end()
		err := k.Close()
		if _, asked := k.List("", 1); err != nil || !errors.Is(asked, ErrNone) {
			t.Errorf("closed with %v, then %v, want %v", err, asked, ErrNone)
		}
	})
}
