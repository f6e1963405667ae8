package haproxy

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
)

// listen puts a Listener into what belongs to no service; hosts that it has to itself
// follow an "!".
func (b *bench) listen(name, address string, hosts ...string) *v1.Listener {
	l := v1.Listener{Name: name, Origin: v1.Origin{File: name + ".yaml", Line: 3, Column: 18}}
	l.Binds = []v1.Bind{{Address: address, Origin: v1.Origin{File: name + ".yaml", Line: 5, Column: 10}}}
	for _, host := range hosts {
		host, own := strings.CutPrefix(host, "!")
		l.Hosts, l.Exclusive = append(l.Hosts, host), l.Exclusive || own
	}
	b.shared.Listeners = slices.DeleteFunc(slices.Clone(b.shared.Listeners), func(l v1.Listener) bool { return l.Name == name })
	b.shared.Listeners = append(b.shared.Listeners, l)
	slices.SortFunc(b.shared.Listeners, func(x, y v1.Listener) int { return cmp.Compare(x.Name, y.Name) })
	i := slices.IndexFunc(b.shared.Listeners, func(l v1.Listener) bool { return l.Name == name })
	return &b.shared.Listeners[i]
}

// answers holds what is answered at addresses against lines as "HOST STATUS".
func (b *bench) answers(at string, lines ...string) {
	b.t.Helper()
	url := b.url
	defer func() { b.url = url }()
	b.url = "http://" + at
	for _, line := range lines {
		var host string
		var status int
		if _, err := fmt.Sscan(line, &host, &status); err != nil {
			b.t.Fatal(err)
		}
		if got, _ := b.get(host, "/"); got != status {
			b.t.Errorf("%s at %s: got %d, want %d", host, at, got, status)
		}
	}
}

// serveHosts puts a service with one route for some hosts into the set; none: for all.
func (b *bench) serveHosts(name string, hosts ...string) {
	b.serve(name, origin(b.t, name)).Routes = []v1.Route{{Name: name + ".default", Hosts: hosts, Paths: []string{"/"}, PreserveHost: true}}
}

// TestListener: what a Listener has to itself is answered there and nowhere else, whatever
// route there is and however the host is spelled; it answers for its hosts alone; its hosts
// change without a reload; nothing is done again after a restart; and it closes.
func TestListener(t *testing.T) {
	b := managed(t)
	b.options.ReloadEvery = 1
	b.open()
	public, internal, partners := strings.TrimPrefix(b.url, "http://"), freeAddress(t), freeAddress(t)
	b.serveHosts("all")
	b.serveHosts("wild", "*.example.test")
	b.serveHosts("admin", "admin.example.test", "admin.example.org")
	b.serveHosts("shop", "shop.example.org")
	b.listen("internal", internal, "!admin.example.test", "!*.inner.test")
	b.listen("partners", partners, "shop.example.org", "*.partner.test")
	b.sync()
	b.answers(public, "admin.example.test 404", "ADMIN.Example.TEST 404", "admin.example.test. 404", "admin.example.test:443 404", "a.inner.test 404", "b.a.inner.test 404",
		"inner.test 200", "other.example.test 200", "admin.example.org 200", "shop.example.org 200", "whatever.test 200", "xadmin.example.test 200")
	b.answers(internal, "admin.example.test 200", "a.inner.test 200", "b.a.inner.test 200", "inner.test 404", "admin.example.org 404", "shop.example.org 404", "whatever.test 404")
	b.answers(partners, "shop.example.org 200", "a.partner.test 200", "admin.example.test 404", "a.inner.test 404", "whatever.test 404")

	loads := b.reloads()
	b.listen("internal", internal, "!admin.example.org")
	b.listen("partners", partners)
	b.sync()
	b.answers(public, "admin.example.org 404", "admin.example.test 200", "a.inner.test 200")
	b.answers(internal, "admin.example.org 200", "admin.example.test 404")
	b.answers(partners, "admin.example.org 404", "whatever.test 200")
	if n := b.reloads(); n != loads {
		t.Errorf("%d reloads because of hosts", n-loads)
	}

	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("after a restart there is something to do:\n%s", sentences(p))
	}
	b.shared.Listeners = slices.DeleteFunc(b.shared.Listeners, func(l v1.Listener) bool { return l.Name == "internal" })
	b.sync()
	b.answers(public, "admin.example.org 200")
	b.deserted(internal)
	b.answers(partners, "whatever.test 200")
	b.shared.Listeners = nil
	b.sync()
	b.deserted(partners)
	if text, err := b.r.dir.Read(disk.Config); err != nil || strings.Contains(string(text), "listener") {
		t.Errorf("something of Listeners is left (%v):\n%s", err, text)
	}
}

