package cmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/internal/port"
)

// controlled answers on a control socket as a daemon that holds so many removals.
func controlled(t *testing.T, held int) (path string, confirmed *int) {
	t.Helper()
	path, confirmed = filepath.Join(t.TempDir(), "control.sock"), new(int)
	listener := listen(t, path)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // a test's own
		var answer any = status.Report{Gateways: []status.Gateway{{Name: v1.Kong, Held: make([]status.Held, held)}}}
		if r.Method == http.MethodPost {
			*confirmed++
			answer = map[string]string{"result": "confirmed"}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})}
	go server.Serve(listener) //nolint:errcheck // it ends with the test
	t.Cleanup(func() { server.Close() })
	return path, confirmed
}

// TestApplyConfirms only what is held.
func TestApplyConfirms(t *testing.T) {
	for held, want := range map[int]string{0: "nothing is held", 2: "with the next round go: 2 routes of kong"} {
		path, confirmed := controlled(t, held)
		var out bytes.Buffer
		code := Main("test", []string{"apply", "--confirm", "--control-socket", path}, &out, &out)
		if code != 0 || !strings.Contains(out.String(), want) || *confirmed != min(held, 1) {
			t.Errorf("%d held: code %d, confirmed %d times, said %q, want %q", held, code, *confirmed, out.String(), want)
		}
	}
}

// TestNoPermissionIsNoAbsence: who may not use the socket is not told to start a daemon.
func TestNoPermissionIsNoAbsence(t *testing.T) {
	denied := &http.Client{Transport: refusing{&net.OpError{Op: "dial", Addr: &net.UnixAddr{Name: "/run/c.sock"}, Err: os.NewSyscallError("connect", syscall.EACCES)}}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://lockstep/confirm", nil)
	if err != nil {
		t.Fatal(err)
	}
	err = exchange(denied, request, nil, errNoDaemon)
	if err == nil || !strings.Contains(err.Error(), "no permission to use /run/c.sock") || strings.Contains(err.Error(), errNoDaemon.Error()) {
		t.Errorf("got %v", err)
	}
}

// TestDaemonThatIsKilled leaves a question without an answer, and says so.
func TestDaemonThatIsKilled(t *testing.T) {
	for _, stopped := range []error{io.EOF, io.ErrUnexpectedEOF, &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://lockstep/plan", nil)
		if err != nil {
			t.Fatal(err)
		}
		err = exchange(&http.Client{Transport: refusing{stopped}}, request, nil, errNoDaemon)
		if err == nil || !strings.Contains(err.Error(), "the daemon ended before it answered") || errors.Is(err, errNoDaemon) {
			t.Errorf("%v: got %v", stopped, err)
		}
	}
}

type refusing struct{ err error }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) { return nil, r.err }

// TestHealthAndStatusSayTheSame about a daemon that isn't there.
func TestHealthAndStatusSayTheSame(t *testing.T) {
	lease, err := port.Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lease.Release(); err != nil {
			t.Error(err)
		}
	})
	said := map[string]bool{}
	for _, name := range []string{"health", "status"} {
		var out bytes.Buffer
		if code := Main("test", []string{name, "--listen", lease.Address}, &out, &out); code != 1 {
			t.Errorf("%s ended with %d", name, code)
		}
		said[out.String()] = true
		if !strings.Contains(out.String(), "start it with lockstep run") {
			t.Errorf("%s says %q", name, out.String())
		}
	}
	if len(said) != 1 {
		t.Errorf("they differ: %v", said)
	}
}
