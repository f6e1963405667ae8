package haproxy

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// patient is an origin that is well or not, as its check is told.
type patient struct {
	v1.Endpoint
	status  atomic.Int32
	failing atomic.Bool  // whether it fails whatever else is asked
	seen    atomic.Value // of the last check: method, Host and path
}

func newPatient(t *testing.T, name string) *patient {
	t.Helper()
	p := &patient{}
	p.status.Store(http.StatusNoContent)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			p.seen.Store(r.Method + " " + r.Host + " " + r.URL.RequestURI())
			w.WriteHeader(int(p.status.Load()))
			return
		}
		if p.failing.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprintln(w, name, "")
	}))
	t.Cleanup(s.Close)
	p.Endpoint = endpoint(t, name, s.Listener.Addr().String())
	return p
}

// checked waits until HAProxy's check has found a server to be so.
func (b *bench) checked(service, server, status string) {
	b.t.Helper()
	b.eventually(server+" to be "+status, func() error {
		if got := b.stat(service, server, "status"); got != status {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
}

// answerers returns who answers some requests.
func (b *bench) answerers(host string) string {
	b.t.Helper()
	got := map[string]bool{}
	for range 6 {
		got[b.ask(host, "/", 0, nil)] = true
	}
	return fmt.Sprint(got)
}

// TestHTTPCheck: a server whose check turns bad gets nothing, also one that
// came at runtime, and gets its share again when it is well. That is no drift.
func TestHTTPCheck(t *testing.T) {
	b := managed(t)
	one, two := newPatient(t, "one"), newPatient(t, "two")
	serve := func(endpoints ...v1.Endpoint) {
		b.serve("shop", endpoints...).HealthCheck = v1.HealthCheck{
			Check: v1.CheckHTTP, CheckPath: "/healthz?x=1", CheckHost: "shop.test", CheckStatus: []string{"200-299"},
			CheckInterval: 20 * time.Millisecond, CheckTimeout: 5 * time.Second, CheckRise: 1, CheckFall: 1,
		}
	}
	serve(one.Endpoint)
	b.sync()
	serve(one.Endpoint, two.Endpoint)
	b.sync()
	if n := b.reloads(); n != 1 {
		t.Fatalf("%d loads: a checked server came with a reload", n)
	}
	want := func(who string) {
		t.Helper()
		if got := b.answerers("shop.test"); got != who {
			t.Errorf("%s answered, want %s", got, who)
		}
	}
	want("map[one:true two:true]")
	two.status.Store(http.StatusFound) // not among those that are good here
	b.checked("shop", "two", "DOWN")
	want("map[one:true]")
	if seen := two.seen.Load(); seen != "GET shop.test /healthz?x=1" {
		t.Errorf("the check was %v", seen)
	}
	b.quiet("a check that turned bad")
	b.restart()
	b.quiet("a restart")

	one.status.Store(http.StatusServiceUnavailable)
	b.checked("shop", "one", "DOWN")
	want("map[503:true]")

	// Docker's word counts beside the check's: neither alone brings a server back.
	drained := two.Endpoint
	drained.Draining = true
	serve(one.Endpoint, drained)
	b.sync()
	two.status.Store(http.StatusOK)
	b.checked("shop", "two", "DRAIN")
	want("map[503:true]")
	serve(one.Endpoint, two.Endpoint)
	b.sync()
	b.checked("shop", "two", "UP")
	want("map[two:true]")
	one.status.Store(http.StatusOK)
	b.checked("shop", "one", "UP")
	want("map[one:true two:true]")
	b.quiet("all of it")
}

func TestTCPCheck(t *testing.T) {
	b := managed(t)
	address := freeAddress(t)
	b.serve("shop", endpoint(t, "late", address)).HealthCheck = v1.HealthCheck{Check: v1.CheckTCP, CheckInterval: 20 * time.Millisecond, CheckRise: 1, CheckFall: 1}
	b.sync()
	b.checked("shop", "late", "DOWN")
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b.checked("shop", "late", "UP")
	b.quiet("the check")
}
