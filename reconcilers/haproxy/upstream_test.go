package haproxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// secretive is a container that speaks TLS and shows a certificate for names. It
// answers with its own name, the protocol, and the name that it was asked by.
func (a *authority) secretive(name string, names ...string) v1.Endpoint {
	a.TB.Helper()
	chain, key := a.Issue(time.Now().Add(time.Hour), names...)
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		a.TB.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/strict" && r.Host != r.TLS.ServerName {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
		fmt.Fprintf(w, "%s proto=%s sni=%s host=%s\n", name, r.Proto, r.TLS.ServerName, r.Host)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}} //nolint:gosec // any version
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0) // of handshakes that fail, as they should
	s.StartTLS()
	a.TB.Cleanup(s.Close)
	return endpoint(a.TB, name, s.Listener.Addr().String())
}

// file writes the authority's certificate to a file.
func (a *authority) file(path string) string {
	a.TB.Helper()
	if err := os.WriteFile(path, []byte("of the operator\n"+a.PEM), 0o600); err != nil {
		a.TB.Fatal(err)
	}
	return path
}

// verifying returns a bench that knows two authorities: one for all services, and
// one by the name "second".
func verifying(tb testing.TB) (b *bench, first, second *authority) {
	tb.Helper()
	b = managed(tb)
	dir := tb.TempDir()
	first, second = newAuthority(tb), newAuthority(tb)
	b.options.BackendCAs = []string{first.file(filepath.Join(dir, "first.pem")), "second=" + second.file(filepath.Join(dir, "second.pem"))}
	b.open()
	return b, first, second
}

// serveTLS is serve for containers that speak TLS.
func (b *bench) serveTLS(name string, endpoints ...v1.Endpoint) *v1.Service {
	s := b.serve(name, endpoints...)
	s.Protocol, s.Retries = v1.HTTPS, new(0)
	return s
}

// TestContainersAreVerified asks containers whose certificates are as they should be,
// and such as are not, each also as a server that came at runtime.
func TestContainersAreVerified(t *testing.T) {
	b, first, second := verifying(t)
	b.serveTLS("good", first.secretive("good-1", "good.test"))
	b.serveTLS("stranger", second.secretive("stranger-1", "stranger.test"))
	b.serveTLS("other", first.secretive("other-1", "else.test"))
	b.serveTLS("named", first.secretive("named-1", "named.internal")).TLSServerName = "named.internal"
	b.serveTLS("misnamed", first.secretive("misnamed-1", "misnamed.test")).TLSServerName = "other.internal"
	b.serveTLS("second", second.secretive("second-1", "second.test")).TLSAuthority = "second"
	b.serveTLS("first", first.secretive("first-1", "first.test")).TLSAuthority = "second"
	b.serveTLS("any", second.secretive("any-1", "else.test")).TLSUnverified = true
	plain := b.serveTLS("plain", origin(t, "plain-1"))
	plain.TLSUnverified = true
	b.sync()
	want := map[string]string{
		"good": "good-1 proto=HTTP/1.1 sni=good.test host=good.test", "named": "named-1 proto=HTTP/1.1 sni=named.internal host=named.test",
		"second": "second-1", "any": "any-1 proto=HTTP/1.1 sni=any.test", "stranger": "", "other": "", "misnamed": "", "first": "", "plain": "",
	}
	ask := func(suffix string) {
		t.Helper()
		for name, answer := range want {
			status, body := b.get(name+".test", "/")
			if answer == "" && status != 503 || answer != "" && (status != 200 || !strings.Contains(body, strings.Replace(answer, "-1", suffix, 1))) {
				t.Errorf("%s: %d %q, want %q", name, status, body, answer)
			}
		}
	}
	ask("-1")
	reloads := count(t, b, "lockstep_haproxy_reloads_total")
	for name, s := range b.set { // another container, which comes at runtime
		issuer, bears := first, name+".test"
		switch name {
		case "stranger", "second", "any":
			issuer = second
		case "other":
			bears = "else.test"
		case "named":
			bears = "named.internal"
		}
		next := *s
		next.Endpoints = []v1.Endpoint{issuer.secretive(name+"-2", bears)}
		if name == "plain" {
			next.Endpoints = []v1.Endpoint{origin(t, "plain-2")}
		}
		b.set[name] = &next
	}
	b.sync()
	ask("-2")
	if now := count(t, b, "lockstep_haproxy_reloads_total"); now != reloads {
		t.Errorf("new containers took %d reloads", now-reloads)
	}
	b.settled()
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("not quiet after a restart: %s", sentences(p))
	}
}

