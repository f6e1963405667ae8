package haproxy

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// logged makes the next daemon write its log into the returned buffer.
func (b *bench) logged() *bytes.Buffer {
	b.t.Helper()
	var log bytes.Buffer
	b.options.Log = slog.New(slog.NewTextHandler(&log, nil))
	b.open()
	return &log
}

// TestSocketsDeleted: a HAProxy that lives and can't be told anything is
// replaced, and finishes what it has begun.
func TestSocketsDeleted(t *testing.T) {
	for _, whole := range []bool{true, false} {
		t.Run(fmt.Sprintf("whole=%t", whole), func(t *testing.T) {
			b := managed(t)
			log := b.logged()
			arrived, answer := make(chan struct{}), make(chan struct{})
			slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(arrived)
				<-answer
				fmt.Fprint(w, "slow")
			}))
			defer slow.Close() // waits for its answer
			finish := sync.OnceFunc(func() { close(answer) })
			defer finish()
			b.serve("slow", endpoint(t, "slow", slow.Listener.Addr().String()))
			b.serve("shop", origin(t, "one"))
			b.sync()
			got := make(chan error, 1)
			go func() {
				status, body, err := b.fetch("slow.test", "/")
				if err == nil && (status != 200 || body != "slow") {
					err = fmt.Errorf("%d %q", status, body)
				}
				got <- err
			}()
			<-arrived
			pid := b.r.process.PID()
			if whole {
				b.empty(true)
			} else if err := os.Remove(b.r.o.MasterSocket); err != nil {
				t.Fatal(err)
			}
			// A young one may be about to make them: it stays.
			_, err := b.r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("HAProxy (pid %d) runs, and its socket", pid)) || !alive(pid) {
				t.Fatal(err)
			}
			// A look at one that is old enough changes nothing, and says what is to do.
			b.r.limit = time.Nanosecond
			p := b.plan(reconcilers.Scope{Fresh: true})
			if !strings.Contains(sentences(p), processDeaf) || !alive(pid) {
				t.Fatal(sentences(p))
			}
			b.r.limit = loadLimit
			if failed, err := b.try(reconcilers.Scope{}); err != nil || len(failed) > 0 {
				t.Fatal(failed, err)
			}
			b.want("shop.test", "/", 200, "one")
			if next := b.r.process.PID(); next == pid || !strings.Contains(log.String(), "haproxy's sockets were deleted") {
				t.Fatalf("pid %d, was %d\n%s", next, pid, log)
			}
			finish()
			if err := <-got; err != nil {
				t.Error(err)
			}
			b.eventually("the old process to end", func() error {
				if alive(pid) {
					return fmt.Errorf("pid %d lives", pid)
				}
				return nil
			})
			b.want("shop.test", "/", 200, "one")
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Fatalf("at the end: %s", sentences(p))
			}
		})
	}
}

// TestDeathIsLogged: one line says that HAProxy died and how, one that it was started.
func TestDeathIsLogged(t *testing.T) {
	b := managed(t)
	log := b.logged()
	b.serve("shop", origin(t, "one"))
	b.sync()
	pid := b.r.process.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.eventually("it to be dead", func() error {
		if alive(pid) {
			return fmt.Errorf("pid %d lives", pid)
		}
		return nil
	})
	log.Reset()
	b.afresh()
	text := log.String()
	died, started := fmt.Sprintf(`level=WARN msg="haproxy died" pid=%d lived=`, pid), fmt.Sprintf(`level=INFO msg="haproxy was started" pid=%d`, b.r.process.PID())
	if strings.Count(text, "haproxy died") != 1 || !strings.Contains(text, died) || !strings.Contains(text, `exit="signal: killed"`) || strings.Count(text, started) != 1 {
		t.Fatalf("want %s and %s, got\n%s", died, started, text)
	}
}

func TestProgramBesidePath(t *testing.T) {
	bin, sbin := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin)
	if got := findProgram(sbin); got != "haproxy" {
		t.Fatalf("there is none, and it is %s", got)
	}
	path := filepath.Join(sbin, "haproxy")
	if err := os.WriteFile(path, nil, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if got := findProgram(bin+"/none", sbin); got != path {
		t.Fatalf("got %s, want %s", got, path)
	}
	if err := os.WriteFile(filepath.Join(bin, "haproxy"), nil, 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	if got := findProgram(sbin); got != "haproxy" {
		t.Fatalf("that of PATH goes first, not %s", got)
	}
}

// TestAddressOfAnotherMachine: the advice is about the address, not the port.
func TestAddressOfAnotherMachine(t *testing.T) {
	b := managed(t)
	_, port, err := net.SplitHostPort(b.options.Binds[0])
	if err != nil {
		t.Fatal(err)
	}
	b.options.Binds = []string{net.JoinHostPort("192.0.2.1", port)} // for documentation: nobody's
	b.open()
	p := b.plan(reconcilers.Scope{Fresh: true})
	if text := sentences(p); strings.Contains(text, "edited") {
		t.Fatalf("nothing is there that could have been edited: %s", text)
	}
	failed, err := b.try(reconcilers.Scope{})
	if err != nil || len(failed) == 0 || failed[0].Reason != v1.Conflict ||
		!strings.Contains(failed[0].Message, "192.0.2.1") || strings.Contains(failed[0].Fix, "free the port") || !strings.Contains(failed[0].Fix, "ip addr") {
		t.Fatalf("%v %v", failed, err)
	}
}
