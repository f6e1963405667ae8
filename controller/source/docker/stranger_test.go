package docker

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestStrangersCostNothing lets containers without the label come and go.
func TestStrangersCostNothing(t *testing.T) {
	e, host := fake(t)
	e.AddNetwork(fakedocker.Network{Name: "shop"})
	w := begin(t, Options{Host: host})
	w.loaded()
	e.ResetRequests()
	for range 20 {
		id := e.Run(fakedocker.Spec{Network: "shop", Health: "starting"})
		e.SetHealth(id, "healthy")
		e.Connect(id, "bridge")
		e.Remove(id)
	}
	e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Expose: []string{"80"}})
	w.sees("a")
	if got := e.Requests(); got[fakedocker.Inspect] != 1 || got[fakedocker.List] != 0 {
		t.Errorf("requests: %v, want one inspection", got)
	}
}

// TestBadStranger has an Engine that can't inspect a container without the label, ever: the
// source is whole without it, is in no trouble, and tells what the list knows, as long as
// there may be more to it with the word that there may.
func TestBadStranger(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "good", Labels: enabled(), Expose: []string{"80"}})
	e.Run(fakedocker.Spec{Name: "bad", Network: "host", Expose: []string{"80"}})
	e.Forget()
	e.Fail(fakedocker.Inspect, -1, http.StatusInternalServerError)
	w := begin(t, Options{Host: host, timing: quick, Strangers: true})
	w.sees("good", "bad")
	if first := w.deltas[0]; !first.Full || len(first.Changed) != 2 {
		t.Errorf("the first delta is %+v", first)
	}
	w.until("there is no more to it", func() bool { return !w.one("bad").Partial })
	if tries := e.Requests()[fakedocker.Inspect]; tries < hopeless {
		t.Errorf("it is given up after %d tries", tries)
	}
	if state := w.source.State(); !state.Loaded || state.Error != "" {
		t.Errorf("state %+v", state)
	}
	if said := strings.Count(w.logs.String(), "level=WARN"); said != 1 {
		t.Errorf("%d warnings, want one:\n%s", said, w.logs)
	}
	e.Fail(fakedocker.Inspect, 0, 0)
	w.until("it is told in full", func() bool { return len(w.one("bad").Ports) == 1 })
	if lists := e.Requests()[fakedocker.List]; lists != 1 {
		t.Errorf("%d lists, want the first one alone", lists)
	}
}

// held is a way to the Engine on which inspections of some containers wait.
type held struct {
	http.RoundTripper
	ids     map[string]bool
	release chan struct{}
}

func (h *held) RoundTrip(r *http.Request) (*http.Response, error) {
	if parts := strings.Split(r.URL.Path, "/"); len(parts) > 2 && h.ids[parts[len(parts)-2]] {
		select {
		case <-h.release:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return h.RoundTripper.RoundTrip(r)
}

// TestStrangersComeLast: however many there are, and if the Engine never answers for any,
// those with the label are inspected, at the start and later.
func TestStrangersComeLast(t *testing.T) {
	e, host := fake(t)
	way := &held{ids: map[string]bool{}, release: make(chan struct{})}
	for i := range 3 * parallel {
		way.ids[e.Run(fakedocker.Spec{Name: fmt.Sprintf("stranger%d", i), Network: "host", Expose: []string{"80"}})] = true
	}
	e.Run(fakedocker.Spec{Name: "labelled", Labels: enabled(), Network: "host", Expose: []string{"80"}})
	e.Forget()
	w := begin(t, Options{Host: host, Strangers: true, timing: timing{call: patience},
		wrap: func(to http.RoundTripper) http.RoundTripper { way.RoundTripper = to; return way }})
	w.loaded()
	if len(w.one("labelled").Ports) != 1 || len(w.known) != 1+len(way.ids) {
		t.Errorf("of the labelled one, among %d, is told %+v", len(w.known), w.one("labelled"))
	}
	e.Run(fakedocker.Spec{Name: "later", Labels: enabled(), Network: "host", Expose: []string{"80"}})
	w.until("a later one", func() bool { return len(w.one("later").Ports) == 1 })
	for _, i := range w.known {
		if i.Partial != way.ids[i.ID] {
			t.Errorf("of %s everything is known: %v", i.Name, !i.Partial)
		}
	}
	close(way.release)
	w.until("all is known", func() bool {
		return !slices.ContainsFunc(slices.Collect(maps.Values(w.known)), func(i snapshot.Instance) bool { return i.Partial || len(i.Ports) != 1 })
	})
}
