package haproxy

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
)

// plain puts a service of default options into the set.
func (b *bench) plain(name string, endpoints ...v1.Endpoint) *v1.Service {
	s := b.serve(name, endpoints...)
	s.ConnectTimeout, s.ReadTimeout, s.WriteTimeout = 5*time.Second, time.Minute, time.Minute
	return s
}

// needSpares skips a test where HAProxy adds backends by itself and none are prepared.
func (b *bench) needSpares() {
	b.t.Helper()
	if err := b.r.askProgram(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	if b.r.can().addsBackends {
		b.t.Skip("this HAProxy needs no prepared backends")
	}
}

// reloads returns how often this Reconciler started or reloaded HAProxy.
func (b *bench) reloads() int {
	b.t.Helper()
	total := 0
	for _, line := range gather(b.t, b.r.metrics) {
		if _, count, ok := strings.Cut(line, "="); ok && strings.HasPrefix(line, "lockstep_haproxy_reloads_total") {
			var n int
			if _, err := fmt.Sscan(count, &n); err != nil {
				b.t.Fatal(err)
			}
			total += n
		}
	}
	return total
}

// liveName returns the name that a service's backend has in HAProxy.
func (b *bench) liveName(service string) string {
	b.t.Helper()
	have := b.r.model.Backend(service)
	if have == nil {
		b.t.Fatalf("there is no backend %s", service)
	}
	return have.Live()
}

// quiet fails when a fresh look finds anything to do.
func (b *bench) quiet(after string) {
	b.t.Helper()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		b.t.Fatalf("after %s: %s", after, sentences(p))
	}
}

// kill ends HAProxy, master and worker, without a warning.
func (b *bench) kill() {
	b.t.Helper()
	worker := b.r.live.pid
	for _, pid := range []int{b.r.process.PID(), worker} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			b.t.Fatal(err)
		}
	}
	port, err := bind.Parse(b.options.Binds[0])
	if err != nil {
		b.t.Fatal(err)
	}
	b.eventually("HAProxy to be gone", func() error {
		if b.r.process.Ended() == nil {
			return errors.New("it lives")
		}
		return port.Probe() // its threads may end after it
	})
}

// TestBrandNewServices: 50 of them come without a reload, and stay through
// whatever may happen to the daemon and to HAProxy.
func TestBrandNewServices(t *testing.T) {
	b := managed(t)
	one, two := origin(t, "one"), origin(t, "two")
	b.plain("first", one)
	b.sync()
	all := func(body string) {
		t.Helper()
		for name := range b.set {
			b.want(name+".test", "/", 200, body)
		}
	}
	worker := b.r.live
	for i := range 25 {
		b.plain(fmt.Sprintf("a%02d", i), one)
	}
	b.sync()
	for i := range 25 {
		name := fmt.Sprintf("b%02d", i)
		b.plain(name, one)
		b.sync(name)
	}
	if n := b.reloads(); n != 1 || b.r.live != worker {
		t.Fatalf("HAProxy was started and reloaded %d times, worker %v was %v", n, b.r.live, worker)
	}
	all("one")
	config, err := b.r.dir.Read(b.r.model.FileOf("b07"))
	line := "backend lockstep:" + b.liveName("b07") + " from lockstep::defaults"
	if !b.r.can().addsBackends {
		line += " # service b07"
	}
	if err != nil || !strings.Contains(string(config), line+"\n") {
		t.Fatalf("the file does not say who has what: %v", err)
	}

	b.restart()
	b.quiet("a restart of the daemon")
	b.reloadedByStranger()
	b.quiet("a stranger's reload")
	for name := range b.set {
		b.plain(name, two)
	}
	b.plain("late", two)
	b.sync()
	all("two")
	if n := b.reloads(); n != 0 {
		t.Fatalf("%d reloads", n)
	}

	// A HAProxy that is started anew gets backends of the services' own names.
	b.kill()
	b.plan(reconcilers.Scope{Fresh: true})
	b.sync()
	all("two")
	spares := b.r.o.Spares
	if b.r.can().addsBackends {
		spares = 0
	}
	if name := b.liveName("late"); name != "late" || b.reloads() != 1 || len(b.r.free()) != spares {
		t.Fatalf("backend %s, %d starts, %d prepared", name, b.reloads(), len(b.r.free()))
	}
}

func TestSparesRunOut(t *testing.T) {
	b := managed(t)
	b.needSpares()
	b.options.Spares = 3
	b.open()
	one := origin(t, "one")
	b.plain("first", one)
	b.sync()
	for i := range 5 {
		b.plain(fmt.Sprintf("n%d", i), one)
	}
	b.sync()
	for name := range b.set {
		b.want(name+".test", "/", 200, "one")
	}
	if n, free := b.reloads(), len(b.r.free()); n != 2 || free != 3 {
		t.Fatalf("%d loads, %d prepared", n, free)
	}
	if name := b.liveName("n0"); !config.IsSpare(name) {
		t.Fatalf("n0 lost its backend in the reload and has %s", name)
	}
	if name := b.liveName("n4"); name != "n4" {
		t.Fatalf("n4 has %s", name)
	}
	b.quiet("the reload")
	b.restart()
	b.quiet("a restart")
	b.plain("last", one)
	b.sync("last")
	if n := b.reloads(); n != 0 {
		t.Fatalf("%d reloads with prepared backends left", n)
	}
	// Options of its own need a backend of its own, and give the prepared one back.
	b.serve("last", one)
	b.sync("last")
	b.want("last.test", "/", 200, "one")
	if name := b.liveName("last"); name != "last" || b.reloads() != 1 || len(b.r.free()) != 3 {
		t.Fatalf("last has %s after %d reloads, %d are prepared", name, b.reloads(), len(b.r.free()))
	}
	b.quiet("other timeouts")
}

func TestNoSpares(t *testing.T) {
	b := managed(t)
	b.needSpares()
	b.options.Spares = -1
	b.open()
	b.plain("first", origin(t, "one"))
	b.sync()
	b.plain("second", origin(t, "two"))
	b.sync()
	b.want("second.test", "/", 200, "two")
	if name := b.liveName("second"); name != "second" || b.reloads() != 2 {
		t.Fatalf("second has %s after %d loads", name, b.reloads())
	}
}

// TestUsedSpareIsNobodyElses: requests that wait in the backend of a service
// that went must not reach another one.
func TestUsedSpareIsNobodyElses(t *testing.T) {
	b := managed(t)
	b.needSpares()
	b.options.Spares = 2
	b.open()
	one, two := origin(t, "one"), origin(t, "two")
	b.plain("first", one)
	b.sync()
	b.plain("gone", one)
	b.sync()
	had := b.liveName("gone")
	delete(b.set, "gone")
	b.sync()
	b.restart()
	b.quiet("the removal")
	b.plain("next", two)
	b.sync()
	if name := b.liveName("next"); name == had || !config.IsSpare(name) {
		t.Fatalf("next has %s, gone had %s", name, had)
	}
	// But the service itself gets it back.
	b.plain("gone", one)
	b.sync()
	if name := b.liveName("gone"); name != had || b.reloads() != 0 {
		t.Fatalf("gone has %s and had %s, %d reloads", name, had, b.reloads())
	}
	b.want("gone.test", "/", 200, "one")
	b.want("next.test", "/", 200, "two")
}
