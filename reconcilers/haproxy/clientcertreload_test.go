package haproxy

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// syncAll does rounds until all is done, whatever can't be asked for.
func (b *bench) syncAll() {
	b.t.Helper()
	b.eventually("all to be done", func() error {
		failed, err := b.try(reconcilers.Scope{Fresh: true})
		if err != nil || len(failed) > 0 {
			return fmt.Errorf("%v %w", failed, err)
		}
		return nil
	})
}

// TestClientAuthorityIsRenewed follows the authority's file and the list of what it
// has revoked.
func TestClientAuthorityIsRenewed(t *testing.T) {
	b, address, a := demandingBench(t)
	b.options.ClientCRL = filepath.Join(t.TempDir(), "revoked.pem")
	a.revoke(b.options.ClientCRL, 1)
	b.open()
	b.sync()
	first, second := a.pair("first"), a.pair("second")
	sessions := map[string]tls.ClientSessionCache{}
	status := func(cert tls.Certificate) int { // who may takes up the session from before
		name := string(cert.Certificate[0])
		if sessions[name] == nil {
			sessions[name] = tls.NewLRUClientSessionCache(1)
		}
		code, _ := (prover{certs: []tls.Certificate{cert}, cache: sessions[name]}).ask(t, address, "https://strict.test/")
		return code
	}
	if one, two := status(first), status(second); one != 200 || two != 200 {
		t.Fatalf("%d %d", one, two)
	}
	a.revoke(b.options.ClientCRL, 2, second.Leaf.SerialNumber.Int64())
	b.syncAll()
	if one, two := status(first), status(second); one != 200 || two != 0 {
		t.Errorf("after the second was revoked: %d %d", one, two)
	}
	other := newAuthority(t)
	if err := os.WriteFile(b.options.ClientCA, []byte("-----BEGIN"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.syncAll()
	if one := status(first); one != 200 {
		t.Errorf("with an authority that can't be read: %d", one)
	}
	other.file(b.options.ClientCA)
	other.revoke(b.options.ClientCRL, 1)
	b.syncAll()
	if one, new := status(first), status(other.pair("client")); one != 0 || new != 200 {
		t.Errorf("after the authority was replaced: %d %d", one, new)
	}
	copies, err := filepath.Glob(b.r.dir.File(disk.AuthorityPrefix + "*"))
	if err != nil || len(copies) != 2 {
		t.Errorf("copies are %v %v", copies, err)
	}
}

// revoke writes a list of revoked certificates.
func (a *authority) revoke(path string, number int64, serials ...int64) {
	a.TB.Helper()
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	for _, serial := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: time.Now().Add(-time.Minute)})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.Cert, a.Key)
	if err != nil {
		a.TB.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: pemfile.Revoked, Bytes: der}), 0o600); err != nil {
		a.TB.Fatal(err)
	}
}

// keeper is a client that keeps its one connection.
type keeper struct {
	t         *testing.T
	transport *http.Transport
	header    http.Header
}

func keep(t *testing.T, address, sni string, certs ...tls.Certificate) keeper {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: sni, Certificates: certs}, //nolint:gosec // it is the client that proves itself
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return keeper{t: t, transport: transport}
}

