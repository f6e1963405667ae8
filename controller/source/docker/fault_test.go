package docker

import (
	"cmp"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestFaults lets one thing go wrong while containers a and b are known, does
// something meanwhile, and says what must be known in the end. A nil meanwhile
// means that nothing happened, and then no delta may come.
func TestFaults(t *testing.T) {
	replace := func(e *fakedocker.Engine) {
		e.Remove("a")
		e.Run(fakedocker.Spec{Name: "c", Labels: enabled(), Expose: []string{"80"}})
	}
	tests := []struct {
		name      string
		options   Options
		fault     func(e *fakedocker.Engine)
		meanwhile func(e *fakedocker.Engine)
		repair    func(e *fakedocker.Engine)
		says      string // State.Error while it lasts
	}{
		{
			name:  "streams dropped, nothing happened",
			fault: func(e *fakedocker.Engine) { e.DropStreams() },
		}, {
			name: "streams dropped, and events lost that nobody tells again",
			fault: func(e *fakedocker.Engine) {
				e.LoseEvents(100)
				e.DropStreams()
			},
			meanwhile: replace,
			repair:    func(e *fakedocker.Engine) { e.LoseEvents(0); e.DropStreams() },
		}, {
			name: "lists fail after a reconnect",
			fault: func(e *fakedocker.Engine) {
				e.Fail(fakedocker.List, -1, http.StatusInternalServerError)
				e.DropStreams()
			},
			repair: func(e *fakedocker.Engine) { e.Fail(fakedocker.List, 0, 0) },
			says:   "something is wrong",
		}, {
			name: "lists break off after a reconnect",
			fault: func(e *fakedocker.Engine) {
				e.CutLists(1 << 30)
				e.DropStreams()
			},
			repair: func(e *fakedocker.Engine) { e.CutLists(0) },
			says:   "list containers: the answer broke off",
		}, {
			name: "a proxy refuses networks",
			fault: func(e *fakedocker.Engine) {
				e.Fail(fakedocker.Networks, -1, http.StatusForbidden)
				e.DropStreams()
			},
			repair: func(e *fakedocker.Engine) { e.Fail(fakedocker.Networks, 0, 0) },
			says:   "a socket proxy must let through what docs/docker-socket.md lists",
		}, {
			name: "a proxy refuses events",
			fault: func(e *fakedocker.Engine) {
				e.Fail(fakedocker.Events, -1, http.StatusForbidden)
				e.DropStreams()
			},
			repair: func(e *fakedocker.Engine) { e.Fail(fakedocker.Events, 0, 0) },
			says:   "refuses a request: event stream",
		}, {
			name:      "the daemon hangs",
			options:   Options{timing: timing{call: 300 * time.Millisecond}},
			fault:     func(e *fakedocker.Engine) { e.Hang() },
			meanwhile: replace,
			repair:    func(e *fakedocker.Engine) { e.Wake() },
			says:      "no answer in time",
		}, {
			name:      "an event is lost and a resync finds out",
			options:   Options{Resync: 50 * time.Millisecond},
			fault:     func(e *fakedocker.Engine) { e.LoseEvents(100) },
			meanwhile: replace,
			repair:    func(e *fakedocker.Engine) { e.LoseEvents(0) },
		}, {
			name:      "inspections fail",
			fault:     func(e *fakedocker.Engine) { e.Fail(fakedocker.Inspect, -1, http.StatusInternalServerError) },
			meanwhile: replace,
			repair:    func(e *fakedocker.Engine) { e.Fail(fakedocker.Inspect, 0, 0) },
			says:      "inspect container",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, host := fake(t)
			for _, n := range []string{"a", "b"} {
				e.Run(fakedocker.Spec{Name: n, Labels: enabled(), Expose: []string{"80"}})
			}
			o := tt.options
			call := cmp.Or(o.timing.call, quick.call)
			o.Host, o.timing = host, quick
			o.timing.call = call
			w := begin(t, o)
			w.sees("a", "b")
			w.eventually("subscribed", func() bool { return e.Streams() == 1 })
			deltas, streams := len(w.deltas), e.Requests()[fakedocker.Events]
			tt.fault(e)
			if tt.meanwhile != nil {
				tt.meanwhile(e)
			}
			if tt.says != "" {
				w.until("state says "+tt.says, func() bool { return strings.Contains(w.source.State().Error, tt.says) })
				if !w.source.State().Loaded {
					t.Error("the last good state is not kept")
				}
			}
			if tt.repair != nil {
				tt.repair(e)
			}
			if tt.meanwhile != nil {
				w.sees("b", "c")
			}
			w.eventually("connected", func() bool {
				s := w.source.State()
				return s.Connected && s.Error == "" && (tt.meanwhile != nil || e.Requests()[fakedocker.Events] > streams)
			})
			if tt.meanwhile == nil && len(w.deltas) != deltas {
				t.Errorf("nothing happened, and yet: %+v", w.deltas[deltas:])
			}
		})
	}
}

