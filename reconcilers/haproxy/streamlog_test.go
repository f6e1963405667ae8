package haproxy

import (
	"net"
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAccessLogOfStreams: each connection that was passed on is one JSON object when
// it has ended, with the service's own name; what TLS ends at HAProxy is logged as
// requests alone.
func TestAccessLogOfStreams(t *testing.T) {
	path := filepath.Join(shortDir(t), "log")
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	b, address := passing(t)
	port := freeAddress(t)
	b.options.AccessLog, b.options.TCPPorts, b.options.AcceptProxy = path, []string{port}, []netip.Prefix{netip.MustParsePrefix(balancer + "/32")}
	b.open()
	b.sync()
	a := newAuthority(t)
	b.serve("web", origin(t, "w1"))
	b.stream("shop.mq", portOf(t, port), parrot(t, "mq-1")) // on prepared backends
	b.passOn("shop.vault", []string{"*.vault.test"}, vault(t, a, "vault-1"))
	b.passOn("empty", []string{"empty.test"})
	b.sync("web", "shop.mq", "shop.vault", "empty")

	_ = b.reaches(portOf(t, port), "mq-1").Close()
	compare := func(want map[string]any) {
		t.Helper()
		entry := logged(t, log)
		for name, value := range want {
			if diff := cmp.Diff(value, entry[name]); diff != "" {
				t.Errorf("%s (-want +got): %s\n%v", name, diff, entry)
			}
		}
	}
	compare(map[string]any{
		"client": "127.0.0.1", "port": float64(portOf(t, port)), "service": "shop.mq", "route": "shop.mq.default", "server": "mq-1",
		"bytes": 11.0, "bytes_received": 6.0, "ended": "--", "name": nil, "status": nil,
	})
	_ = from(t, balancer, port, proxyV1(9)).Close()
	compare(map[string]any{"client": "203.0.113.9", "service": "shop.mq"})
	_ = b.greets(address, "A.vault.test", "vault-1").Close()
	compare(map[string]any{"client": "127.0.0.1", "name": "a.vault.test", "service": "shop.vault", "route": "shop.vault.default", "server": "vault-1", "port": nil})
	if _, err := tryHandshake(address, "empty.test"); err == nil {
		t.Error("a service without servers answers")
	}
	compare(map[string]any{"name": "empty.test", "service": "empty", "server": "-"})
	b.ends(address, "web.test") // says nothing: no request came
	b.get("web.test", "/x")
	compare(map[string]any{"path": "/x", "service": "web", "status": 200.0})
}