// TestNoNameProvesNothing: without a Host there is no name to verify, also where a
// session of TLS from before could be taken up again.
func TestNoNameProvesNothing(t *testing.T) {
	b, first, _ := verifying(t)
	s := b.serveTLS("web", first.secretive("web-1", "web.test"))
	s.Routes = append(s.Routes, v1.Route{Name: "web.all", Paths: []string{"/"}, PreserveHost: true})
	b.sync()
	for range 8 { // on each of HAProxy's threads
		b.want("web.test", "/", 200, "web-1")
		for _, request := range []string{"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.0\r\nHost: :80\r\n\r\n", "GET / HTTP/1.0\r\nHost: 10.0.0.1\r\n\r\n"} {
			if answer := raw(t, b.options.Binds[0], request); strings.Contains(answer, "web-1") || !strings.HasPrefix(answer, "HTTP/1.1 400") && !strings.HasPrefix(answer, "HTTP/1.1 503") {
				t.Fatalf("%q was answered with %q", request, answer)
			}
		}
	}
}

// TestChecksOverTLS: a check speaks TLS, and a container that can't prove its name is
// down.
func TestChecksOverTLS(t *testing.T) {
	b, first, second := verifying(t)
	for name, issuer := range map[string]*authority{"good": first, "bad": second} {
		for _, kind := range []string{v1.CheckHTTP, v1.CheckTCP} {
			full := name + kind
			s := b.serveTLS(full, issuer.secretive(full, full+".test"))
			s.Routes[0].Hosts = append([]string{"10.0.0.1"}, s.Routes[0].Hosts...) // no certificate bears an address as a name
			s.Routes[0].Paths = []string{"/" + full}
			s.HealthCheck = v1.HealthCheck{Check: kind, CheckInterval: 50 * time.Millisecond, CheckRise: 1, CheckFall: 1, CheckStatus: []string{"200"}, CheckPath: "/strict"}
		}
	}
	b.sync()
	for full, status := range map[string]string{"goodhttp": "UP", "goodtcp": "UP", "badhttp": "DOWN", "badtcp": "DOWN"} {
		b.eventually(full+" to be "+status, func() error {
			s, err := socket.Dial(t.Context(), b.r.o.StatsSocket, b.r.o.Timeout)
			if err != nil {
				return err
			}
			defer s.Close()
			answer, err := s.Ask("show stat lockstep:" + full + " 4 -1")
			if err != nil || !strings.Contains(answer, ","+status+",") || !strings.Contains(answer, "* L") && !strings.Contains(answer, ",L") {
				return fmt.Errorf("%q %w", answer, err)
			}
			return nil
		})
	}
}

// TestWhatCantBeVerified is said, and not served.
func TestWhatCantBeVerified(t *testing.T) {
	b, first, _ := verifying(t)
	b.troubled = true
	b.serveTLS("unknown", first.secretive("one", "a.test")).TLSAuthority = "secnd"
	b.serveTLS("address", first.secretive("two", "a.test")).Routes[0].PreserveHost = false
	checked := b.serveTLS("checked", first.secretive("three", "a.test"))
	checked.Check, checked.Routes = v1.CheckTCP, []v1.Route{{Name: "checked.default", Paths: []string{"/"}, PreserveHost: true}}
	named := b.serveTLS("named", first.secretive("four", "a.test"))
	named.TLSServerName, named.Routes[0].PreserveHost = "a.test", false
	any := b.serveTLS("any", first.secretive("five", "a.test"))
	any.TLSUnverified, any.Routes[0].PreserveHost = true, false
	if _, err := b.try(reconcilers.Scope{}); err != nil {
		t.Fatal(err)
	}
	if !b.r.can().namesHost {
		t.Skip("this HAProxy sends no server's address as Host")
	}
	var said []string
	for _, p := range b.problems {
		said = append(said, p.Object.String()+": "+p.Message+"; "+p.Fix)
	}
	for _, want := range []string{"service/unknown: HAProxy has no authority with the name \"secnd\"; did you mean tls_ca=second?", "route/address.default: with preserve_host=false", "service/checked: there is no name"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("%q is not among what is said: %q", want, said)
		}
	}
	if len(said) != 3 {
		t.Errorf("%d problems: %q", len(said), said)
	}
	b.want("unknown.test", "/", 404, "")
	b.want("address.test", "/", 404, "")
	b.want("named.test", "/", 200, "four proto=HTTP/1.1 sni=a.test host=127.0.0.1:")
	b.want("any.test", "/", 200, "five proto=HTTP/1.1 sni= host=127.0.0.1:")
}