// TestFirstList lets the first list fail in several ways: nothing at all may be
// told before a whole one was read.
func TestFirstList(t *testing.T) {
	for name, fault := range map[string]func(e *fakedocker.Engine){
		"refused":            func(e *fakedocker.Engine) { e.Fail(fakedocker.List, 3, http.StatusInternalServerError) },
		"cut":                func(e *fakedocker.Engine) { e.CutLists(3) },
		"networks refused":   func(e *fakedocker.Engine) { e.Fail(fakedocker.Networks, 3, http.StatusInternalServerError) },
		"inspection refused": func(e *fakedocker.Engine) { e.Fail(fakedocker.Inspect, 3, http.StatusInternalServerError) },
	} {
		t.Run(name, func(t *testing.T) {
			e, host := fake(t)
			e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Expose: []string{"80"}})
			e.Run(fakedocker.Spec{Name: "b", Labels: enabled(), Network: "host", Expose: []string{"80"}})
			fault(e)
			w := begin(t, Options{Host: host, timing: quick})
			w.loaded()
			if len(w.known) != 2 {
				t.Errorf("the full delta holds %v", w.names())
			}
			w.until("all is well", func() bool { s := w.source.State(); return s.Connected && s.Error == "" && s.Loaded })
		})
	}
}

// TestNoDaemon begins without an Engine; it comes later.
func TestNoDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docker.sock")
	w := begin(t, Options{Host: "unix://" + path, timing: quick})
	w.until("state says so", func() bool { return w.source.State().Error != "" })
	s := w.source.State()
	for _, want := range []string{"cannot connect to the Docker daemon at unix://" + path, "is it running?", "may this user read the socket?", "--docker-host"} {
		if !strings.Contains(s.Error, want) {
			t.Errorf("error %q lacks %q", s.Error, want)
		}
	}
	if s.Loaded || s.Connected || w.full > 0 {
		t.Errorf("state %+v without an Engine", s)
	}
	w.eventually("it was tried some times", func() bool { return testutil.ToFloat64(w.source.metrics.reconnects) > 3 })
	e := fakedocker.New(t)
	e.Run(fakedocker.Spec{Name: "a", Labels: enabled()})
	e.ListenUnix(path)
	w.sees("a")
	w.until("no error", func() bool { return w.source.State().Error == "" })
	if logged := w.logs.String(); strings.Contains(logged, "cannot connect") { // that is for whoever reads the state
		t.Errorf("it logs what its state says:\n%s", logged)
	}
}

// TestNoDaemonOverTCP: who asks over the network is not asked about a socket.
func TestNoDaemonOverTCP(t *testing.T) {
	w := begin(t, Options{Host: "tcp://127.0.0.1:1", timing: quick})
	w.until("state says so", func() bool { return w.source.State().Error != "" })
	if said := w.source.State().Error; strings.Contains(said, "socket") || !strings.Contains(said, "does it listen there") {
		t.Errorf("said is %q", said)
	}
}

// TestCoalesce lets many events come while one inspection is under way: one more
// tells what all of them led to.
func TestCoalesce(t *testing.T) {
	e, host := fake(t)
	id := e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Expose: []string{"80"}, Health: "starting"})
	w := begin(t, Options{Host: host})
	w.sees("a")
	w.eventually("the first look is over", func() bool { return e.Requests()[fakedocker.Inspect] > 0 })
	e.ResetRequests()
	told := func() float64 { return testutil.ToFloat64(w.source.metrics.events.WithLabelValues("health_status")) }
	before := told()
	kept, release := e.Hold(fakedocker.Inspect)
	e.SetHealth(id, "unhealthy")
	w.holds(kept)
	for range 50 {
		e.SetHealth(id, "unhealthy")
		e.SetHealth(id, "healthy")
	}
	w.eventually("all of it was told", func() bool { return told() == before+101 })
	release()
	w.until("healthy", func() bool { return w.one("a").Health == snapshot.Healthy })
	if n := e.Requests()[fakedocker.Inspect]; n != 2 {
		t.Errorf("%d inspections for 101 events, want 2", n)
	}
}

