package haproxy

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// pair returns a certificate as a client holds it.
func (a *authority) pair(names ...string) tls.Certificate {
	a.TB.Helper()
	chain, key := a.Issue(time.Now().Add(time.Hour), names...)
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		a.TB.Fatal(err)
	}
	return pair
}

// teller is a container that says which headers about certificates it got.
func teller(tb testing.TB, name string) v1.Endpoint {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s cert=%s", name, r.Header.Get("Client-Cert"))
		for header, values := range r.Header {
			if lower := strings.ToLower(header); lower != "client-cert" && (strings.Contains(lower, "client") || strings.EqualFold(header, "X-Lockstep-Proof")) {
				fmt.Fprintf(w, " %s=%s", header, values)
			}
		}
	}))
	tb.Cleanup(s.Close)
	return endpoint(tb, name, s.Listener.Addr().String())
}

// prover is a client of a listener for TLS. The zero value shows no certificate.
type prover struct {
	sni    string // "" for the host that is asked for
	certs  []tls.Certificate
	cache  tls.ClientSessionCache
	header http.Header
}

// ask asks a listener for a host, and returns status and body; status 0 when there is no connection.
func (v prover) ask(tb testing.TB, address, url string) (int, string) {
	tb.Helper()
	request, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	maps.Copy(request.Header, v.header)
	config := &tls.Config{InsecureSkipVerify: true, ClientSessionCache: v.cache, ServerName: v.sni} //nolint:gosec // it is the client that proves itself
	if config.ServerName == "" {
		config.ServerName = request.URL.Hostname()
	}
	if len(v.certs) > 0 { // whoever is asked for
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &v.certs[0], nil }
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: config, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	}}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(body)
}

// demanding returns a bench whose listener for TLS verifies clients by an authority.
// Its services: strict demands a certificate by the map of prefixes, exact by a
// pattern, wild on a wildcard host, moved with a redirect; open demands nothing.
func demandingBench(tb testing.TB) (b *bench, address string, a *authority) {
	tb.Helper()
	b, address = secured(tb)
	a = newAuthority(tb)
	b.options.ClientCA = a.file(filepath.Join(tb.TempDir(), "clients.pem"))
	b.open()
	for _, name := range []string{"strict", "exact", "moved", "wild", "open"} {
		s := b.serve(name, teller(tb, name))
		if name != "open" {
			s.Routes[0].ClientCertificate = v1.CertificateRequired
		}
	}
	b.set["exact"].Routes[0].Methods = []string{http.MethodGet}
	b.set["moved"].Routes[0].HTTPSRedirectStatusCode = 308
	b.set["wild"].Routes[0].Hosts = []string{"*.wild.test"}
	return b, address, a
}

// strictHosts are those of demanding's services that demand a certificate.
var strictHosts = []string{"strict.test", "exact.test", "moved.test", "a.wild.test"}

// TestNoWayAround tries every way to a route that demands a certificate.
func TestNoWayAround(t *testing.T) {
	for _, passthrough := range []bool{false, true} {
		t.Run(fmt.Sprintf("passthrough=%t", passthrough), func(t *testing.T) { noWayAround(t, passthrough) })
	}
}