// TestAuthorityIsRenewed follows an authority's file, and keeps the last good one.
func TestAuthorityIsRenewed(t *testing.T) {
	b, _, second := verifying(t)
	path := b.options.BackendCAs[0]
	b.serveTLS("web", second.secretive("web-1", "web.test"))
	b.sync()
	b.want("web.test", "/", 503, "")
	second.file(path)
	b.sync()
	if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	b.sync()
	b.want("web.test", "/", 200, "web-1")
	copies, err := filepath.Glob(b.r.dir.File(disk.AuthorityPrefix + "*"))
	if err != nil || len(copies) != 1 {
		t.Errorf("copies are %v %v, want the one that is named", copies, err)
	}
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(copies[0]); err != nil {
		t.Fatal(err)
	}
	reloads := count(t, b, "lockstep_haproxy_reloads_total")
	if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	b.want("web.test", "/", 200, "web-1")
	if _, err := os.Stat(copies[0]); err != nil || b.r.authorities[""].trouble == "" {
		t.Errorf("the copy was not written again: %v, %q", err, b.r.authorities[""].trouble)
	}
	if now := count(t, b, "lockstep_haproxy_reloads_total"); now != reloads {
		t.Errorf("%d reloads for a file that can't be used", now-reloads)
	}
	if _, err := New(b.options); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a daemon starts with an authority that can't be read: %v", err)
	}
}

// TestSystemsAuthorities hold where the operator names none. Where they can't be read
// the daemon starts, and serves no service that is to be verified.
func TestSystemsAuthorities(t *testing.T) {
	b := managed(t)
	a := newAuthority(t)
	path := filepath.Join(t.TempDir(), "system.pem")
	t.Setenv("SSL_CERT_FILE", path)
	if err := os.WriteFile(path, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.troubled = true
	b.open()
	b.serveTLS("web", a.secretive("web-1", "web.test"))
	b.serveTLS("any", a.secretive("any-1", "any.test")).TLSUnverified = true
	b.syncAll()
	if len(b.problems) != 1 || !strings.Contains(b.problems[0].Fix, "--backend-ca") {
		t.Errorf("said is %v", b.problems)
	}
	b.want("web.test", "/", 404, "")
	b.want("any.test", "/", 200, "any-1")
	a.file(path)
	b.syncAll()
	b.want("web.test", "/", 200, "web-1")
	if err := (setting.Upstream{Protocol: v1.HTTPS}).Validate(); err == nil {
		t.Error("what says neither an authority nor that any certificate will do is taken")
	}
}

// TestUnprovenContainerIsLogged: the access log tells a container that can't prove
// itself from one that is not there.
func TestUnprovenContainerIsLogged(t *testing.T) {
	b, _, second := verifying(t)
	path := filepath.Join(shortDir(t), "log")
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	b.options.AccessLog = path
	b.open()
	b.serveTLS("stranger", second.secretive("stranger-1", "stranger.test"))
	b.sync()
	b.want("stranger.test", "/", 503, "")
	if entry := logged(t, log); entry["ended"] != "SC" || entry["server"] != "stranger-1" {
		t.Errorf("the log says %v", entry)
	}
}

// raw sends bytes and returns what comes back until the other side closes.
func raw(tb testing.TB, address, request string) string {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		tb.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		tb.Fatal(err)
	}
	return string(answer)
}
