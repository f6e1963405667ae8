package haproxy

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// TestDirectoryEmptied: what was deleted under a daemon that runs is written
// again, with the mark and the lock, and the next daemon takes it for its own.
func TestDirectoryEmptied(t *testing.T) {
	for _, whole := range []bool{false, true} {
		t.Run(fmt.Sprintf("whole=%t", whole), func(t *testing.T) {
			b := managed(t)
			b.serve("shop", origin(t, "one"))
			b.sync()
			b.empty(whole)
			if err := syscall.Kill(b.r.process.PID(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			b.afresh()
			b.want("shop.test", "/", 200, "one")
			other := *b
			other.open()
			other.serve("other", origin(t, "two"))
			_, err := other.try(reconcilers.Scope{Fresh: true})
			wantConflict(t, err, "runs now")
			delete(b.set, "other")
			b.restart()
			b.serve("shop", origin(t, "three"))
			b.sync()
			b.want("shop.test", "/", 200, "three")
			for _, name := range []string{disk.Mark, disk.Lock} {
				if _, err := os.Stat(b.r.dir.File(name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// afresh does full rounds that look at everything until nothing is left to do.
func (b *bench) afresh() {
	b.t.Helper()
	b.eventually("a full round that is done", func() error {
		if _, err := b.r.Observe(b.t.Context(), reconcilers.Scope{Fresh: true}); err != nil {
			return err
		}
		p := b.plan(reconcilers.Scope{})
		if p.Empty() {
			return nil
		}
		outcomes, err := b.r.Apply(b.t.Context(), p)
		for _, outcome := range outcomes {
			if err == nil && outcome.Problem != nil {
				err = outcome.Problem
			}
		}
		return errors.Join(err, errors.New("not seen to be done yet"))
	})
}

// empty deletes what stands in the directory, or all of it.
func (b *bench) empty(whole bool) {
	b.t.Helper()
	paths := []string{b.options.Dir}
	if !whole {
		entries, err := os.ReadDir(b.options.Dir)
		if err != nil {
			b.t.Fatal(err)
		}
		paths = nil
		for _, entry := range entries {
			paths = append(paths, b.r.dir.File(entry.Name()))
		}
	}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestMarkDeleted: a mark alone that goes is noticed, and files say themselves
// whose they are.
func TestMarkDeleted(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	unmark := func() {
		t.Helper()
		if err := os.Remove(b.r.dir.File(disk.Mark)); err != nil {
			t.Fatal(err)
		}
	}
	unmark()
	if b.plan(reconcilers.Scope{Fresh: true}).Empty() {
		t.Fatal("not noticed")
	}
	b.afresh()
	unmark()
	b.restart()
	b.sync()
	unmark()
	if err := b.r.dir.Release(); err != nil {
		t.Fatal(err)
	}
	other := *b
	other.options.Owner = "other"
	other.open()
	_, err := other.try(reconcilers.Scope{Fresh: true})
	wantConflict(t, err, `written for owner "lockstep"`)
	if err := b.r.dir.Claim(false); err != nil {
		t.Fatal(err)
	}
}
