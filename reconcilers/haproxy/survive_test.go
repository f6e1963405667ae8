package haproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// watching runs Watch until the test ends, and returns its pokes.
func (b *bench) watching() <-chan struct{} {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	pokes, done, r := make(chan struct{}, 100), make(chan error, 1), b.r
	go func() {
		done <- r.Watch(ctx, func() {
			select {
			case pokes <- struct{}{}:
			default:
			}
		})
	}()
	b.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			b.t.Error(err)
		}
	})
	return pokes
}

func (b *bench) poked(pokes <-chan struct{}, why string) {
	b.t.Helper()
	select {
	case <-pokes:
	case <-time.After(time.Minute):
		b.t.Fatalf("no poke after %s", why)
	}
}

// reloadedByStranger has somebody else reload HAProxy, and returns when the next worker
// answers. A reload that meets the master while it replaces itself is lost: it is asked
// for again.
func (b *bench) reloadedByStranger() {
	b.t.Helper()
	var before identity
	var asked time.Time
	b.eventually("the next worker", func() error {
		id, err := b.r.peek(b.t.Context())
		switch {
		case err != nil: // it is being replaced
			return err
		case before.pid != 0 && id.pid != before.pid:
			return nil
		case time.Since(asked) > time.Second:
			before, asked = id, time.Now()
			if _, err := socket.Reload(b.t.Context(), b.r.o.MasterSocket, time.Second); err != nil {
				return err
			}
		}
		return fmt.Errorf("worker %d answers", id.pid)
	})
}

func TestKilledComesBackComplete(t *testing.T) {
	for _, whom := range []string{"master", "worker"} {
		t.Run(whom, func(t *testing.T) {
			b := managed(t)
			b.serve("shop", origin(t, "one"))
			b.sync()
			draining := origin(t, "two")
			draining.Draining = true
			b.serve("shop", origin(t, "one"), draining)
			b.sync("shop")
			pokes := b.watching()
			pid := b.r.process.PID()
			if whom == "worker" {
				pid = b.r.live.pid
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			b.poked(pokes, "the "+whom+" was killed")
			b.eventually("service", func() error {
				if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
					return err
				}
				if status, body, err := b.fetch("shop.test", "/"); err != nil || status != 200 {
					return fmt.Errorf("%d %q %w", status, body, err)
				}
				return nil
			})
			t.Logf("serves again %s after %s was killed", time.Since(start).Round(time.Millisecond), whom)
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Fatalf("something is missing: %s", sentences(p))
			}
		})
	}
}

func TestReloadByStranger(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"), origin(t, "two"))
	b.sync()
	b.serve("shop", origin(t, "three"))
	b.sync("shop")
	pokes := b.watching()
	old := b.r.live
	b.reloadedByStranger()
	b.poked(pokes, "a stranger's reload")
	before := b.counts()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("the files did not say what ran: %s", sentences(p))
	}
	if b.r.live.pid == old.pid || b.counts() != before {
		t.Fatalf("pid %d was %d, %s was %s", b.r.live.pid, old.pid, b.counts(), before)
	}
	b.want("shop.test", "/", 200, "three")

	// Commands for a worker that is gone are not sent to the next one unseen.
	b.reloadedByStranger()
	b.serve("shop", origin(t, "four"))
	failed, err := b.try(reconcilers.Scope{Services: []string{"shop"}})
	if err != nil || len(failed) == 0 || !strings.Contains(failed[0].Message, "reloaded or restarted by somebody else") {
		t.Fatalf("%v %v", failed, err)
	}
	b.sync("shop")
	b.want("shop.test", "/", 200, "four")
}

