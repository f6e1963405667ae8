package haproxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// passing returns a bench whose listener for TLS lets services have connections
// as they are.
func passing(tb testing.TB) (b *bench, address string) {
	tb.Helper()
	b, address = secured(tb)
	b.options.TLSPassthrough = true
	b.open()
	return b, address
}

// passOn puts a service into the set that takes TLS for names.
func (b *bench) passOn(name string, names []string, endpoints ...v1.Endpoint) *v1.Service {
	s := &v1.Service{
		Name: name, Protocol: v1.TLSPassthrough, ConnectTimeout: 5 * time.Second,
		Routes:    []v1.Route{{Name: name + ".default", SNIs: slices.Sorted(slices.Values(names)), PreserveHost: true}},
		Endpoints: endpoints,
	}
	b.set[name] = s
	return s
}

// vault is a server that ends TLS itself, with a certificate for its own name, and
// says again what it hears.
func vault(tb testing.TB, a *authority, name string) v1.Endpoint {
	tb.Helper()
	chain, key := a.Issue(time.Now().Add(time.Hour), name)
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		tb.Fatal(err)
	}
	inner := parrot(tb, name)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}}) //nolint:gosec // any version
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				behind, err := net.Dial("tcp", inner.Address.String())
				if err != nil {
					return
				}
				defer behind.Close()
				go func() { _, _ = io.Copy(behind, conn); _ = behind.Close() }() // either end ends both
				_, _ = io.Copy(conn, behind)
			}()
		}
	}()
	return endpoint(tb, name, listener.Addr().String())
}

// greets wants the server of a name to answer, itself and over TLS of its own.
func (b *bench) greets(address, sni, want string) *caller {
	b.t.Helper()
	dialer := &net.Dialer{Timeout: time.Minute}
	conn, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{ServerName: sni, InsecureSkipVerify: true}) //nolint:gosec // which one is shown is what the test looks at
	if err != nil {
		b.t.Fatalf("%s: %v", sni, err)
	}
	b.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		b.t.Fatal(err)
	}
	c := &caller{conn, bufio.NewReader(conn)}
	name, err := c.lines.ReadString('\n')
	if err == nil {
		err = c.talk("hello")
	}
	shown := conn.ConnectionState().PeerCertificates[0].DNSNames
	if name = strings.TrimSpace(name); err != nil || name != want || !slices.Equal(shown, []string{want}) {
		b.t.Fatalf("%s: %q answers with a certificate for %v, %v; want %q", sni, name, shown, err, want)
	}
	return c
}

// ends wants TLS for a name to be ended by HAProxy.
func (b *bench) ends(address, sni string) {
	b.t.Helper()
	if got := handshake(b.t, address, sni); got.Subject.CommonName != crt.NobodysName {
		b.t.Fatalf("%q: shown is that of %s, not HAProxy's own", sni, got.Subject)
	}
}

// TestPassthroughByName: the most specific name decides, and services come and go
// without a reload.
func TestPassthroughByName(t *testing.T) {
	b, address := passing(t)
	b.r.streamLeave = time.Millisecond
	a := newAuthority(t)
	b.serve("web", origin(t, "web-1")).Routes[0].Hosts = []string{"*.web.vaults.test", "web.test", "web.vaults.test"}
	b.sync()
	before := b.reloads()
	b.ends(address, "one.test")
	b.passOn("one", []string{"one.test"}, vault(t, a, "one"))
	b.passOn("all", []string{"*.vaults.test", "*.b.vaults.test"}, vault(t, a, "all"))
	b.sync("one", "all")
	b.passOn("deep", []string{"x.a.vaults.test"}, vault(t, a, "deep"))
	b.sync("deep")
	for name, want := range map[string]string{
		"one.test": "one", "ONE.test": "one", "a.vaults.test": "all", "y.a.vaults.test": "all", "x.a.vaults.test": "deep", "c.b.vaults.test": "all",
		"one.test.": "", "x.one.test": "", "vaults.test": "", "web.test": "", "web.vaults.test": "", "x.web.vaults.test": "", "": "",
	} {
		switch {
		case want != "":
			b.greets(address, name, want)
		case !strings.HasSuffix(name, "."): // Go's client takes the dot off
			b.ends(address, name)
		}
	}
	delete(b.set, "one")
	b.passOn("deep", []string{"one.test"}, vault(t, a, "deep-2"))
	b.sync("one", "deep")
	b.greets(address, "one.test", "deep-2")
	b.greets(address, "x.a.vaults.test", "all")
	b.set["web"].Routes[0].Hosts = []string{"web.test"}
	b.sync("web")
	b.greets(address, "web.vaults.test", "all")
	if got := b.reloads(); got != before {
		t.Errorf("%v reloads, before %v", got, before)
	}
	b.settled()
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("a daemon that starts again would: %s", sentences(p))
	}
}