// deserted waits until nobody listens at an address.
func (b *bench) deserted(address string) {
	b.t.Helper()
	b.eventually("nobody to listen at "+address, func() error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return nil //nolint:nilerr // that is what is waited for
		}
		_ = conn.Close()
		return fmt.Errorf("somebody does")
	})
}

// TestListenerTaken: an address that somebody else has is a problem of the Listener's
// alone, at its place. What it has to itself is answered nowhere then; it listens once it can, and
// one that would move to such an address stays where it is.
func TestListenerTaken(t *testing.T) {
	b := managed(t)
	b.options.ReloadEvery, b.troubled = 1, true
	b.open()
	public, good := strings.TrimPrefix(b.url, "http://"), freeAddress(t)
	holder, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	taken := holder.Addr().String()
	b.serveHosts("all")
	b.listen("inner", taken, "!admin.test")
	b.listen("other", good, "!other.test")
	failed, err := b.try(reconcilers.Scope{})
	if err != nil || len(failed) != 1 {
		t.Fatalf("%v, failed: %v", err, failed)
	}
	if p := failed[0]; p.Reason != v1.Conflict || p.Object != (v1.Key{Kind: v1.KindListener, Name: "inner"}) || p.Origin.String() != "inner.yaml:5:10" ||
		!strings.Contains(p.Message, taken) || !strings.Contains(p.Fix, "another address") {
		t.Errorf("the problem is %v", p)
	}
	b.answers(public, "admin.test 404", "other.test 404", "whatever.test 200")
	b.answers(good, "other.test 200", "admin.test 404")
	if err := holder.Close(); err != nil {
		t.Fatal(err)
	}
	b.sync()
	b.answers(taken, "admin.test 200", "whatever.test 404")

	if holder, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	b.listen("inner", holder.Addr().String(), "!admin.test")
	if failed, err := b.try(reconcilers.Scope{}); err != nil || len(failed) != 1 || failed[0].Reason != v1.Conflict {
		t.Errorf("%v, failed: %v", err, failed)
	}
	b.answers(taken, "admin.test 200")
	b.answers(good, "other.test 200")

	b.listen("inner", public, "!admin.test") // one of the flags'
	if failed, err := b.try(reconcilers.Scope{}); err != nil || len(failed) != 0 || len(b.problems) != 1 {
		t.Errorf("%v, failed: %v, problems: %v", err, failed, b.problems)
	} else if p := b.problems[0]; p.Reason != v1.Conflict || p.Origin.Line != 5 || !strings.Contains(p.Message, "--haproxy-bind") || !strings.Contains(p.Message, "stay") {
		t.Errorf("the problem is %v", p)
	}
	b.answers(taken, "admin.test 200")
}

// TestListenerNeverOpen: a service whose host a Listener has to itself is never answered
// elsewhere, though HAProxy can't be told of the Listener yet.
func TestListenerNeverOpen(t *testing.T) {
	b := managed(t)
	b.options.ReloadEvery = 1
	b.open()
	public, internal := strings.TrimPrefix(b.url, "http://"), freeAddress(t)
	b.serveHosts("web", "web.test")
	b.sync()
	broken := true
	b.r.fault = func(step string) error {
		if broken && step == "load" {
			return fmt.Errorf("broken by the test: %w", syscall.EIO)
		}
		return nil
	}
	b.serveHosts("admin", "admin.test")
	b.listen("internal", internal, "!admin.test")
	if failed, err := b.try(reconcilers.Scope{}); err == nil && len(failed) == 0 {
		t.Error("nothing failed")
	}
	b.answers(public, "admin.test 404", "web.test 200")
	b.serveHosts("admin", "admin.test", "root.test")
	if _, err := b.try(reconcilers.Scope{Services: []string{"admin"}}); err != nil {
		t.Error(err)
	}
	b.answers(public, "admin.test 404", "web.test 200")
	broken = false
	b.sync()
	b.answers(public, "admin.test 404", "web.test 200")
	b.answers(internal, "admin.test 200", "web.test 404")
}

