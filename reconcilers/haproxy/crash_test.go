package haproxy

import (
	"errors"
	"fmt"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// story is a change in the midst of which the daemon ends; all says that
// HAProxy ends with it.
type story struct {
	name   string
	all    bool
	change func(b *bench, ends []v1.Endpoint)
}

func brandNew(b *bench, ends []v1.Endpoint) {
	b.plain("new", ends[0], ends[2])
	b.plain("newer", ends[1])
	delete(b.set, "plain")
}

// TestKilledAtAnyStep ends the daemon before each step that has an effect, and
// starts another: it must end in the same world as if nothing had happened.
func TestKilledAtAnyStep(t *testing.T) {
	t.Parallel()
	stories := []story{
		{"runtime", false, func(b *bench, ends []v1.Endpoint) {
			ends[0].Draining = true
			s := b.serve("shop", ends[0], ends[2])
			s.Routes = append(s.Routes, v1.Route{Name: "shop.more", Hosts: []string{"*.more.test"}, Paths: []string{"/x"}, PreserveHost: true})
		}},
		{"reload", false, func(b *bench, ends []v1.Endpoint) {
			b.serve("shop", ends[1])
			b.serve("new", ends[0], ends[2])
		}},
		{"removal", false, func(b *bench, ends []v1.Endpoint) {
			delete(b.set, "shop")
			b.serve("other", ends[2])
		}},
		{"brand-new", false, brandNew},
		{"brand-new, HAProxy dies too", true, brandNew},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			straight := ""
			for step := 0; ; step++ {
				world, finished := killedAt(t, s, step)
				if straight == "" {
					straight, _ = killedAt(t, s, 1<<30)
				}
				if world != straight {
					t.Fatalf("killed at step %d: the world is\n%s\nand not\n%s", step, world, straight)
				}
				if finished {
					t.Logf("%d steps", step)
					return
				}
			}
		})
	}
}

// killedAt tells the story with a daemon that has no effect from the given
// step on, and ends it with another. finished says that the first came to its end.
func killedAt(t *testing.T, s story, step int) (world string, finished bool) {
	t.Helper()
	g := &gateway{bench: managed(t)}
	g.options.ReloadEvery = 1
	g.open()
	ends := make([]v1.Endpoint, 3)
	for i := range ends {
		ends[i] = endpoint(t, fmt.Sprintf("e%d", i), fmt.Sprintf("127.0.0.1:%d", 9+i))
	}
	g.serve("shop", ends[0], ends[1])
	g.serve("other", ends[1])
	g.sync()
	g.plain("plain", ends[2])
	g.sync()
	s.change(g.bench, ends)
	dead := false
	g.r.fault = func(string) error {
		if step--; step < 0 {
			dead = true
			return errors.New("killed")
		}
		return nil
	}
	if _, err := g.try(reconcilers.Scope{}); err != nil && !dead {
		t.Fatal(err)
	}
	if s.all {
		g.kill()
	}
	g.restart()
	g.sync()
	if p := g.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("at the end: %s", sentences(p))
	}
	world = g.world()
	g.stop()
	return world, !dead
}
