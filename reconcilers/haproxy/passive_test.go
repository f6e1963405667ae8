package haproxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// passive is a check that takes a server out by what clients ask for alone: its own
// answers would have to be bad for a minute.
var passive = v1.HealthCheck{Check: v1.CheckHTTP, CheckPath: "/healthz", CheckInterval: 250 * time.Millisecond, CheckRise: 1, CheckFall: 255, CheckPassive: 3}

// fail asks until n answers were bad. What is not is that of a server named other.
func (b *bench) fail(n int, other string) {
	b.t.Helper()
	for tries := 0; n > 0; tries++ {
		switch got := b.ask("shop.test", "/", 0, nil); {
		case got == "500":
			n--
		case got != other || tries > 20:
			b.t.Fatalf("%s answered, %d bad answers are wanted yet", got, n)
		}
	}
}

// passed waits until a server's check was good once: before, one that is bad suffices.
func (b *bench) passed(service, server string) {
	b.t.Helper()
	b.eventually(server+" to pass its check", func() error {
		if got := b.stat(service, server, "check_status"); !strings.HasSuffix(got, "OK") {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// TestPassiveCheck: a server that fails what clients ask for gets no more of it until
// its check finds it well, whether it stands in the file or came at runtime. That is no drift.
func TestPassiveCheck(t *testing.T) {
	b := managed(t)
	one, two := newPatient(t, "one"), newPatient(t, "two")
	b.serve("shop", one.Endpoint).HealthCheck = passive
	b.sync()
	b.serve("shop", one.Endpoint, two.Endpoint).HealthCheck = passive
	b.sync()
	if n := b.reloads(); n != 1 {
		t.Fatalf("%d loads: the second server came with a reload", n)
	}
	for _, c := range []struct {
		name, other string
		patient     *patient
	}{{"one", "two", one}, {"two", "one", two}} {
		b.passed("shop", c.name)
		c.patient.status.Store(http.StatusServiceUnavailable) // so that it stays out
		c.patient.failing.Store(true)
		b.fail(2, c.other)
		c.patient.failing.Store(false)
		if got := b.answerers("shop.test"); got != "map[one:true two:true]" {
			t.Errorf("%s answered though two failures are not three", got)
		}
		c.patient.failing.Store(true)
		b.fail(2, c.other)
		if got := b.stat("shop", c.name, "status"); !strings.HasPrefix(got, "UP") {
			t.Errorf("%s is %s though no three failures were in a row", c.name, got)
		}
		b.fail(1, c.other)
		b.checked("shop", c.name, "DOWN")
		if got := b.answerers("shop.test"); got != "map["+c.other+":true]" {
			t.Errorf("%s answered while %s is out", got, c.name)
		}
		if got := b.stat("shop", c.name, "hanafail"); got != "1" {
			t.Errorf("requests took %s out %s times", c.name, got)
		}
		b.quiet("requests that failed")
		c.patient.failing.Store(false)
		c.patient.status.Store(http.StatusOK)
		b.checked("shop", c.name, "UP")
	}
	if got := b.answerers("shop.test"); got != "map[one:true two:true]" {
		t.Errorf("%s answered when both are well", got)
	}
}

// TestPassiveCheckIsTold: until the next check says more, Inspect says why a server is
// out; when none is left, clients are told 503.
func TestPassiveCheckIsTold(t *testing.T) {
	b := managed(t)
	one := newPatient(t, "one")
	rarely := passive
	rarely.CheckInterval = time.Hour
	b.serve("shop", one.Endpoint).HealthCheck = rarely
	b.sync()
	b.passed("shop", "one")
	one.failing.Store(true)
	b.fail(3, "")
	b.checked("shop", "one", "DOWN")
	if got := b.answerers("shop.test"); got != "map[503:true]" {
		t.Errorf("%s answered, and nobody is left", got)
	}
	known, err := b.r.Inspect(context.Background(), "shop")
	want := "HAProxy took it out because requests failed (check_passive): Detected 3 consecutive errors, last one was: Wrong http response"
	if live := known["one"]; err != nil || live.Down != want || live.Fix == "" {
		t.Errorf("it says %+v, %v", live, err)
	}
}

// TestPassiveCheckOfConnections: those that fail take a server out that passes
// connections on.
func TestPassiveCheckOfConnections(t *testing.T) {
	b, ports := streaming(t, 1)
	address := freeAddress(t)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	check := passive
	check.Check, check.CheckPath = v1.CheckTCP, ""
	b.stream("db", ports[0], endpoint(t, "db-1", address)).HealthCheck = check
	b.sync()
	b.passed("db", "db-1")
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	b.eventually("the server to be out", func() error {
		client, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0]))
		if err != nil {
			return err
		}
		defer client.Close()
		_ = client.SetReadDeadline(time.Now().Add(time.Minute))
		if _, err := client.Read(make([]byte, 1)); err == nil {
			t.Error("somebody answers")
		}
		if got := b.stat("db", "db-1", "hanafail"); got == "0" {
			return fmt.Errorf("it is %s", b.stat("db", "db-1", "status"))
		}
		return nil
	})
	b.checked("db", "db-1", "DOWN")
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b.checked("db", "db-1", "UP")
	b.quiet("connections that failed")
}