// TestListenerTLS: a Listener may be the only one that ends TLS. What comes over kept
// connections is the Listener's in a worker that was replaced as well.
func TestListenerTLS(t *testing.T) {
	b := managed(t)
	b.options.ReloadEvery = 1
	b.open()
	public, secure := strings.TrimPrefix(b.url, "http://"), freeAddress(t)
	b.serve("admin", origin(t, "admin")).Routes = []v1.Route{{Name: "admin.default", Hosts: []string{"admin.test"}, PreserveHost: true, Protocols: []string{"https"}, HTTPSRedirectStatusCode: 426}}
	b.serveHosts("shop", "shop.test")
	b.listen("secure", secure, "!admin.test").Binds[0].TLS = true
	a := newAuthority(t)
	b.shared.Certificates = []v1.Certificate{a.declare("admin", "admin.test")}
	b.sync()
	// A worker that was replaced ends each connection with its first answer.
	admin, shop := b.keepTLS(secure, a), b.keepTLS(secure, a)
	for i := range 2 {
		if r := admin.ask("GET / HTTP/1.1\r\nHost: admin.test\r\n\r\n"); r.status != http.StatusOK || !strings.Contains(r.body, "proto=https") {
			t.Errorf("worker %d: %d %q", i, r.status, r.body)
		}
		if r := shop.ask("GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"); r.status != http.StatusNotFound {
			t.Errorf("worker %d answers %d for a host of others", i, r.status)
		}
		b.serve("slow", origin(t, "s1")).ReadTimeout = 99 * time.Second
		b.sync()
	}
	b.answers(public, "admin.test 404", "shop.test 200")
	b.shared.Listeners, b.shared.Certificates = nil, nil
	b.troubled = true // nobody takes what wants TLS
	b.sync()
	b.deserted(secure)
}

// keepTLS is a kept connection for admin.test over TLS.
func (b *bench) keepTLS(address string, a *authority) *kept {
	conn := tls.Client(from(b.t, "127.0.0.1", address, ""), &tls.Config{ServerName: "admin.test", RootCAs: a.Pool}) //nolint:gosec // the least version does not matter
	return &kept{b.t, conn, bufio.NewReader(conn)}
}

// TestListenerAcceptProxy: a Listener's sources are its own, and the flag's are not its.
func TestListenerAcceptProxy(t *testing.T) {
	b := afterBalancer(t, nil)
	internal, plain := freeAddress(t), freeAddress(t)
	b.serve("web", tellTale(t))
	b.listen("internal", internal).AcceptProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.3/32")}
	b.listen("plain", plain)
	b.sync()
	for _, c := range []struct{ at, source, header, client string }{
		{internal, "127.0.0.3", proxyV1(9), "203.0.113.9"},
		{internal, "127.0.0.3", "", ""},
		{internal, balancer, "", balancer},
		{internal, balancer, proxyV1(9), ""},
		{plain, balancer, "", balancer},
		{strings.TrimPrefix(b.url, "http://"), balancer, proxyV2(8), "203.0.113.8"},
	} {
		got := asks(t, from(t, c.source, c.at, c.header), "web.test")
		if c.client == "" && got != "" || !strings.Contains(got, c.client) {
			t.Errorf("%s from %s with %q: got %q, want the client %q", c.at, c.source, c.header, got, c.client)
		}
	}
}