func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	b := managed(t)
	b.serve("shop", origin(t, "one"), origin(t, "two"))
	b.sync()
	for _, c := range []struct {
		name     string
		commands []string
		file     string
		edit     func(text string) string
	}{
		{name: "server removed", commands: []string{"set server lockstep:shop/one state maint", "shutdown sessions server lockstep:shop/one", "del server lockstep:shop/one"}},
		{name: "server out of service", commands: []string{"set server lockstep:shop/one state maint"}},
		{name: "server drained", commands: []string{"set server lockstep:shop/one state drain"}},
		{name: "weight", commands: []string{"set server lockstep:shop/one weight 3"}},
		{name: "address", commands: []string{"set server lockstep:shop/one addr 127.0.0.9 port 9"}},
		{name: "server added", commands: []string{"add server lockstep:shop/evil 127.0.0.9:9", "enable server lockstep:shop/evil"}},
		{name: "route removed", commands: []string{"del map " + b.r.dir.File(disk.Routes) + " shop.test|c"}},
		{name: "route changed", commands: []string{"set map " + b.r.dir.File(disk.Routes) + " shop.test|c nowhere"}},
		{name: "route added", commands: []string{"add map " + b.r.dir.File(disk.Routes) + " evil.test|c lockstep:shop"}},
		{name: "map emptied", commands: []string{"clear map " + b.r.dir.File(disk.Routes)}},
		{name: "file edited", file: config.File("shop"), edit: func(text string) string { return strings.Replace(text, "weight 100", "weight 1", 1) }},
		{name: "line added", file: config.File("shop"), edit: func(text string) string { return text + "  option httpchk\n" }},
		{name: "file emptied", file: config.File("shop"), edit: func(string) string { return "" }},
		{name: "file removed", file: config.File("shop"), edit: nil},
		{name: "file added", file: "lockstep_99.cfg", edit: func(string) string { return "backend lockstep:evil from lockstep::defaults\n" }},
		{name: "line added to our sections", file: disk.Config, edit: func(text string) string { return text + "  option httpchk\n" }},
		{name: "our sections emptied", file: disk.Config, edit: func(string) string { return "" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, command := range c.commands {
				s, err := socket.Dial(t.Context(), b.r.o.StatsSocket, time.Second)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Ask(command); err != nil {
					t.Fatal(err)
				}
				s.Close()
			}
			before, err := b.r.dir.ReadConfigs()
			if err != nil {
				t.Fatal(err)
			}
			switch path := b.r.dir.File(c.file); {
			case c.edit != nil:
				err = os.WriteFile(path, []byte(c.edit(string(before[c.file]))), 0o644) //nolint:gosec // as HAProxy reads it
			case c.file != "":
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			what, counted := "servers", b.drifts()
			switch {
			case strings.Contains(c.name, "route") || strings.Contains(c.name, "map"):
				what = "routes"
			case c.file != "":
				what = "files"
			}
			if b.plan(reconcilers.Scope{Fresh: true}).Empty() {
				t.Fatal("not noticed")
			}
			counted[what]++
			if d := cmp.Diff(counted, b.drifts()); d != "" {
				t.Fatalf("not counted as drift of %s:\n%s", what, d)
			}
			b.sync()
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Fatalf("not repaired: %s", sentences(p))
			}
			after, err := b.r.dir.ReadConfigs()
			if d := cmp.Diff(before, after); err != nil || d != "" {
				t.Fatalf("the files are others now: %v\n%s", err, d)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	b := managed(t)
	listener, err := net.Listen("tcp", b.options.Binds[0])
	if err != nil {
		t.Fatal(err)
	}
	b.serve("shop", origin(t, "one"))
	failed, err := b.try(reconcilers.Scope{Fresh: true})
	if err != nil || len(failed) == 0 {
		t.Fatalf("%v %v", failed, err)
	}
	if f := failed[0]; f.Reason != v1.Conflict || !strings.Contains(f.Message, b.options.Binds[0]) || !strings.Contains(f.Message, fmt.Sprintf("(pid %d)", os.Getpid())) || f.Fix == "" {
		t.Fatalf("%v", f)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	b.sync()
	b.want("shop.test", "/", 200, "one")
}

func TestNewBindThatIsTakenKeepsTheOldOnes(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b.options.Binds = append(b.options.Binds, listener.Addr().String())
	b.restart()
	b.serve("other", origin(t, "two"))
	failed, err := b.try(reconcilers.Scope{Fresh: true})
	if err != nil || len(failed) != 1 || failed[0].Reason != v1.Conflict || failed[0].Object != baseKey {
		t.Fatalf("%v %v", failed, err)
	}
	b.want("shop.test", "/", 200, "one")
	b.want("other.test", "/", 200, "two")
}

func TestFilesThatCanNotBeWritten(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EROFS, syscall.ENOSPC} {
		t.Run(errno.Error(), func(t *testing.T) {
			b := managed(t)
			b.serve("shop", origin(t, "one"))
			b.sync()
			b.r.fault = func(step string) error {
				if strings.HasPrefix(step, "stage ") {
					return errno
				}
				return nil
			}
			b.serve("shop", origin(t, "two"))
			failed, err := b.try(reconcilers.Scope{Services: []string{"shop"}})
			problem, _ := errors.AsType[v1.Problem](err)
			if len(failed) > 0 || problem.Reason != v1.GatewayUnwritable ||
				!strings.Contains(problem.Message, b.options.Dir) || !strings.Contains(problem.Message, errno.Error()) || !strings.Contains(problem.Fix, "restart of HAProxy") {
				t.Fatalf("%v %v", failed, err)
			}
			b.want("shop.test", "/", 200, "two") // what runs goes on
			for range 2 {                        // trying again makes nothing, and says so in the same words
				failed, again := b.try(reconcilers.Scope{Fresh: true})
				if len(failed) != 1 || failed[0].Reason != v1.GatewayUnwritable || again == nil || again.Error() != err.Error() {
					t.Fatalf("%v %v", failed, again)
				}
			}
			b.r.fault = nil
			p := b.plan(reconcilers.Scope{})
			if p.Empty() {
				t.Fatal("nothing says that the files are behind")
			}
			b.sync()
			b.restart()
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Fatalf("the files were not written: %s", sentences(p))
			}
		})
	}
}

func TestFrozenIsReported(t *testing.T) {
	b := managed(t)
	b.options.Timeout = time.Second
	b.open()
	b.serve("shop", origin(t, "one"))
	b.sync()
	worker := b.r.live.pid
	if err := syscall.Kill(worker, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(worker, syscall.SIGCONT) //nolint:errcheck // it may have ended
	start := time.Now()
	_, err := b.r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err == nil || !strings.Contains(err.Error(), "does not answer on socket") {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Fatalf("it took %s to say so", took)
	}
	if err := syscall.Kill(worker, syscall.SIGCONT); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
	b.eventually("an answer", func() error {
		_, err := b.r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
		return err
	})
}

// TestFrozenForLong: when nobody accepts connections any more the kernel soon
// refuses more of them, in words that say little.
func TestFrozenForLong(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd) //nolint:errcheck // a test's own
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := socket.Dial(t.Context(), path, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), "does not answer on socket") {
			t.Fatal(err)
		}
	}
}

