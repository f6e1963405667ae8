package haproxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// behindKong returns a bench with one port at which Kong reaches a service.
func behindKong(t *testing.T, allow ...string) (*bench, string) {
	t.Helper()
	b := managed(t)
	address := freeAddress(t)
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	b.options.Via = Via{Host: host, First: uint16(port), Last: uint16(port)}
	for _, network := range allow {
		b.options.Via.Allow = append(b.options.Via.Allow, netip.MustParsePrefix(network))
	}
	b.restart()
	return b, address
}

// chained puts a service behind Kong into the set.
func (b *bench) chained(name string, endpoints ...v1.Endpoint) *v1.Service {
	s := b.serve(name, endpoints...)
	s.Routes, s.Via = nil, v1.Via{Host: "127.0.0.1", Port: b.options.Via.First}
	return s
}

// asKong asks the port of a service with the headers that Kong sets.
func (b *bench) asKong(address string) (string, error) {
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, "http://"+address+"/a/../b", nil)
	if err != nil {
		return "", err
	}
	request.Host, request.Close = "web.test", true
	request.Header.Set("X-Forwarded-For", "203.0.113.9")
	request.Header.Set("X-Forwarded-Proto", "https")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, body), err
}

func (b *bench) wantAsKong(address, want string) {
	b.t.Helper()
	b.eventually("an answer on "+address, func() error {
		got, err := b.asKong(address)
		if err == nil && !strings.Contains(got, want) {
			err = fmt.Errorf("got %q, want %q", got, want)
		}
		return err
	})
}

// TestKongReachesServices: a service behind Kong answers at its port, follows its
// instances without a reload, keeps what Kong says of the client, and is
// reached in no other way.
func TestKongReachesServices(t *testing.T) {
	t.Parallel()
	b, address := behindKong(t)
	b.sync()
	b.wantAsKong(address, "503 service unavailable")
	generation, pid := b.r.model.Generation(), b.r.live.pid
	b.chained("web", origin(t, "one"))
	b.set["web"].ConnectTimeout, b.set["web"].ReadTimeout, b.set["web"].WriteTimeout = 0, 0, 0 // as a prepared backend has them
	b.sync("web")
	b.wantAsKong(address, "200 one path=/a/../b host=web.test proto=https for=203.0.113.9\n")
	b.want("web.test", "/", http.StatusNotFound, "")
	next := *b.set["web"]
	next.Endpoints = []v1.Endpoint{origin(t, "two")}
	b.set["web"] = &next
	b.sync("web")
	b.wantAsKong(address, "200 two")
	gone := next
	gone.Endpoints = nil
	b.set["web"] = &gone
	b.sync("web")
	b.wantAsKong(address, "503")
	if b.r.model.Generation() != generation || b.r.live.pid != pid {
		t.Error("HAProxy was reloaded for a service behind Kong")
	}
	b.set["web"] = &next
	b.sync("web")
	b.settled() // HAProxy 3.4 lets go of a server that is left a moment later
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("a daemon that starts again finds to do:\n%s", sentences(p))
	}
	delete(b.set, "web")
	b.sync("web")
	b.wantAsKong(address, "503")
}

// TestOnlyKongIsLetIn: with networks named, nobody else gets past what Kong asks for.
func TestOnlyKongIsLetIn(t *testing.T) {
	t.Parallel()
	b, address := behindKong(t, "192.0.2.0/24", "2001:db8::/32")
	b.chained("web", origin(t, "one"))
	b.sync()
	if got, err := b.asKong(address); err == nil {
		t.Errorf("a stranger got %q", got)
	}
	b.options.Via.Allow = append(b.options.Via.Allow, netip.MustParsePrefix("127.0.0.0/8"))
	b.restart()
	b.sync()
	b.wantAsKong(address, "200 one")
}

// TestPortsOfKongThatAreTaken: a port of the range that another process has is
// named, and HAProxy is not asked to load it.
func TestPortsOfKongThatAreTaken(t *testing.T) {
	t.Parallel()
	b, address := behindKong(t)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	failed, err := b.try(reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if len(failed) == 0 || failed[0].Reason != v1.Conflict || !strings.Contains(failed[0].Message, address) {
		t.Errorf("got %v", failed)
	}
}

// TestNoWayFromKongWhereNobodyListens: as long as HAProxy can't listen at a service's port because
// another process does, the way there is not made, in rounds about everything and about the
// service alone, and it is said why. What HAProxy serves otherwise goes on. When the port is
// free, the way is made.
func TestNoWayFromKongWhereNobodyListens(t *testing.T) {
	t.Parallel()
	b := managed(t)
	b.serve("web", origin(t, "one"))
	b.sync()
	listener, err := net.Listen("tcp", freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	port := netip.MustParseAddrPort(address).Port()
	b.options.Via = Via{Host: "127.0.0.1", First: port, Last: port}
	b.restart()
	b.set["web"].Via = v1.Via{Host: "127.0.0.1", Port: port}
	service := v1.Key{Kind: v1.KindService, Name: "web"}
	for _, scope := range []reconcilers.Scope{{}, {Services: []string{"web"}}, {Fresh: true}} {
		failed, err := b.try(scope)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(failed, func(p v1.Problem) bool {
			return p.Object == service && p.Reason == v1.Starting && strings.Contains(p.Message, address+" is taken by") && p.Fix != ""
		})
		if !found {
			t.Errorf("%+v: Kong is let send to a port at which another process listens: %v", scope, failed)
		}
		if _, leads := b.r.running[fmt.Sprintf("|V%05d", port)]; leads {
			t.Errorf("%+v: the port leads to the service", scope)
		}
	}
	b.want("web.test", "/", http.StatusOK, "one")
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	b.sync()
	b.wantAsKong(address, "200 one")
	b.want("web.test", "/", http.StatusOK, "one")
}

func TestRangesOfPorts(t *testing.T) {
	t.Parallel()
	for _, wrong := range []Via{{First: 2, Last: 1}, {First: 1, Last: 10_000}, {Host: "x", First: 1, Last: 2}} {
		if wrong.check() == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}