// TestListenerAfterDeath: a HAProxy that died comes back though somebody took the address
// of a Listener meanwhile.
func TestListenerAfterDeath(t *testing.T) {
	b := managed(t)
	b.options.ReloadEvery = 1
	b.open()
	public, internal := strings.TrimPrefix(b.url, "http://"), freeAddress(t)
	b.serveHosts("all")
	b.listen("internal", internal, "!admin.test")
	b.sync()
	if err := b.r.process.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	holder, err := net.Listen("tcp", internal)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if failed, err := b.try(reconcilers.Scope{Fresh: true}); err != nil || len(failed) != 0 {
		t.Fatalf("%v, failed: %v", err, failed)
	}
	b.answers(public, "whatever.test 200", "admin.test 404")
	failed, err := b.try(reconcilers.Scope{Fresh: true})
	if err != nil || len(failed) != 1 || failed[0].Reason != v1.Conflict || failed[0].Object.Name != "internal" {
		t.Fatalf("%v, failed: %v", err, failed)
	}
}

// TestListenerExternal: a Listener opens an address of ours beside the user's, whose own
// frontends can't reach what it has to itself; an address of theirs stays theirs.
func TestListenerExternal(t *testing.T) {
	b := external(t, userConfig)
	b.troubled = true
	theirs, internal := strings.TrimPrefix(b.url, "http://"), freeAddress(t)
	b.serveHosts("admin", "admin.test")
	b.serveHosts("shop", "shop.test")
	b.listen("internal", internal, "!admin.test")
	b.listen("clash", theirs)
	b.sync()
	b.answers(internal, "admin.test 200", "shop.test 404")
	b.answers(theirs, "admin.test 404", "shop.test 200")
	if len(b.problems) != 1 || b.problems[0].Reason != v1.Conflict || b.problems[0].Origin.String() != "clash.yaml:5:10" || !strings.Contains(b.problems[0].Message, "frontend www of ") {
		t.Errorf("problems: %v", b.problems)
	}
}

// TestListenerAndPorts: a port is a Listener's or one for labels, not both.
func TestListenerAndPorts(t *testing.T) {
	r, err := New(Options{Owner: "lockstep", Dir: t.TempDir(), TCPPorts: []string{"5000-5009"}, Via: Via{First: 29000, Last: 29009}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, set: v1.Set{}}
	b.stream("mq", 8443)
	for address, want := range map[string]string{
		"127.0.0.1:5003": "--haproxy-tcp-ports", "127.0.0.1:29001": "--haproxy-via-ports", "127.0.0.1:80": "--haproxy-bind", ":8443": "",
	} {
		b.listen("internal", address)
		state, problems := r.Compile(reconcilers.Scope{}, b.set, b.shared)
		problems = slices.DeleteFunc(problems, func(p v1.Problem) bool { return p.Object.Kind != v1.KindListener })
		_, opened := state[v1.Key{Kind: object.KindOpening, Name: "internal"}]
		switch {
		case want == "" && (len(problems) != 0 || !opened):
			t.Errorf("%s: opened %t, %v", address, opened, problems)
		case want != "" && (opened || len(problems) != 1 || problems[0].Reason != v1.Conflict || !strings.Contains(problems[0].Message+problems[0].Fix, want)):
			t.Errorf("%s: opened %t, %v", address, opened, problems)
		}
	}
	b.listen("internal", ":8443")
	_, problems := r.Compile(reconcilers.Scope{}, b.set, b.shared)
	if len(problems) != 1 || problems[0].Reason != v1.Conflict || !strings.Contains(problems[0].Message, "port 8443 is that of the Listener internal") {
		t.Errorf("of a service that wants the port of a Listener: %v", problems)
	}
}

// TestListenerForAForecast: a look at services alone, as a forecast's is, knows as well that a
// Listener ends TLS, and that its ports are taken.
func TestListenerForAForecast(t *testing.T) {
	r, err := New(Options{Owner: "lockstep", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, set: v1.Set{}}
	b.serve("web").Routes = []v1.Route{{Name: "web.default", Hosts: []string{"web.test"}, PreserveHost: true, Protocols: []string{"https"}}}
	scope := reconcilers.Scope{Services: []string{"web"}}
	if _, problems := r.Compile(scope, b.set, b.shared); len(problems) != 1 {
		t.Errorf("without a Listener: %v", problems)
	}
	b.listen("secure", "127.0.0.1:8443").Binds[0].TLS = true
	if _, problems := r.Compile(scope, b.set, b.shared); len(problems) != 0 {
		t.Errorf("with one: %v", problems)
	}
}