func TestFoundAgainWithoutPIDFile(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	pid := b.r.process.PID()
	if err := os.Remove(b.r.o.PIDFile); err != nil {
		t.Fatal(err)
	}
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() || b.r.process.PID() != pid {
		t.Fatalf("pid %d, was %d: %s", b.r.process.PID(), pid, sentences(p))
	}
}

// TestFoundWhileItStarts: a daemon that was killed right after it started
// HAProxy leaves one that has neither sockets nor a pid file yet.
func TestFoundWhileItStarts(t *testing.T) {
	b := managed(t)
	b.serve("shop", origin(t, "one"))
	b.sync()
	pid := b.r.process.PID()
	// The sockets stand aside for the moment that HAProxy needs to make them.
	hidden := []string{b.r.o.PIDFile, b.r.o.StatsSocket, b.r.o.MasterSocket}
	for _, path := range hidden {
		if err := os.Rename(path, path+".later"); err != nil {
			t.Fatal(err)
		}
	}
	b.restart()
	if _, err := b.r.Observe(t.Context(), reconcilers.Scope{Fresh: true}); err == nil || b.r.process.PID() != pid {
		t.Fatalf("found pid %d, not %d: %v", b.r.process.PID(), pid, err)
	}
	for _, path := range hidden {
		if err := os.Rename(path+".later", path); err != nil {
			t.Fatal(err)
		}
	}
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() || b.r.process.PID() != pid {
		t.Fatalf("pid %d, was %d: %s", b.r.process.PID(), pid, sentences(p))
	}
}

// TestEndsWithoutCuttingOff: HAProxy that ends with Lockstep finishes what it
// has begun, and does not wait for clients that only keep their connections.
func TestEndsWithoutCuttingOff(t *testing.T) {
	b := managed(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-answer
		fmt.Fprint(w, "slow")
	}))
	defer slow.Close()
	b.serve("slow", endpoint(t, "slow", slow.Listener.Addr().String()))
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
	closed := make(chan error, 1)
	go func() { closed <- b.r.Close() }()
	listens, err := bind.Parse(b.options.Binds[0])
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("HAProxy to take no new request", listens.Probe)
	close(answer)
	if err := errors.Join(<-got, <-closed); err != nil {
		t.Fatal(err)
	}
}
