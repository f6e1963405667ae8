package haproxy

import (
	"fmt"
	"testing"

	"github.com/lockstep/lockstep/reconcilers"
)

func TestManagedServes(t *testing.T) {
	b := managed(t)
	one, two := origin(t, "one"), origin(t, "two")
	b.serve("shop", one)
	b.sync()
	b.want("shop.test", "/x", 200, "one path=/x host=shop.test proto=http for=127.0.0.1")
	b.want("nobody.test", "/", 404, "no route")

	// Another copy comes at runtime.
	before := b.counts()
	b.serve("shop", one, two)
	b.sync("shop")
	seen := map[string]bool{}
	for range 4 {
		_, body := b.get("shop.test", "/")
		seen[body[:3]] = true
	}
	if !seen["one"] || !seen["two"] {
		t.Fatalf("round robin reached %v", seen)
	}
	t.Log(before, "\n", b.counts())

	// A second look finds nothing to do and does nothing.
	before = b.counts()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("second look: %s", sentences(p))
	}
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("after a restart of the daemon: %s", sentences(p))
	}
	if after := b.counts(); after != "" {
		t.Fatalf("counts %s after %s", after, before)
	}

	// All gone: 503, then the service itself.
	b.serve("shop")
	b.sync("shop")
	b.want("shop.test", "/", 503, "")
	delete(b.set, "shop")
	b.sync("shop")
	b.want("shop.test", "/", 404, "no route")
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("at the end: %s", sentences(p))
	}
}

func TestStopOnExit(t *testing.T) {
	for _, stop := range []bool{true, false} {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			b := managed(t)
			b.serve("shop", origin(t, "one"))
			b.sync()
			b.restart()
			b.options.StopOnExit = stop
			b.open()
			pid := b.r.process.PID()
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Fatal(sentences(p))
			}
			pid = max(pid, b.r.process.PID())
			// One that only looked, as `lockstep plan` does, never ends it.
			if err := b.r.Close(); err != nil || !alive(pid) {
				t.Fatalf("a look ended HAProxy: %v", err)
			}
			b.open()
			b.serve("shop")
			b.sync()
			if err := b.r.Close(); err != nil {
				t.Fatal(err)
			}
			if alive(pid) == stop {
				t.Fatalf("stop on exit is %t, and HAProxy lives: %t", stop, alive(pid))
			}
		})
	}
}