// ask returns 0 when there is no connection.
func (k keeper) ask(host string) (int, string) {
	k.t.Helper()
	request, err := http.NewRequestWithContext(k.t.Context(), http.MethodGet, "https://one.test/", nil)
	if err != nil {
		k.t.Fatal(err)
	}
	request.Host = host
	maps.Copy(request.Header, k.header)
	response, err := k.transport.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		k.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestKeptConnectionOverReload: over a connection from before a reload a client that
// has proved itself goes on, and nobody gets further than before.
func TestKeptConnectionOverReload(t *testing.T) {
	b, address, a := demandingBench(t)
	b.sync()
	good := a.pair("client")
	proven, nobody, other := keep(t, address, "strict.test", good), keep(t, address, "strict.test"), keep(t, address, "open.test", good)
	check := func(when string) {
		t.Helper()
		want := "strict cert=:" + base64.StdEncoding.EncodeToString(good.Certificate[0]) + ":"
		if status, body := proven.ask("strict.test"); status != 200 || body != want {
			t.Errorf("%s, with a certificate: %d %q", when, status, body)
		}
		if status, body := nobody.ask("strict.test"); status != 403 && status != 421 {
			t.Errorf("%s, without one: %d %q", when, status, body)
		}
		if status, body := other.ask("strict.test"); status != 421 {
			t.Errorf("%s, over a connection for another name: %d %q", when, status, body)
		}
	}
	for round := range 3 {
		check(fmt.Sprintf("before reload %d", round))
		b.set["strict"].ReadTimeout += time.Second // takes a reload
		b.sync()
		check(fmt.Sprintf("after reload %d", round))
		b.gateKeeps(t)
		if round == 1 { // another daemon takes the secret over
			b.restart()
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Errorf("not quiet after a restart: %s", sentences(p))
			}
		}
	}
	check("before another authority takes over")
	newAuthority(t).file(b.options.ClientCA)
	b.syncAll()
	if status, body := proven.ask("strict.test"); status != 421 {
		t.Errorf("after another authority took over: %d %q", status, body)
	}
}

// TestProofOutlastsTheMap: whoever is idle over a reload has proved himself still when
// the whole map is replaced meanwhile, and over two reloads by two daemons.
func TestProofOutlastsTheMap(t *testing.T) {
	b, address, a := demandingBench(t)
	b.sync()
	reload := func() {
		t.Helper()
		b.set["strict"].ReadTimeout += time.Second
		b.sync()
	}
	proven := keep(t, address, "strict.test", a.pair("client"))
	idle := func(when string, meanwhile func()) {
		t.Helper()
		if status, body := proven.ask("strict.test"); status != 200 {
			t.Fatalf("before %s: %d %q", when, status, body)
		}
		meanwhile()
		if status, body := proven.ask("strict.test"); status != 200 {
			t.Errorf("after %s: %d %q", when, status, body)
		}
	}
	idle("the map is replaced", func() {
		reload()
		rt := &runtime{r: b.r, ctx: t.Context()}
		if err := rt.replaceMap(); err != nil {
			t.Fatal(err)
		}
		rt.close()
	})
	idle("two reloads, of which the first worker has nothing to finish", func() {
		reload()
		reload()
	})
	idle("two reloads by two daemons", func() {
		reload()
		b.restart()
		b.sync()
		reload()
	})
	if _, shown := b.r.running[routemap.Proof]; shown {
		t.Error("the secret counts as a route")
	}
	if text, err := os.ReadFile(b.r.dir.File(disk.Routes)); err != nil || b.r.proof == "" || strings.Contains(string(text), b.r.proof) {
		t.Errorf("the secret %q stands in a file, or is none: %v", b.r.proof, err)
	}
}

// TestTrustedProofOverReload: what a trusted proxy says of its client's certificate
// reaches the container also over a connection from before a reload, and what others
// say does not.
func TestTrustedProofOverReload(t *testing.T) {
	for trusted, want := range map[string]string{"127.0.0.0/8": "open cert=:AAAA:", "192.0.2.0/24": "open cert="} {
		b, address, _ := demandingBench(t)
		b.options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trusted)}
		b.open()
		b.sync()
		proxy := keep(t, address, "open.test")
		proxy.header = http.Header{"Client-Cert": {":AAAA:"}}
		for _, when := range []string{"before", "after"} {
			if status, body := proxy.ask("open.test"); status != 200 || body != want {
				t.Errorf("%s, %s a reload: %d %q, want %q", trusted, when, status, body, want)
			}
			b.set["strict"].ReadTimeout += time.Second
			b.sync()
		}
	}
}