// TestPassthroughHello: however the first bytes come, they lead where they should,
// and no name is one of the map's other keys.
func TestPassthroughHello(t *testing.T) {
	b, address := passing(t)
	port := freeAddress(t)
	b.options.TCPPorts = []string{port}
	b.open()
	a := newAuthority(t)
	b.passOn("one", []string{"one.test"}, vault(t, a, "one"))
	b.stream("db", portOf(t, port), parrot(t, "db"))
	b.sync()
	pieces := func(conn net.Conn, size int) net.Conn { return &piecemeal{Conn: conn, size: size} }
	for _, size := range []int{1, 7, 300, 100_000} {
		raw, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn := tls.Client(pieces(raw, size), &tls.Config{ServerName: "one.test", InsecureSkipVerify: true, NextProtos: []string{strings.Repeat("x", 200), "y"}}) //nolint:gosec // it is the test's own
		if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "one\n" {
			t.Errorf("in pieces of %d: %q %v", size, line, err)
		}
		_ = conn.Close()
	}
	key := fmt.Sprintf("%d|l", portOf(t, port))
	if _, ok := b.r.table.Value(key); !ok {
		t.Fatalf("there is no key %q any more: the test is none", key)
	}
	for _, name := range []string{key, "one.test|n", routemap.Handover, "one.test|n|", strings.Repeat("a.", 120) + "test"} {
		if got, err := tryHandshake(address, name); err == nil && got.Subject.CommonName != crt.NobodysName {
			t.Errorf("%q: shown is that of %s", name, got.Subject)
		}
	}
	raw, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := io.WriteString(raw, "GET / HTTP/1.1\r\nHost: one.test\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(raw); strings.HasPrefix(string(answer), "HTTP") {
		t.Errorf("what is no TLS gets the answer %q, %v", answer, err)
	}
}

// piecemeal writes in pieces.
type piecemeal struct {
	net.Conn
	size int
}

func (p *piecemeal) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		var m int
		m, err = p.Conn.Write(b[:min(p.size, len(b))])
		n, b = n+m, b[m:]
	}
	return n, err
}

// TestPassthroughLeavesHTTP: what TLS ends at HAProxy is as without the stage
// before it: the client's address, port and protocol, HTTP/2, and connections that are kept over
// a reload.
func TestPassthroughLeavesHTTP(t *testing.T) {
	b, address := passing(t)
	b.serve("web", tellTale(t))
	b.sync()
	var dialer net.Dialer
	dialer.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 77)}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err == nil { // the client keeps those that a worker is about to close
				t.Cleanup(func() { _ = conn.Close() })
			}
			return conn, err
		},
		TLSClientConfig: &tls.Config{ServerName: "web.test", InsecureSkipVerify: true}, //nolint:gosec // HAProxy's own
	}}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	want := "X-Forwarded-For=127.0.0.77\nX-Forwarded-Proto=https\nX-Forwarded-Host=web.test\nX-Forwarded-Port=" + port + "\nX-Real-Ip=127.0.0.77\n"
	ask := func() {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "web.test"
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); err != nil || response.ProtoMajor != 2 || string(body) != want {
			t.Errorf("%s %v, got\n%s\nwant\n%s", response.Proto, err, body, want)
		}
	}
	ask()
	b.serve("slow", origin(t, "slow")).ReadTimeout = 3 * time.Second
	b.sync()
	ask()
}

// TestPassthroughGoesOn: a connection lives through reloads; where nobody is left
// to take one, it is closed, not answered by HAProxy with a certificate of its own.
func TestPassthroughGoesOn(t *testing.T) {
	b, address := passing(t)
	a := newAuthority(t)
	b.passOn("one", []string{"one.test"}, vault(t, a, "one"))
	b.sync()
	kept := b.greets(address, "one.test", "one")
	b.serve("slow", origin(t, "slow")).ReadTimeout = 3 * time.Second
	before := b.reloads()
	b.sync()
	if b.reloads() == before {
		t.Fatal("HAProxy was not reloaded")
	}
	if err := kept.talk("after a reload"); err != nil {
		t.Fatal(err)
	}
	b.greets(address, "one.test", "one")
	b.passOn("one", []string{"one.test"})
	b.sync("one")
	if got, err := tryHandshake(address, "one.test"); err == nil {
		t.Errorf("without servers the certificate of %s is shown", got.Subject)
	}
	b.tell("set map "+b.r.dir.File(disk.Routes)+" one.test|n closed|0|0|0|one.default", "")
	if _, err := tryHandshake(address, "one.test"); err == nil {
		t.Error("a name that nobody serves gets an answer")
	}
}

// TestPassthroughNeedsTLS: TLS can't be passed on where nobody listens for it.
func TestPassthroughNeedsTLS(t *testing.T) {
	if _, err := (Options{Owner: "o", Dir: t.TempDir(), TLSPassthrough: true}).withDefaults(); err == nil {
		t.Error("passing TLS on without a listener for it is taken")
	}
}
