package docker

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestQuiet lets a resync find nothing new: no delta and no poke.
func TestQuiet(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Expose: []string{"80"}, Health: "healthy"})
	e.Run(fakedocker.Spec{Name: "h", Labels: enabled(), Expose: []string{"80"}, Network: "host"})
	e.Run(fakedocker.Spec{Name: "p", Labels: enabled(), Expose: []string{"80"}, Health: "healthy"})
	e.Pause("p")
	w := begin(t, Options{Host: host, timing: quick, Resync: 10 * time.Millisecond, Gateways: allGateways("http://127.0.0.1:8001")})
	w.sees("a", "h", "p")
	first, lists := w.source.State().Synced, e.Requests()[fakedocker.List]
	poked := 0
	deadline := time.After(patience)
	for e.Requests()[fakedocker.List] < lists+20 {
		select {
		case <-w.pokes:
			poked++
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatal("no resync")
		}
	}
	if poked > 1 { // one may be left of the first delta
		t.Errorf("%d pokes in 20 lists that found nothing", poked)
	}
	if d := w.source.Take(); !d.Empty() {
		t.Errorf("delta of a resync that found nothing: %+v", d)
	}
	if !w.source.State().Synced.After(first) {
		t.Error("Synced does not move")
	}
	if n := testutil.ToFloat64(w.source.metrics.missed); n != 0 {
		t.Errorf("%v changes missed", n)
	}
}

// TestLaggingList lets the Engine's lists lag behind its events, as they do for
// a moment: what the list shows of a container that has just died is not believed.
func TestLaggingList(t *testing.T) {
	e, host := fake(t)
	for _, n := range []string{"a", "b"} {
		e.Run(fakedocker.Spec{Name: n, Labels: enabled(), Expose: []string{"80"}})
	}
	timing := quick
	timing.settle = time.Hour // a list is not believed for as long as this test lasts
	w := begin(t, Options{Host: host, timing: timing, Resync: 20 * time.Millisecond})
	w.sees("a", "b")
	e.FreezeList()
	e.Kill("a", 9)
	e.Run(fakedocker.Spec{Name: "c", Labels: enabled(), Expose: []string{"80"}})
	w.sees("b", "c")
	lists := e.Requests()[fakedocker.List]
	w.eventually("more lists have come", func() bool {
		if got := w.names(); len(got) != 2 || got[0] != "b" || got[1] != "c" {
			t.Fatalf("known: %v", got)
		}
		return e.Requests()[fakedocker.List] > lists+5
	})
	e.ThawList()
}

// TestDeadInList lets lists go on calling a container running that died, for longer than any
// list lags otherwise and over a reconnect, until it really runs again.
func TestDeadInList(t *testing.T) {
	e, host := fake(t)
	for _, n := range []string{"a", "b"} {
		e.Run(fakedocker.Spec{Name: n, Labels: enabled(), Expose: []string{"80"}})
	}
	e.Forget()
	timing := quick
	timing.settle = time.Nanosecond
	w := begin(t, Options{Host: host, timing: timing, Resync: 20 * time.Millisecond})
	w.sees("a", "b")
	e.FreezeList()
	e.Kill("a", 9)
	w.sees("b")
	stillDead := func() {
		lists := e.Requests()[fakedocker.List]
		w.eventually("more lists have come", func() bool {
			if got := w.names(); len(got) != 1 || got[0] != "b" {
				t.Fatalf("known: %v", got)
			}
			return e.Requests()[fakedocker.List] > lists+5
		})
	}
	stillDead()
	e.Forget()
	e.DropStreams()
	w.eventually("a new session", func() bool { return testutil.ToFloat64(w.source.metrics.reconnects) > 0 && w.source.State().Connected })
	stillDead()
	if n := testutil.ToFloat64(w.source.metrics.missed); n != 0 {
		t.Errorf("%v changes missed", n)
	}
	e.Start("a")
	w.sees("a", "b")
	e.ThawList()
}

// TestListIsEnough loads many containers: no inspection is needed for those
// that the list tells everything about.
func TestListIsEnough(t *testing.T) {
	e, host := fake(t)
	e.AddNetwork(fakedocker.Network{Name: "shop"})
	for range 300 {
		e.Run(fakedocker.Spec{Network: "shop", Labels: enabled(), Expose: []string{"80"}, Health: "healthy"})
	}
	e.Forget()
	e.ResetRequests()
	w := begin(t, Options{Host: host})
	w.loaded()
	got := e.Requests()
	want := map[string]int{"HEAD /_ping": got["HEAD /_ping"], fakedocker.Events: 1, fakedocker.List: 1, fakedocker.Networks: 1}
	for call, n := range got {
		if want[call] != n {
			t.Errorf("%d × %s, want %d", n, call, want[call])
		}
	}
	if len(w.known) != 300 {
		t.Errorf("%d known", len(w.known))
	}
}
