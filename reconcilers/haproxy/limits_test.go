package haproxy

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// stat returns a column of "show stat" for a server, or for the whole backend
// when the server is BACKEND.
func (b *bench) stat(service, server, column string) string {
	b.t.Helper()
	s, err := socket.Dial(b.t.Context(), b.r.o.StatsSocket, time.Second)
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Close()
	answer, err := s.Ask("show stat")
	if err != nil {
		b.t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(answer, "# "))).ReadAll()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, row := range rows[1:] {
		if row[0] != routemap.Backend(b.r.o.Owner, b.liveName(service)) || row[1] != server {
			continue
		}
		for i, name := range rows[0] {
			if name == column {
				return row[i]
			}
		}
	}
	b.t.Fatalf("show stat has no %s of %s/%s", column, service, server)
	return ""
}

// TestMaxConn: what is too much for a server waits, until there is room, the
// bound is raised at runtime, or the wait is too long.
func TestMaxConn(t *testing.T) {
	b := managed(t)
	busy := holding(t, "busy")
	serve := func(maxconn int) {
		e := busy.Endpoint
		e.MaxConn = maxconn
		s := b.serve("shop", e)
		s.ConnectTimeout, s.QueueTimeout = 5*time.Second, time.Hour
		s = b.serve("hasty", e)
		s.QueueTimeout = 20 * time.Millisecond
	}
	serve(1)
	b.sync()
	answers := make(chan string, 3)
	hold := func(host string) { go func() { answers <- b.ask(host, "/hold", 0, nil) }() }
	queued := func(n string) {
		t.Helper()
		b.eventually(n+" to wait", func() error {
			if got := b.stat("shop", "BACKEND", "qcur"); got != n {
				return fmt.Errorf("%s wait", got)
			}
			return nil
		})
	}
	hold("shop.test")
	<-busy.arrived
	hold("shop.test")
	hold("shop.test")
	queued("2")
	if n := len(busy.arrived); n != 0 {
		t.Fatalf("%d requests more than maxconn have arrived", n)
	}
	serve(2)
	b.sync()
	<-busy.arrived
	queued("1")
	if n := b.reloads(); n != 1 {
		t.Errorf("%d loads: maxconn was raised with a reload", n)
	}
	b.quiet("the new maxconn")
	b.restart()
	b.quiet("a restart")

	for range 2 {
		hold("hasty.test")
		<-busy.arrived
	}
	if got := b.ask("hasty.test", "/", 0, nil); got != "503" {
		t.Errorf("a request that waited for longer than queue_timeout was answered %s", got)
	}
	close(busy.release)
	for range 5 {
		if got := <-answers; got != "busy" {
			t.Errorf("a held request was answered %s", got)
		}
	}
}

// TestBackup: backup servers share the requests while no other one takes any.
func TestBackup(t *testing.T) {
	b := managed(t)
	main, one, two := origin(t, "main"), origin(t, "one"), origin(t, "two")
	one.Backup, two.Backup = true, true
	answered := func(want ...string) {
		t.Helper()
		got := map[string]bool{}
		for range 8 {
			got[b.ask("shop.test", "/", 0, nil)] = true
		}
		for _, name := range want {
			if !got[name] || len(got) != len(want) {
				t.Fatalf("%v answered, want %v", got, want)
			}
		}
	}
	b.plain("shop", main, one)
	b.sync()
	answered("main")
	b.plain("shop", main, one, two)
	b.sync()
	answered("main")
	drained := main
	drained.Draining = true
	b.plain("shop", drained, one, two)
	b.sync()
	answered("one", "two")
	b.plain("shop", one, two)
	b.sync()
	answered("one", "two")
	b.plain("shop", main, one, two)
	b.sync()
	answered("main")
	if n := b.reloads(); n != 1 {
		t.Errorf("%d loads: servers came and went with a reload", n)
	}
	b.restart()
	b.quiet("a restart")
	one.Backup = false // of a container it never changes; HAProxy has no command for it
	b.plain("shop", main, one, two)
	b.sync()
	answered("main", "one")
	if n := b.reloads(); n != 1 {
		t.Errorf("%d reloads for a server that is no backup any more", n)
	}
	b.quiet("the last change")
}

// TestSlowStart: a server that comes at runtime begins with little.
func TestSlowStart(t *testing.T) {
	b := managed(t)
	one, two := origin(t, "one"), origin(t, "two")
	b.serve("shop", one).SlowStart = 12 * time.Hour
	b.sync()
	b.serve("shop", one, two).SlowStart = 12 * time.Hour
	b.sync()
	if old, fresh := b.stat("shop", "one", "throttle"), b.stat("shop", "two", "throttle"); old != "" || fresh == "" || fresh == "100%" {
		t.Errorf("of their share the first server gets %q, and the one that came %q", old, fresh)
	}
	b.quiet("the start")
}

// TestRetries: a request that meets a dead server is tried elsewhere, unless that is not wanted.
func TestRetries(t *testing.T) {
	b := managed(t)
	gone := endpoint(t, "gone", freeAddress(t)) // nobody listens
	live := origin(t, "live")
	s := b.serve("shop", gone, live)
	s.Retries = new(0)
	b.serve("patient", gone, live)
	b.sync()
	answers := map[string]map[string]bool{"shop": {}, "patient": {}}
	for range 8 {
		for service := range answers {
			answers[service][b.ask(service+".test", "/", 0, nil)] = true
		}
	}
	if got := answers["shop"]; !got["503"] || !got["live"] {
		t.Errorf("without retries: %v", got)
	}
	if got := answers["patient"]; !got["live"] || len(got) != 1 {
		t.Errorf("with the default retries: %v", got)
	}
}
