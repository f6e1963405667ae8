package haproxy

import (
	"errors"
	"fmt"
	"maps"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// drifts returns how often each thing was found changed by others.
func (b *bench) drifts() map[string]int {
	b.t.Helper()
	counts := map[string]int{}
	for _, what := range []string{"files", "routes", "servers", "worker"} {
		counts[what] = int(testutil.ToFloat64(b.r.metrics.drift.WithLabelValues(what)))
	}
	return counts
}

// reload has HAProxy reloaded by somebody else, and waits until it was.
func (b *bench) reload() {
	b.t.Helper()
	before, err := b.r.peek(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := socket.Reload(b.t.Context(), b.r.o.MasterSocket, time.Second); err != nil {
		b.t.Fatal(err)
	}
	b.eventually("the next worker", func() error {
		now, err := b.r.peek(b.t.Context())
		if err == nil && now.pid == before.pid {
			err = errors.New("it is the same")
		}
		return err
	})
}

// TestOthersReloadIsCounted, and ours is not.
func TestOthersReloadIsCounted(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	b.serve("other", origin(t, "two")) // a reload of ours
	b.sync("other")
	b.quiet("our reload")
	want := map[string]int{"files": 0, "routes": 0, "servers": 0, "worker": 0}
	if d := cmp.Diff(want, b.drifts()); d != "" {
		t.Fatalf("our own reload counts as drift:\n%s", d)
	}
	b.reload()
	b.quiet("another's reload")
	want["worker"]++
	if d := cmp.Diff(want, b.drifts()); d != "" {
		t.Fatalf("another's reload is not counted:\n%s", d)
	}
}

// TestOthersReloadIsSeenAlongTheWay: a look that only wanted to see, as `lockstep
// plan` does, does not keep Watch from asking for a round.
func TestOthersReloadIsSeenAlongTheWay(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	b.reload()
	b.quiet("another's reload") // before anybody watches
	b.poked(b.watching(), "a reload that a look has seen")
}

// TestChangesDuringOthersReloads: what is told to a worker that is just being
// replaced by somebody else is lost with it. Watch notices, and what it asks for
// is enough: afterwards the new worker holds all of it.
func TestChangesDuringOthersReloads(t *testing.T) {
	b := managed(t)
	hosts := []v1.Endpoint{origin(t, "even"), origin(t, "odd")}
	b.plain("shop", hosts[0])
	b.sync()
	pokes := b.watching()
	// round does what the controller does when it is poked: all of it, until that goes well.
	round := func() {
		b.eventually("a round", func() error {
			failed, err := b.try(reconcilers.Scope{Fresh: true})
			if err == nil && len(failed) > 0 {
				err = failed[0]
			}
			return err
		})
	}
	wanted, told := map[string]int{}, make(chan error, 1)
	const turns = 30
	for i := range turns {
		if i%3 == 0 {
			go func() {
				_, err := socket.Reload(t.Context(), b.r.o.MasterSocket, 5*time.Second)
				told <- err
			}()
		}
		b.plain("shop", hosts[i%2])
		name := fmt.Sprintf("new%d", i)
		b.plain(name, hosts[i%2])
		wanted[name] = i % 2
		failed, err := b.try(reconcilers.Scope{Services: []string{"shop", name}})
		if err != nil || len(failed) > 0 {
			round() // the controller tries again by itself
		}
		if i%3 == 2 {
			if err := <-told; err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-pokes:
			round()
		default:
		}
	}
	wanted["shop"] = (turns - 1) % 2
	// The last of the workers may still be on its way. From here on only pokes are answered.
	b.eventually("everything to be served", func() error {
		select {
		case <-pokes:
			round()
		default:
		}
		left := maps.Clone(wanted)
		for name, which := range wanted {
			status, body, err := b.fetch(name+".test", "/")
			if err != nil {
				return err
			}
			if want := hosts[which].ID; status != 200 || body[:len(want)] != want {
				return fmt.Errorf("%s answers %d %q, want %s; %d are left to ask", name, status, body, want, len(left))
			}
			delete(left, name)
		}
		p, err := b.compare(reconcilers.Scope{Fresh: true}) // which may find the last worker before Watch does
		if err == nil && !p.Empty() {
			err = errors.New(sentences(p))
		}
		return err
	})
}

// freeze stops a process until thaw, or the end of the test, lets it go on.
func (b *bench) freeze(pid int) {
	b.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) }) // it may have ended
	b.eventually("the process to stand still", func() error {
		if state := stateOf(pid); state != "T" {
			return fmt.Errorf("its state is %s", state)
		}
		return nil
	})
}

func (b *bench) thaw(pid int) {
	b.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		b.t.Fatal(err)
	}
}

// TestCommandsBeforeAFreeze: a HAProxy that is frozen in the middle of a round and
// goes on later is found by Watch, and held again to what is wanted now, also
// where it then does what we had given up waiting for.
func TestCommandsBeforeAFreeze(t *testing.T) {
	b := managed(t)
	b.options.Timeout = time.Second
	b.open()
	one, two := origin(t, "one"), origin(t, "two")
	b.plain("shop", one)
	b.sync()
	pokes := b.watching()
	worker := b.r.live.pid
	b.r.fault = func(string) error { // the moment before the first command that changes something
		b.r.fault = nil
		b.freeze(worker)
		return nil
	}
	b.plain("shop", two)
	failed, err := b.try(reconcilers.Scope{Services: []string{"shop"}})
	if err == nil && len(failed) == 0 {
		t.Fatal("a frozen HAProxy took everything")
	}
	b.poked(pokes, "HAProxy was frozen")
	b.plain("shop", one) // meanwhile it was wanted otherwise
	b.thaw(worker)
	for range 2 { // that it is back, and once more when it has done what was left
		b.poked(pokes, "HAProxy goes on")
		b.sync()
	}
	b.want("shop.test", "/", 200, "one")
	b.quiet("a freeze")
	if b.r.live.pid != worker {
		t.Fatalf("worker %d was replaced by %d", worker, b.r.live.pid)
	}
}