// TestDeathBeatsInspection lets a container die while it is being inspected: it is
// gone at once, and the late answer, of before the death, must not bring it back.
func TestDeathBeatsInspection(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Expose: []string{"80"}, Health: "starting"})
	e.Run(fakedocker.Spec{Name: "b", Labels: enabled(), Expose: []string{"80"}})
	e.Forget()
	w := begin(t, Options{Host: host})
	w.sees("a", "b")
	kept, release := e.Hold(fakedocker.Inspect)
	e.SetHealth("a", "healthy")
	w.holds(kept)
	e.Die("a", 1)
	w.sees("b")
	e.Start("a")
	e.Update("b")
	w.holds(kept) // b, so that a's start has been told before
	again, releaseAgain := e.Hold(fakedocker.Inspect)
	release()
	w.holds(again) // a, now that its late answer has been taken in
	if w.take(); w.one("a").ID != "" {
		t.Error("the answer of before its death brought the container back")
	}
	releaseAgain()
	w.sees("a", "b")
}

// TestReplay lets a stop begin before the daemon is there: it is known from
// what the Engine remembers.
func TestReplay(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Expose: []string{"80"}})
	e.BeginStop("a")
	w := begin(t, Options{Host: host})
	w.loaded()
	w.until("draining", func() bool { return w.one("a").Stopping == "SIGTERM" })
}

// TestOneBadContainer has an Engine that can't inspect one container, ever: the
// others are told all the same, and of that one what the list knows.
func TestOneBadContainer(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "good", Labels: enabled(), Expose: []string{"80"}})
	e.Run(fakedocker.Spec{Name: "bad", Labels: enabled(), Network: "host", Expose: []string{"80"}})
	e.Forget()
	e.Fail(fakedocker.Inspect, -1, http.StatusInternalServerError)
	w := begin(t, Options{Host: host, timing: quick})
	w.sees("good", "bad")
	if !strings.Contains(w.source.State().Error, "inspect container") {
		t.Errorf("state %+v", w.source.State())
	}
	e.Fail(fakedocker.Inspect, 0, 0)
	w.until("it is told in full", func() bool { return len(w.one("bad").Ports) == 1 && w.source.State().Error == "" })
}

// TestHostileWords lets labels and a proxy say things that would forge lines of
// a log or a terminal.
func TestHostileWords(t *testing.T) {
	const forged = "x\nlevel=ERROR msg=forged \x1b[31m"
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "a", Expose: []string{"80"}, StopTimeout: new(0), Labels: enabled(
		"name", forged, "signal", forged, "container", forged, "image", forged, forged, forged, composeProject, forged)})
	w := begin(t, Options{Host: host, timing: quick, Gateways: allGateways("http://a:1")})
	w.sees("a")
	e.Kill("a", 15)
	w.until("it survives", func() bool { return strings.Contains(w.logs.String(), "survived") })
	e.Fail(fakedocker.List, -1, http.StatusInternalServerError)
	e.Say("<html>\n" + forged)
	e.DropStreams()
	w.eventually("the proxy's words are told", func() bool { return strings.Contains(w.source.State().Error, "html") })
	if said := w.source.State().Error; strings.ContainsAny(said, "\n\x1b") {
		t.Errorf("state says %q", said)
	}
	for line := range strings.SplitSeq(w.logs.String(), "\n") {
		if strings.HasPrefix(line, "level=") || strings.ContainsRune(line, 0x1b) {
			t.Errorf("forged line in the log: %q", line)
		}
	}
	if got := (connection{host: "h"}).advise(errors.New("<html>\n" + forged + strings.Repeat("é", 600))).Error(); strings.ContainsAny(got, "\n\x1b") || len(got) > 600 {
		t.Errorf("state would say %q", got)
	}
}
