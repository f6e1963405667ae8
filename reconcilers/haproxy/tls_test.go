package haproxy

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/testca"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// authority is a testca.Authority for what HAProxy's tests need of one.
type authority struct{ *testca.Authority }

func newAuthority(tb testing.TB) *authority {
	tb.Helper()
	return &authority{testca.New(tb)}
}

// declare returns a certificate as a manifest declares it.
func (a *authority) declare(name string, names ...string) v1.Certificate {
	a.TB.Helper()
	chain, key := a.Issue(time.Now().Add(time.Hour), names...)
	return v1.Certificate{Name: name, Chain: chain, Key: v1.NewSecret(key), Origin: v1.Origin{File: "certs.yaml", Line: 1, Column: 1}}
}

// secured returns a bench with a listener for TLS.
func secured(tb testing.TB) (b *bench, address string) {
	tb.Helper()
	b = managed(tb)
	address = freeAddress(tb)
	b.options.TLSBinds = []string{address}
	b.open()
	return b, address
}

// handshake returns the certificate that is shown for a name.
func handshake(tb testing.TB, address, name string) *x509.Certificate {
	tb.Helper()
	c, err := tryHandshake(address, name)
	if err != nil {
		tb.Fatalf("%s: %v", name, err)
	}
	return c
}

func tryHandshake(address, name string) (*x509.Certificate, error) {
	dialer := &net.Dialer{Timeout: time.Minute}
	conn, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{ServerName: name, InsecureSkipVerify: true}) //nolint:gosec // which one is shown is what the test looks at
	if err != nil {
		return nil, err
	}
	shown := conn.ConnectionState().PeerCertificates[0]
	return shown, conn.Close()
}

// shows checks which certificate is shown for a name.
func (b *bench) shows(address, name string, want v1.Certificate) {
	b.t.Helper()
	block, _ := pem.Decode([]byte(want.Chain))
	if got := handshake(b.t, address, name); string(got.Raw) != string(block.Bytes) {
		b.t.Fatalf("%s: shown is that of %s, not %s", name, got.Subject, want.Name)
	}
}

func TestTLSShowsTheCertificateOfTheName(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	b.serve("web", origin(t, "web-1"))
	b.shared.Certificates = []v1.Certificate{a.declare("shop", "shop.test"), a.declare("wild", "*.wild.test"), a.declare("exact", "a.wild.test")}
	b.sync()
	b.shows(address, "shop.test", b.shared.Certificates[0])
	b.shows(address, "b.wild.test", b.shared.Certificates[1])
	b.shows(address, "a.wild.test", b.shared.Certificates[2])
	for _, other := range []string{"a.b.wild.test", "other.test", "", crt.NobodysName} {
		if got := handshake(t, address, other); got.Subject.CommonName != crt.NobodysName {
			t.Errorf("%q: shown is that of %s, not our own", other, got.Subject)
		}
	}
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: a.Pool, ServerName: "shop.test"}, //nolint:gosec // any version
	}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "web.test"
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 2 || !strings.Contains(string(body), "proto=https") {
		t.Errorf("%s %q %v, want HTTP/2 and X-Forwarded-Proto https", response.Proto, body, err)
	}
}

func TestCertificatesNeedNoReload(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	b.serve("web", origin(t, "web-1"))
	b.sync()
	reloads := count(t, b, "lockstep_haproxy_reloads_total")
	first := a.declare("shop", "shop.test")
	b.shared.Certificates = []v1.Certificate{first}
	b.sync()
	b.shows(address, "shop.test", first)
	renewed := a.declare("shop", "shop.test", "www.shop.test")
	b.shared.Certificates = []v1.Certificate{renewed}
	b.sync()
	b.shows(address, "www.shop.test", renewed)
	asDefault := renewed
	asDefault.Default = true
	b.shared.Certificates = []v1.Certificate{asDefault}
	b.sync()
	b.shows(address, "", renewed)
	for _, restart := range []bool{true, false} {
		if restart {
			b.restart()
		}
		if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
			t.Fatalf("restart %t: not quiet: %s", restart, sentences(p))
		}
	}
	b.shared.Certificates = nil
	b.sync()
	if got := handshake(t, address, "shop.test"); got.Subject.CommonName != crt.NobodysName {
		t.Errorf("after its removal the certificate of %s is shown", got.Subject)
	}
	if left, err := filepath.Glob(b.options.Dir + "/certs/*"); err != nil || len(left) != 1 {
		t.Errorf("%v are left of the keys, %v; want the default one alone", left, err)
	}
	if now := count(t, b, "lockstep_haproxy_reloads_total"); now != reloads && now != 0 { // 0: the daemon was restarted
		t.Errorf("%d reloads, before there were %d", now, reloads)
	}
}

// count returns the sum of a metric's values.
func count(tb testing.TB, b *bench, metric string) int {
	tb.Helper()
	total := 0
	for _, line := range gather(tb, b.r.metrics) {
		if !strings.HasPrefix(line, metric) {
			continue
		}
		var n int
		if _, err := fmt.Sscanf(line[strings.LastIndexByte(line, '=')+1:], "%d", &n); err != nil {
			tb.Fatal(err)
		}
		total += n
	}
	return total
}

func TestDriftOfCertificatesIsUndone(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	mine, theirs := a.declare("shop", "shop.test"), a.declare("other", "other.test")
	b.shared.Certificates = []v1.Certificate{mine}
	b.sync()
	path := b.r.dir.File("certs/shop.pem")
	b.tell("set ssl cert "+path+" <<\n"+theirs.Chain+theirs.Key.Reveal(), "Transaction created")
	b.tell("commit ssl cert "+path, "Success")
	stray := b.r.dir.File("certs/stray.pem")
	b.tell("new ssl cert "+stray, "New empty")
	b.tell("set ssl cert "+stray+" <<\n"+theirs.Chain+theirs.Key.Reveal(), "Transaction created")
	b.tell("commit ssl cert "+stray, "Success")
	b.tell("add ssl crt-list "+b.r.dir.File(disk.Certificates)+" "+stray, "Success")
	b.shows(address, "shop.test", theirs)
	if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	b.shows(address, "shop.test", mine)
	if got := handshake(t, address, "other.test"); got.Subject.CommonName != crt.NobodysName {
		t.Errorf("what somebody added is still shown: %s", got.Subject)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the certificate's file was not written again for its owner alone: %v %v", info, err)
	}
}

// tell gives HAProxy a command by hand.
func (b *bench) tell(command, want string) {
	b.t.Helper()
	s, err := socket.Dial(b.t.Context(), b.r.o.StatsSocket, b.r.o.Timeout)
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Close()
	answer, err := s.Ask(command)
	if err != nil || !strings.Contains(answer, want) {
		b.t.Fatalf("%s: %q %v", socket.FirstLine(command), answer, err)
	}
}
