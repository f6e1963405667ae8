package bind

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

func TestBindsOf(t *testing.T) {
	got := strings.Join(Lines("frontend x\n  bind 127.0.0.1:29000-29002\n  bind [::1]:80\n  bind abns@x accept-proxy\n  bind :8080\n"), " ")
	if want := "127.0.0.1:29000 127.0.0.1:29001 127.0.0.1:29002 [::1]:80 :8080"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestProbe: a port that somebody listens on is not free, and who that is can be said.
func TestProbe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Probe(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s is taken by %s (pid %d)", b, strings.TrimSpace(string(comm)), os.Getpid())) {
		t.Errorf("probe says %v", err)
	}
	if !Ports(func(pid int) bool { return pid == os.Getpid() })[b.Port] || Ports(func(int) bool { return false })[b.Port] {
		t.Error("our own port is not told from others")
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Probe(); err != nil {
		t.Errorf("after it was closed: %v", err)
	}
}
