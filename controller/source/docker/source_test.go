package docker

import (
	"testing"
	"time"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestLife follows containers through everything that happens to them. Each
// step is one thing that happens and what is known afterwards.
func TestLife(t *testing.T) {
	e, host := fake(t)
	e.AddNetwork(fakedocker.Network{Name: "shop"})
	e.AddNetwork(fakedocker.Network{Name: "extra"})
	e.Run(fakedocker.Spec{Name: "before", Labels: enabled(), Expose: []string{"80"}})
	e.Run(fakedocker.Spec{Name: "stranger", Expose: []string{"80"}})
	w := begin(t, Options{Host: host})
	w.sees("before")

	is := func(name string, ok func(i snapshot.Instance) bool) func() bool {
		return func() bool { return w.one(name).ID != "" && ok(w.one(name)) }
	}
	steps := []struct {
		name string
		do   func()
		then func() bool
	}{
		{"start", func() {
			e.Run(fakedocker.Spec{Name: "a", Network: "shop", Labels: enabled("com.docker.compose.project", "shop", "com.docker.compose.service", "web"), Expose: []string{"8080", "53/udp"}, Health: "starting", Publish: map[string]string{"8080/tcp": "127.0.0.1:18080"}})
		}, is("a", func(i snapshot.Instance) bool {
			return i.Health == snapshot.HealthStarting && i.Project == "shop" && i.Service == "web" && len(i.Ports) == 1 &&
				i.Ports[0].Published[0].String() == "127.0.0.1:18080" && i.Networks[0].Driver == "bridge"
		})},
		{"healthy", func() { e.SetHealth("a", "healthy") }, is("a", func(i snapshot.Instance) bool { return i.Health == snapshot.Healthy })},
		{"unhealthy", func() { e.SetHealth("a", "unhealthy") }, is("a", func(i snapshot.Instance) bool { return i.Health == snapshot.Unhealthy })},
		{"pause", func() { e.Pause("a") }, is("a", func(i snapshot.Instance) bool { return i.Paused && i.Health == snapshot.Unhealthy })},
		{"unpause", func() { e.Unpause("a") }, is("a", func(i snapshot.Instance) bool { return !i.Paused })},
		{"connect", func() { e.Connect("a", "extra") }, is("a", func(i snapshot.Instance) bool { return len(i.Networks) == 2 && i.Networks[0].Name == "extra" })},
		{"disconnect", func() { e.Disconnect("a", "shop") }, is("a", func(i snapshot.Instance) bool { return len(i.Networks) == 1 })},
		{"rename", func() { e.Rename("a", "b") }, is("b", func(i snapshot.Instance) bool { return i.Networks[0].Name == "extra" })},
		{"stop begins", func() { e.BeginStop("b") }, is("b", func(i snapshot.Instance) bool { return i.Stopping == "SIGTERM" })},
		{"stop ends", func() { e.Die("b", 0) }, func() bool { return w.one("b").ID == "" }},
		{"start again", func() { e.Start("b") }, is("b", func(i snapshot.Instance) bool { return i.Stopping == "" })},
		{"restart", func() { e.Restart("b") }, is("b", func(i snapshot.Instance) bool { return i.Stopping == "" })},
		{"crash", func() { e.Crash("b", 1) }, func() bool { return w.one("b").ID == "" }},
		{"back by its restart policy", func() { e.Start("b") }, is("b", func(snapshot.Instance) bool { return true })},
		{"kill", func() { e.Kill("b", 9) }, func() bool { return w.one("b").ID == "" }},
		{"remove another", func() { e.Remove("before") }, func() bool { return len(w.known) == 0 }},
	}
	for _, s := range steps {
		s.do()
		w.until(s.name, s.then)
		if w.source.State().Error != "" {
			t.Fatalf("%s: state %+v", s.name, w.source.State())
		}
	}
	if got := e.Requests()[fakedocker.List]; got != 1 {
		t.Errorf("%d lists, want the first one alone", got)
	}
	for _, d := range w.deltas[1:] {
		if d.Seen.IsZero() || time.Since(d.Seen) > patience {
			t.Errorf("delta without the time of its event: %+v", d)
		}
	}
}

// TestStrangers: whoever may be selected by any label at any time is seen from the first list on,
// and followed like those with the label.
func TestStrangers(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "labelled", Labels: enabled(), Expose: []string{"80"}})
	e.Run(fakedocker.Spec{Name: "stranger", Labels: map[string]string{"app": "shop"}, Expose: []string{"80"}})
	e.Run(fakedocker.Spec{Name: "no", Labels: map[string]string{"lockstep.enable": "false"}})
	w := begin(t, Options{Host: host, Strangers: true})
	w.sees("labelled", "no", "stranger")
	if first := w.deltas[0]; !first.Full || len(first.Changed) != 3 || w.one("stranger").Labels["app"] != "shop" {
		t.Errorf("the first delta is %+v", first)
	}
	e.Run(fakedocker.Spec{Name: "later", Expose: []string{"80"}, Health: "starting"})
	w.sees("labelled", "later", "no", "stranger")
	e.SetHealth("later", "healthy")
	w.until("healthy", func() bool { return w.one("later").Health == snapshot.Healthy })
	e.BeginStop("stranger")
	w.until("it stops", func() bool { return w.one("stranger").Stopping == "SIGTERM" })
	e.Die("stranger", 0)
	w.sees("labelled", "later", "no")
	if got := e.Requests()[fakedocker.List]; got != 1 {
		t.Errorf("%d lists, want the first one alone", got)
	}
}

// TestNothingIsRememberedOfJoined: that a container used another one's network goes with it, also
// where the other one lives on.
func TestNothingIsRememberedOfJoined(t *testing.T) {
	e, host := fake(t)
	owner := e.Run(fakedocker.Spec{Name: "owner", Labels: enabled(), Expose: []string{"80"}})
	w := begin(t, Options{Host: host})
	w.sees("owner")
	w.eventually("subscribed", func() bool { return e.Streams() == 1 })
	for range 3 {
		e.Run(fakedocker.Spec{Name: "sidecar", Labels: enabled(), Network: "container:" + owner, Expose: []string{"81"}})
		w.sees("owner", "sidecar")
		e.Remove("sidecar")
		w.sees("owner")
	}
	e.Run(fakedocker.Spec{Name: "after", Labels: enabled(), Expose: []string{"80"}}) // the last event has come in by then
	w.sees("owner", "after")
	w.stop()
	ended := <-w.stopped
	w.stopped <- ended // for who waits for it when the test ends
	if n := len(w.source.joined); n > 0 {
		t.Errorf("%d containers that are gone are remembered as using another one's network", n)
	}
}
