package haproxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// adding returns a bench whose HAProxy adds backends at runtime and serves "first".
func adding(t *testing.T) *bench {
	t.Helper()
	b := managed(t)
	if err := b.r.askProgram(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !b.r.can().addsBackends {
		t.Skip("this HAProxy can't add backends at runtime; make compat tries one that can")
	}
	b.plain("first", origin(t, "one"))
	b.sync()
	return b
}

// has reports whether the process has a backend, and a file says so.
func (b *bench) has(name string) (running, written bool) {
	b.t.Helper()
	w, err := b.r.look(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := b.r.dir.Read(config.File(name))
	if err != nil {
		b.t.Fatal(err)
	}
	return w.backends[name], strings.Contains(string(text), "backend "+routemap.Backend(b.r.o.Owner, name)+" ")
}

// TestAddedBackends: any number of brand-new services needs no reload, and what
// is gone leaves nothing behind.
func TestAddedBackends(t *testing.T) {
	b := adding(t)
	one, worker := origin(t, "one"), b.r.live
	for i := range defaultSpares + 50 {
		b.plain(fmt.Sprintf("new%03d", i), one)
	}
	b.sync()
	for _, name := range []string{"new000", "new249"} {
		b.want(name+".test", "/", 200, "one")
		if running, written := b.has(name); !running || !written {
			t.Fatalf("%s: running %t, written %t", name, running, written)
		}
	}
	b.restart()
	b.quiet("a restart of the daemon")
	delete(b.set, "new000")
	b.sync("new000")
	b.settled()
	if running, written := b.has("new000"); running || written {
		t.Fatalf("what is gone: running %t, written %t", running, written)
	}
	b.want("new000.test", "/", 404, "")
	b.plain("new000", one)
	b.sync("new000")
	b.want("new000.test", "/", 200, "one")
	b.restart()
	b.quiet("another restart of the daemon")
	if b.r.live != worker || b.reloads() != 0 {
		t.Fatalf("worker %v was %v, %d reloads", b.r.live, worker, b.reloads())
	}
}

// TestAddedBackendThatIsUsed: a request that is under way is finished before its
// backend goes.
func TestAddedBackendThatIsUsed(t *testing.T) {
	b := adding(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-answer
		fmt.Fprint(w, "slow")
	}))
	defer slow.Close()
	b.plain("slow", endpoint(t, "slow", slow.Listener.Addr().String()))
	b.sync("slow")
	got := make(chan error, 1)
	go func() {
		status, body, err := b.fetch("slow.test", "/")
		if err == nil && (status != 200 || body != "slow") {
			err = fmt.Errorf("%d %q", status, body)
		}
		got <- err
	}()
	<-arrived
	delete(b.set, "slow")
	b.sync("slow")
	if running, _ := b.has("slow"); !running {
		t.Error("the backend of a request that is under way is gone")
	}
	close(answer)
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	b.eventually("the backend to go", func() error {
		if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
			return err
		}
		if running, written := b.has("slow"); running || written {
			return fmt.Errorf("running %t, written %t", running, written)
		}
		return nil
	})
	b.quiet("all of it")
}

// TestAddedBackendOfAKilledDaemon: one that is running and that no file tells of
// is not taken for what it may not be.
func TestAddedBackendOfAKilledDaemon(t *testing.T) {
	b := adding(t)
	b.plain("new", origin(t, "one"))
	b.r.fault = func(step string) error {
		if strings.HasPrefix(step, "stage ") {
			return errors.New("killed")
		}
		return nil
	}
	if failed, err := b.try(reconcilers.Scope{}); err == nil || len(failed) > 0 {
		t.Fatalf("%v %v", failed, err)
	}
	b.want("new.test", "/", 200, "one")
	b.restart()
	b.sync()
	b.settled()
	b.want("new.test", "/", 200, "one")
	if running, written := b.has("new"); !running || !written {
		t.Fatalf("running %t, written %t", running, written)
	}
	b.restart()
	b.quiet("another restart")
}
