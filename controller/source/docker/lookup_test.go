package docker

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/internal/fakedocker"
)

func TestLookup(t *testing.T) {
	e, host := fake(t)
	id := e.Run(fakedocker.Spec{Name: "web", Labels: enabled(), Expose: []string{"80"}, Health: "healthy"})
	e.Run(fakedocker.Spec{Name: "plain", Expose: []string{"80"}})
	e.Run(fakedocker.Spec{Name: "dead", Labels: enabled(), Expose: []string{"80", "81"}})
	e.Kill("dead", 9)
	e.Create(fakedocker.Spec{Name: "new", Labels: enabled()})
	e.Run(fakedocker.Spec{Name: "paused", Labels: enabled()})
	e.Pause("paused")
	e.Run(fakedocker.Spec{Name: "crashing", Labels: enabled()})
	e.Crash("crashing", 3)
	s, err := New(Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		ref   string
		name  string
		note  LookupNote
		ports int
		nets  int
	}{
		{"web", "web", LookupNote{Status: "running", Running: true}, 1, 1},
		{"/web", "web", LookupNote{Status: "running", Running: true}, 1, 1},
		{id[:8], "web", LookupNote{Status: "running", Running: true}, 1, 1},
		{id, "web", LookupNote{Status: "running", Running: true}, 1, 1},
		{"plain", "plain", LookupNote{Status: "running", Running: true}, 1, 1},
		{"dead", "dead", LookupNote{Status: "exited (137)", ExitCode: 137}, 2, 0},
		{"new", "new", LookupNote{Status: "created"}, 0, 0},
		{"paused", "paused", LookupNote{Status: "paused", Running: true}, 0, 1},
		{"crashing", "crashing", LookupNote{Status: "restarting", ExitCode: 3, Restarts: 1}, 0, 0},
	}
	for _, tt := range tests {
		inst, note, err := s.Lookup(t.Context(), tt.ref)
		if err != nil || note != tt.note || inst.Name != tt.name || len(inst.Ports) != tt.ports || len(inst.Networks) != tt.nets {
			t.Errorf("Lookup(%q) = %+v, %+v, %v", tt.ref, inst, note, err)
		}
	}
	before := e.Requests()
	for _, ref := range []string{"", "../networks", "web?size=1", "a/b", "web\n", "%2e%2e", "/", "-x", "//web"} {
		if _, _, err := s.Lookup(t.Context(), ref); !errors.Is(err, ErrNotFound) {
			t.Errorf("Lookup(%q) = %v, want ErrNotFound", ref, err)
		}
	}
	if after := e.Requests(); after[fakedocker.Inspect] != before[fakedocker.Inspect] || len(after) != len(before) {
		t.Errorf("names that are none became requests: %v, before %v", after, before)
	}
	if _, _, err := s.Lookup(t.Context(), "nobody"); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("Lookup of nobody = %v", err)
	}
	e.Fail(fakedocker.Inspect, 1, http.StatusForbidden)
	if _, _, err := s.Lookup(t.Context(), "web"); err == nil || !strings.Contains(err.Error(), "docs/docker-socket.md") {
		t.Errorf("Lookup behind a strict proxy = %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for host, want := range map[string]string{
		"ftp://host":                         "use unix:///path, tcp://host:port or ssh://user@host",
		"nonsense":                           "use unix:///path, tcp://host:port or ssh://user@host",
		"ssh://user:pw@h":                    "password",
		"unix://" + strings.Repeat("x", 300): "too long",
	} {
		if _, err := New(Options{Host: host}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "docker host") {
			t.Errorf("New(%q) = %v, want an error with %q", host, err, want)
		}
	}
	t.Setenv("DOCKER_TLS_VERIFY", "1")
	t.Setenv("DOCKER_CERT_PATH", "")
	if _, err := New(Options{Host: "tcp://host:2376"}); err == nil || !strings.Contains(err.Error(), "DOCKER_CERT_PATH") {
		t.Errorf("New with half of TLS = %v", err)
	}
	t.Setenv("DOCKER_CERT_PATH", t.TempDir())
	if _, err := New(Options{Host: "tcp://host:2376"}); err == nil || !strings.Contains(err.Error(), "ca.pem") && !strings.Contains(err.Error(), "CA") && !strings.Contains(err.Error(), "certificate") {
		t.Errorf("New without certificates = %v", err)
	}
	t.Setenv("DOCKER_TLS_VERIFY", "")
	t.Setenv("DOCKER_HOST", "unix:///nowhere.sock")
	s, err := New(Options{})
	if err != nil || s.conn.host != "unix:///nowhere.sock" || !s.conn.local {
		t.Errorf("New by the environment = %+v, %v", s.conn, err)
	}
}

// TestReadOnly shows which requests a source ever sends, on the way between
// the SDK and the wire.
func TestReadOnly(t *testing.T) {
	e, host := fake(t)
	e.Run(fakedocker.Spec{Name: "a", Labels: enabled(), Network: "host"})
	seen := &requests{}
	w := begin(t, Options{Host: host, timing: quick, Resync: 20 * 1e6, Gateways: allGateways("http://kong:8001"), wrap: seen.wrap})
	w.sees("a")
	if _, _, err := w.source.Lookup(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	e.Kill("a", 15)
	e.DropStreams()
	w.eventually("all calls have been made", func() bool {
		r := e.Requests()
		return r[fakedocker.Events] > 1 && r[fakedocker.List] > 3 && r[fakedocker.Inspect] > 1 && r[fakedocker.Networks] > 1
	})
	for _, call := range seen.templates() {
		if !slices.Contains(allowed, call) {
			t.Errorf("%s is not a request that docs/docker-socket.md lists", call)
		}
	}
}