func noWayAround(t *testing.T, passthrough bool) {
	t.Helper()
	b, address, a := demandingBench(t)
	b.options.TLSPassthrough = passthrough
	b.options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	b.open()
	b.sync()
	good, bad := a.pair("client"), newAuthority(t).pair("client")
	claims := http.Header{
		"Client-Cert": {":AAAA:"}, "X-Ssl-Client-Verify": {"SUCCESS"}, "X-Ssl-Client-Cn": {"client"}, "Ssl-Client-Cert": {"x"},
		"X-Forwarded-Client-Cert": {"x"}, "X-Forwarded-Proto": {"https"}, "X_ssl_client_cn": {"client"}, "X-Lockstep-Proof": {"1||strict.test"}, "X-Forwarded-Tls-Client-Cert": {"x"},
	}
	ways := map[string]struct {
		client prover
		status int
		plain  bool
	}{
		"with a certificate":               {prover{certs: []tls.Certificate{good}}, 200, false},
		"without":                          {prover{}, 403, false},
		"claims":                           {prover{header: claims}, 403, false},
		"another authority's":              {prover{certs: []tls.Certificate{bad}}, 0, false},
		"a connection for another name":    {prover{certs: []tls.Certificate{good}, sni: "open.test"}, 421, false},
		"a connection for no name":         {prover{certs: []tls.Certificate{good}, sni: "127.0.0.1"}, 421, false},
		"plain":                            {prover{}, 426, true},
		"plain, as from a proxy with TLS":  {prover{header: http.Header{"X-Forwarded-Proto": {"https"}}}, 403, true},
		"plain, with claims from the same": {prover{header: claims}, 403, true},
	}
	check := func() {
		t.Helper()
		for _, host := range strictHosts {
			for way, c := range ways {
				at, url, want := address, "https://"+host+"/", c.status
				if c.plain {
					at, url = b.options.Binds[0], "http://"+host+"/"
				}
				if host == "moved.test" && want == 426 {
					want = 308
				}
				if status, body := c.client.ask(t, at, url); status != want || (status == 200) != strings.Contains(body, "cert=:") {
					t.Errorf("%s, %s: %d %q, want %d", host, way, status, body, want)
				}
			}
		}
	}
	check()
	if status, body := (prover{header: http.Header{}}).ask(t, address, "https://open.test/"); status != 200 || body != "open cert=" {
		t.Errorf("open: %d %q", status, body)
	}
	if status, _ := (prover{certs: []tls.Certificate{bad}}).ask(t, address, "https://open.test/"); status != 0 {
		t.Errorf("another authority's certificate is let in where none is demanded: %d", status)
	}
	b.gateKeeps(t)
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("not quiet after a restart: %s", sentences(p))
	}
	check()
}

// gateKeeps asks over the way that the user's own frontends take, and workers that
// were replaced.
func (b *bench) gateKeeps(t *testing.T) {
	t.Helper()
	for _, host := range strictHosts {
		name := "@" + gateOf(b.r.base)
		conn, err := net.Dial("unix", name+strings.Repeat("\x00", 108-len(name))) // HAProxy fills up the whole of it
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "PROXY TCP4 127.0.0.1 127.0.0.1 1 443\r\nGET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nX-Forwarded-Proto: https\r\nClient-Cert: :AAAA:\r\n%s: |%s|%s\r\n\r\n",
			host, "X-Lockstep-Proof", verifiedBy(b.r.base), host)
		answer, err := io.ReadAll(conn)
		if err := errors.Join(err, conn.Close()); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(answer, []byte("HTTP/1.1 421")) {
			t.Errorf("%s through the gate: %q", host, answer)
		}
	}
}

// TestClientCertIsPassedOn: the container gets the client's certificate as RFC 9440
// has it, and nothing that a client only claims.
func TestClientCertIsPassedOn(t *testing.T) {
	b, address, a := demandingBench(t)
	b.sync()
	good := a.pair("client")
	forged := http.Header{"Client-Cert": {":AAAA:"}, "Client-Cert-Chain": {":AAAA:"}, "X-Ssl-Client-Verify": {"SUCCESS"}, "X-Ssl-Client-S-Dn": {"CN=x"}}
	sessions := tls.NewLRUClientSessionCache(4)
	for i, host := range []string{"strict.test", "open.test", "strict.test", "strict.test"} { // the last ones take up a session
		want := fmt.Sprintf("%s cert=:%s:", strings.TrimSuffix(host, ".test"), base64.StdEncoding.EncodeToString(good.Certificate[0]))
		if status, body := (prover{certs: []tls.Certificate{good}, header: forged, cache: sessions}).ask(t, address, "https://"+host+"/"); status != 200 || body != want {
			t.Errorf("%d: %s: %d %q, want %q", i, host, status, body, want)
		}
	}
	for url, at := range map[string]string{"https://open.test/": address, "http://open.test/": b.options.Binds[0]} {
		if status, body := (prover{header: forged}).ask(t, at, url); status != 200 || body != "open cert=" {
			t.Errorf("%s: the container was told %d %q", url, status, body)
		}
	}
}

