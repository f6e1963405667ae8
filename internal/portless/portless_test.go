package portless

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
)

func TestErrorIsTheSameForEachConnection(t *testing.T) {
	far := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8001}
	for _, from := range []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback} {
		cause := &net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: from, Port: 43210}, Addr: far, Err: syscall.ECONNRESET}
		got := Error(fmt.Errorf("ask: %w", cause))
		if got.Error() != "ask: read tcp 127.0.0.1:8001: connection reset by peer" {
			t.Errorf("it says %q", got)
		}
		if !errors.Is(got, syscall.ECONNRESET) {
			t.Error("the cause is lost")
		}
	}
	plain := errors.New("dial tcp [::1]:8001: connection refused")
	if got := Error(plain); got != plain { //nolint:errorlint // the very same
		t.Errorf("it says %q", got)
	}
	if got := Text("read unix @->/run/a@b.sock: i/o timeout"); got != "read unix /run/a@b.sock: i/o timeout" {
		t.Errorf("of a socket it says %q", got)
	}
	if got := Text("lookup kong on 127.0.0.53:53: read udp 127.0.0.1:40001->127.0.0.53:53: i/o timeout"); got != "lookup kong on 127.0.0.53:53: read udp 127.0.0.53:53: i/o timeout" {
		t.Errorf("of a lookup it says %q", got)
	}
}
