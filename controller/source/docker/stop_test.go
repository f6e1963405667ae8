package docker

import (
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestKillSignals sends signals: which of them mean that a container is ending?
func TestKillSignals(t *testing.T) {
	tests := []struct {
		name   string
		spec   fakedocker.Spec
		signal int
		want   string // Stopping
		looks  int    // inspections that it takes, at most
	}{
		{"TERM", fakedocker.Spec{}, 15, "SIGTERM", 1},
		{"INT", fakedocker.Spec{}, 2, "SIGINT", 1},
		{"QUIT", fakedocker.Spec{}, 3, "SIGQUIT", 1},
		{"HUP is a reload", fakedocker.Spec{}, 1, "", 1},
		{"USR1", fakedocker.Spec{}, 10, "", 1},
		{"WINCH", fakedocker.Spec{}, 28, "", 1},
		{"HUP as the stop signal", fakedocker.Spec{StopSignal: "SIGHUP"}, 1, "SIGHUP", 1},
		{"USR1 as the stop signal", fakedocker.Spec{StopSignal: "USR1"}, 10, "SIGUSR1", 1},
		{"by number", fakedocker.Spec{StopSignal: "10"}, 10, "SIGUSR1", 1},
		{"real-time", fakedocker.Spec{StopSignal: "SIGRTMIN+3"}, 37, "SIGRTMIN+3", 1},
		{"TERM although another one is the stop signal", fakedocker.Spec{StopSignal: "SIGQUIT"}, 15, "SIGTERM", 1},
		{"hidden by a label", fakedocker.Spec{Labels: enabled("signal", "9\nlevel=ERROR msg=forged")}, 1, "SIGTERM", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, host := fake(t)
			tt.spec.Name, tt.spec.Expose = "a", []string{"80"}
			if tt.spec.Labels == nil {
				tt.spec.Labels = enabled()
			}
			e.Run(tt.spec)
			e.Run(fakedocker.Spec{Name: "after", Labels: enabled(), Expose: []string{"80"}, Health: "starting"})
			e.Forget()
			w := begin(t, Options{Host: host})
			w.sees("a", "after")
			w.eventually("subscribed", func() bool { return e.Streams() == 1 })
			e.ResetRequests()
			e.Kill("a", tt.signal)
			if tt.want != "" {
				w.until("draining", func() bool { return w.one("a").Stopping == tt.want })
			}
			// A later event of another container: what the kill led to is known by then.
			e.SetHealth("after", "healthy")
			w.until("later", func() bool { return w.one("after").Health == "healthy" })
			w.eventually("inspected", func() bool { return e.Requests()[fakedocker.Inspect] == tt.looks+1 })
			e.Rename("after", "later")
			w.until("renamed", func() bool { return w.one("later").ID != "" })
			if got := w.one("a").Stopping; got != tt.want {
				t.Errorf("Stopping = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSurvivor lets containers survive their stop signal: each is ready again
// after its own stop timeout and a grace.
func TestSurvivor(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "soon", Labels: enabled(), Expose: []string{"80"}, StopTimeout: new(0)})
	e.Run(fakedocker.Spec{Name: "never", Labels: enabled(), Expose: []string{"80"}, StopTimeout: new(-1)})
	e.Run(fakedocker.Spec{Name: "late", Labels: enabled(), Expose: []string{"80"}, StopTimeout: new(3600)})
	e.Forget()
	w := begin(t, Options{Host: host, timing: timing{stopGrace: 300 * time.Millisecond}})
	w.sees("soon", "never", "late")
	w.eventually("subscribed", func() bool { return e.Streams() == 1 })
	e.BeginStop("never")
	e.BeginStop("late")
	w.until("two drain", func() bool { return w.one("never").Stopping != "" && w.one("late").Stopping != "" })
	began := time.Now()
	e.BeginStop("soon")
	w.until("one has survived and is ready again", func() bool {
		return strings.Contains(w.logs.String(), "survived its stop signal") && w.one("soon").Stopping == ""
	})
	if said := w.logs.String(); !strings.Contains(said, "container=soon") {
		t.Errorf("it is not told by its name: %s", said)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("ready again after %v", took)
	}
	if w.one("never").Stopping == "" || w.one("late").Stopping == "" {
		t.Error("a container is ready again that has time left")
	}
	// The mark outlives the connection.
	e.DropStreams()
	connections := e.Requests()[fakedocker.Events]
	w.eventually("reconnected", func() bool {
		return e.Requests()[fakedocker.Events] > connections && w.source.State().Connected
	})
	if w.one("late").Stopping != "SIGTERM" {
		t.Error("the mark is lost with the connection")
	}
}

func TestSignalName(t *testing.T) {
	for in, want := range map[string]string{
		"15": "SIGTERM", "TERM": "SIGTERM", "sigterm": "SIGTERM", " SIGKILL ": "SIGKILL", "9": "SIGKILL",
		"37": "SIGRTMIN+3", "SIGRTMIN+3": "SIGRTMIN+3", "rtmin+3": "SIGRTMIN+3", "34": "SIGRTMIN", "RTMIN": "SIGRTMIN",
		"": "", "0": "", "-1": "", "65": "", "SIG": "", "NOPE": "", "SIGRTMIN+99": "", "SIGRTMIN+x": "", "32": "",
	} {
		if got := signalName(in); got != want {
			t.Errorf("signalName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	b := timing{}.withDefaults()
	for tries, want := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 5: 1600 * time.Millisecond, 9: 10 * time.Second, 1000: 10 * time.Second} {
		for range 100 {
			if got := b.backoff(tries); got > want || got < want*3/4 {
				t.Fatalf("backoff(%d) = %v, want at most %v and at least three quarters of it", tries, got, want)
			}
		}
	}
}