// TestDemandNeedsNoReload: a route demands a certificate from the moment on when it
// is asked for, and also when that takes HAProxy a reload which fails.
func TestDemandNeedsNoReload(t *testing.T) {
	b, address, a := demandingBench(t)
	b.sync()
	reloads := count(t, b, "lockstep_haproxy_reloads_total")
	for _, demand := range []string{v1.CertificateRequired, "", v1.CertificateRequired} {
		next := *b.set["open"]
		next.Routes = []v1.Route{next.Routes[0]}
		next.Routes[0].ClientCertificate = demand
		b.set["open"] = &next
		b.sync("open")
		want := map[string]int{"": 200, v1.CertificateRequired: 403}[demand]
		if status, body := (prover{}).ask(t, address, "https://open.test/"); status != want {
			t.Errorf("demand %q: %d %q, want %d", demand, status, body, want)
		}
	}
	if now := count(t, b, "lockstep_haproxy_reloads_total"); now != reloads {
		t.Errorf("%d reloads", now-reloads)
	}
	// Without the authority none of these routes is served, and then only with it.
	withCA := b.options
	b.options.ClientCA = ""
	b.troubled = true
	b.restart()
	b.r.fault = func(step string) error {
		if strings.HasPrefix(step, "del map") || strings.HasPrefix(step, "prepare map") || strings.HasPrefix(step, "commit map") {
			return errors.New("the socket is gone")
		}
		return nil
	}
	if failed, err := b.try(reconcilers.Scope{Fresh: true}); err != nil || len(failed) == 0 {
		t.Fatalf("nothing failed: %v", err)
	}
	for _, host := range append(strictHosts, "open.test") {
		if status, body := (prover{}).ask(t, address, "https://"+host+"/"); status == 200 {
			t.Errorf("%s could not be taken out and answers %q", host, body)
		}
	}
	b.r.fault = nil
	b.syncAll()
	for _, p := range b.problems {
		if p.Reason != v1.NotExpressible || !strings.Contains(p.Fix, "--haproxy-client-ca") {
			t.Errorf("said is %v", p)
		}
	}
	if len(b.problems) != 5 {
		t.Errorf("%d problems: %v", len(b.problems), b.problems)
	}
	closed := func(when string) {
		t.Helper()
		for _, host := range append(strictHosts, "open.test") {
			for url, at := range map[string]string{"https://" + host + "/": address, "http://" + host + "/": b.options.Binds[0]} {
				if status, body := (prover{certs: []tls.Certificate{a.pair("client")}}).ask(t, at, url); status != 404 {
					t.Errorf("%s: %s is answered with %d %q", when, url, status, body)
				}
			}
		}
	}
	closed("without an authority")
	b.options = withCA
	b.restart()
	b.r.fault = func(step string) error {
		if step == "load" {
			return errors.New("not now")
		}
		return nil
	}
	if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	closed("before the reload")
	b.r.fault = nil
	b.syncAll()
	if status, _ := (prover{}).ask(t, address, "https://strict.test/"); status != 403 {
		t.Errorf("after the reload: %d", status)
	}
	if status, _ := (prover{certs: []tls.Certificate{a.pair("client")}}).ask(t, address, "https://strict.test/"); status != 200 {
		t.Errorf("after the reload, with a certificate: %d", status)
	}
}

