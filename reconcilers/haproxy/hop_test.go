package haproxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/nginxtls"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/hop"
)

// hopKeys makes keys for a HAProxy on loopback.
func hopKeys(t *testing.T) *hop.Keys {
	t.Helper()
	keys, err := hop.Make([]string{"127.0.0.1", "haproxy"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// behindKongOverTLS is behindKong where the two know each other by keys.
func behindKongOverTLS(t *testing.T) (b *bench, address string, kong *nginx) {
	t.Helper()
	b, address = behindKong(t)
	keys := hopKeys(t)
	b.options.Via.TLS = hop.Hold(keys)
	b.restart()
	return b, address, newNginx(t, keys)
}

// nginx asks HAProxy as Kong's nginx does.
type nginx struct {
	t        *testing.T
	roots    *x509.CertPool
	shown    *tls.Certificate
	sessions tls.ClientSessionCache
	least    uint16 // version of TLS
}

func newNginx(t *testing.T, keys *hop.Keys) *nginx {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(keys.Kong.Cert), []byte(keys.Kong.Key.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	n := &nginx{t: t, roots: x509.NewCertPool(), shown: &pair, sessions: tls.NewLRUClientSessionCache(8), least: tls.VersionTLS13}
	n.roots.AppendCertsFromPEM([]byte(keys.Authority.Cert))
	return n
}

// dial makes a connection over which requests with this Host are to go.
func (n *nginx) dial(address, host string) (net.Conn, error) {
	config := nginxtls.Config(nginxtls.Name(host), n.roots, n.shown, n.sessions)
	config.MaxVersion = n.least
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: config}
	return dialer.DialContext(n.t.Context(), "tcp", address)
}

// ask sends a request over a connection.
func (n *nginx) ask(conn net.Conn, host string) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host); err != nil {
		return "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return fmt.Sprintf("%d %s", response.StatusCode, body), err
}

// get is one request over a connection of its own.
func (n *nginx) get(address, host string) (string, error) {
	conn, err := n.dial(address, host)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return n.ask(conn, host)
}

func (n *nginx) want(address, host, want string) {
	n.t.Helper()
	if got, err := n.get(address, host); err != nil || !strings.HasPrefix(got, want) {
		n.t.Errorf("%s: got %q, %v, want %q", host, got, err, want)
	}
}

// TestKongAloneGetsIn: who has Kong's keys reaches services by any Host, and HAProxy proves
// itself for it; who has them not is turned away before HAProxy reads a request.
func TestKongAloneGetsIn(t *testing.T) {
	t.Parallel()
	b, address, kong := behindKongOverTLS(t)
	b.chained("web", origin(t, "one"))
	b.sync()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		kong.least = version
		for round := range 2 {
			for _, host := range []string{"web.test", "WEB.test:8000", "127.0.0.1", "127.0.0.1:8000", "haproxy", "localhost", "x", strings.Repeat("a", 59) + ".test"} {
				kong.want(address, host, "200 one")
			}
			for i := range 20 { // a new name each, for which a certificate is made
				kong.want(address, fmt.Sprintf("n%d-%d-%d.test", version, round, i), "200 one")
			}
		}
	}
	for _, host := range []string{"10.0.0.5", strings.Repeat("a", 300)} { // for which HAProxy can't prove itself
		if got, err := kong.get(address, host); err == nil {
			t.Errorf("%s: got %q", host, got)
		}
	}
	strangers := newNginx(t, hopKeys(t))
	strangers.roots = kong.roots
	nobody := *kong
	nobody.shown = nil
	for name, client := range map[string]*nginx{"with another authority's": strangers, "without a certificate": &nobody} {
		for _, host := range []string{"web.test", "127.0.0.1"} {
			if got, err := client.get(address, host); err == nil {
				t.Errorf("%s, for %s: got %q", name, host, got)
			}
		}
	}
	if got, err := b.asKong(address); err == nil && !strings.HasPrefix(got, "400") {
		t.Errorf("without TLS: got %q", got)
	}
	posing := newNginx(t, hopKeys(t))
	posing.shown = kong.shown
	if got, err := posing.get(address, "web.test"); err == nil {
		t.Errorf("a HAProxy with other keys is taken for ours: %q", got)
	}
}

// TestKeptConnectionsFromKong: a connection that Kong keeps goes on over a reload, and
// the way between the two workers is as closed as the ports are.
func TestKeptConnectionsFromKong(t *testing.T) {
	t.Parallel()
	b, address, kong := behindKongOverTLS(t)
	b.chained("web", origin(t, "one"))
	b.sync()
	conn, err := kong.dial(address, "web.test")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	goesOn := func(want string) {
		t.Helper()
		if got, err := kong.ask(conn, "web.test"); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	goesOn("200 one")
	b.set["web"].Endpoints[0] = origin(t, "two")
	b.set["web"].ReadTimeout += time.Second // another backend: a reload
	generation := b.r.model.Generation()
	b.sync()
	if b.r.model.Generation() == generation {
		t.Fatal("nothing was reloaded")
	}
	goesOn("200 two")
	gate := gateOf(b.r.base) + "-via"
	local, err := net.Dial("unix", "@"+gate)
	if err == nil {
		defer local.Close()
		port := strings.TrimPrefix(address, "127.0.0.1:")
		fmt.Fprintf(local, "PROXY TCP4 127.0.0.1 127.0.0.1 40000 %s\r\n", port)
		if got, err := kong.ask(local, "web.test"); err == nil && !strings.HasPrefix(got, "400") {
			t.Errorf("a process of this machine got %q", got)
		}
	}
}

// TestKeysOfTheHopAreRenewed: another certificate is taken over by one reload, which loses no
// request; the old files go, and a daemon that starts again finds nothing to do.
func TestKeysOfTheHopAreRenewed(t *testing.T) {
	t.Parallel()
	b, address, kong := behindKongOverTLS(t)
	b.chained("web", origin(t, "one"))
	b.sync()
	stop, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		for asked := 0; ; asked++ {
			got, err := kong.get(address, "web.test")
			if err == nil && !strings.HasPrefix(got, "200") {
				err = errors.New(got)
			}
			if err != nil {
				failed <- fmt.Errorf("request %d: %w", asked, err)
				return
			}
			select {
			case <-stop:
				failed <- nil
				return
			default:
			}
		}
	}()
	before := b.r.o.hop
	keys := b.options.Via.TLS.Keys()
	next, err := keys.Renew(append(slices.Clone(keys.Names()), "other"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	poked := make(chan struct{}, 1)
	watching := make(chan error, 1)
	go func() {
		watching <- b.r.Watch(ctx, func() {
			select {
			case poked <- struct{}{}:
			default:
			}
		})
	}()
	b.options.Via.TLS.Replace(next)
	b.poked(poked, "a renewal")
	cancel()
	if err := <-watching; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	b.look()
	if b.r.o.hop.shown.file == before.shown.file || b.r.o.hop.kong.file != before.kong.file {
		t.Error("not HAProxy's certificate alone is another one")
	}
	kong.want(address, "127.0.0.1", "200 one")
	close(stop)
	if err := <-failed; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(before.shown.file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old certificate is still there: %v", err)
	}
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("a daemon that starts again finds to do:\n%s", sentences(p))
	}
	b.options.Via.TLS = nil
	b.restart()
	b.sync()
	if left, _ := filepath.Glob(filepath.Join(b.options.Dir, disk.KeysPrefix+"*")); len(left) > 0 {
		t.Errorf("keys that nothing needs are left: %v", left)
	}
	b.wantAsKong(address, "200 one")
}

// TestStampOfKeys: keys that are made within one second are others.
func TestStampOfKeys(t *testing.T) {
	t.Parallel()
	now, names := time.Now(), []string{"haproxy"}
	keys, err := hop.Make(names, now)
	if err != nil {
		t.Fatal(err)
	}
	next, err := keys.Renew(append(names, "other"), now)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Via: Via{TLS: hop.Hold(keys)}}
	before := o.stampKeys()
	o.Via.TLS.Replace(next)
	if o.stampKeys() == before {
		t.Error("nobody would notice that the keys were renewed")
	}
}

// TestKeysOfTheHopAreNeverShown: they stand in files of their owner's alone, and nowhere else.
func TestKeysOfTheHopAreNeverShown(t *testing.T) {
	t.Parallel()
	b, _, _ := behindKongOverTLS(t)
	var log bytes.Buffer
	b.options.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	b.open()
	b.chained("web", origin(t, "one"))
	p := b.plan(reconcilers.Scope{Fresh: true})
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	fmt.Fprintf(&seen, "%s %v %+v", text, p, b.problems)
	for _, change := range p.Changes {
		fmt.Fprintf(&seen, "%s %v %#v", change.Sentence(), change.After.Fields, change.After.Native)
	}
	b.sync()
	files, _, err := b.r.Render(b.set, b.shared)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&seen, "%v %s %v", files, log.String(), gather(t, b.r.metrics))
	keys := b.options.Via.TLS.Keys()
	for _, pair := range []hop.Pair{keys.Authority, keys.HAProxy, keys.Kong} {
		if strings.Contains(seen.String(), strings.Split(pair.Key.Reveal(), "\n")[1]) {
			t.Error("a key is shown")
		}
	}
	if !strings.Contains(seen.String(), "generate-certificates") || !strings.Contains(seen.String(), strings.Split(keys.Authority.Cert, "\n")[1]) {
		t.Error("what is rendered does not tell of TLS for Kong")
	}
	kept, err := filepath.Glob(filepath.Join(b.options.Dir, disk.KeysPrefix+"*"))
	if err != nil || len(kept) != 3 {
		t.Errorf("%v: %v", kept, err)
	}
	for _, path := range kept {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}