// TestCertificateAtRuntimeAsksToo: clients are asked for theirs also where the listener
// shows a certificate that came, or was renewed, without a reload.
func TestCertificateAtRuntimeAsksToo(t *testing.T) {
	b, address, a := demandingBench(t)
	b.sync()
	before := b.reloads()
	good, bad := a.pair("client"), newAuthority(t).pair("client")
	for _, when := range []string{"came", "was renewed"} {
		shown := a.declare("strict", "strict.test")
		b.shared.Certificates = []v1.Certificate{shown}
		b.sync()
		b.shows(address, "strict.test", shown)
		for want, certs := range map[int][]tls.Certificate{200: {good}, 403: nil, 0: {bad}} {
			if status, body := (prover{certs: certs}).ask(t, address, "https://strict.test/"); status != want {
				t.Errorf("once it %s: %d %q, want %d", when, status, body, want)
			}
		}
	}
	if now := b.reloads(); now != before {
		t.Errorf("%v reloads", now-before)
	}
}

// TestProofIsLogged: the access log says who has proved himself, and whatever stands in
// a certificate stays within its field.
func TestProofIsLogged(t *testing.T) {
	b, address, a := demandingBench(t)
	path := filepath.Join(shortDir(t), "log")
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	b.options.AccessLog = path
	b.open()
	b.sync()
	for _, c := range []struct{ host, certificate, want string }{
		{"strict.test", `alice","status":1,"x":"`, `/CN=subject of alice","status":1,"x":"`}, {"open.test", "bob", "/CN=subject of bob"}, {"open.test", "", "-"},
	} {
		var client prover
		if c.certificate != "" {
			client.certs = []tls.Certificate{a.pair(c.certificate)}
		}
		if status, body := client.ask(t, address, "https://"+c.host+"/"); status != 200 {
			t.Fatal(status, body)
		}
		if entry := logged(t, log); entry["certificate"] != c.want || entry["status"] != 200.0 {
			t.Errorf("the log says %v, want the certificate %q", entry, c.want)
		}
	}
}

// TestDemandsThatCantBe are said with what is missing.
func TestDemandsThatCantBe(t *testing.T) {
	b := managed(t)
	b.troubled = true
	b.serve("strict", origin(t, "strict")).Routes[0].ClientCertificate = v1.CertificateRequired
	b.serve("secure", origin(t, "secure")).Routes[0].Protocols = []string{"https"}
	b.syncAll()
	if len(b.problems) != 2 || !strings.Contains(b.problems[0].Fix+b.problems[1].Fix, "--haproxy-client-ca") {
		t.Errorf("said is %v", b.problems)
	}
	for _, p := range b.problems {
		if p.Reason != v1.NotExpressible || !strings.Contains(p.Fix, "--haproxy-bind-tls") {
			t.Errorf("said is %v", p)
		}
	}
	b.want("strict.test", "/", 404, "")
	b.want("secure.test", "/", 404, "")
	dir := t.TempDir()
	ca := newAuthority(t).file(filepath.Join(dir, "ca.pem"))
	for name, change := range map[string]func(*Options){
		"no listener": func(o *Options) { o.ClientCA = ca },
		"no file":     func(o *Options) { o.ClientCA, o.TLSBinds = filepath.Join(dir, "none.pem"), []string{"127.0.0.1:1"} },
		"no CA":       func(o *Options) { o.ClientCRL, o.TLSBinds = ca, []string{"127.0.0.1:1"} },
		"no CRL":      func(o *Options) { o.ClientCA, o.ClientCRL, o.TLSBinds = ca, ca, []string{"127.0.0.1:1"} },
	} {
		o := b.options
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "client") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// gateOf returns the abstract socket of our HTTP frontend, of which the sections tell.
func gateOf(sections string) string {
	_, rest, _ := strings.Cut(sections, "server gate abns@")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// verifiedBy returns the digest of what clients are verified by, which a worker that was replaced must show.
func verifiedBy(sections string) string {
	_, rest, _ := strings.Cut(sections, "req.hdr(X-Lockstep-Proof),field(2,|) -m str ")
	sum, _, _ := strings.Cut(rest, " ")
	return cmp.Or(sum, "no clients are verified")
}
