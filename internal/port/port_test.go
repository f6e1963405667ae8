package port

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func lent(t *testing.T) *Lease {
	t.Helper()
	l, err := Take()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Release() }) //nolint:errcheck // most tests have released it
	return l
}

// TestTake: a port can be listened on, and is lent again only when it was released.
func TestTake(t *testing.T) {
	l := lent(t)
	listener, err := net.Listen("tcp", l.Address)
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	number := listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener has one
	if again, err := take(number); err == nil {
		t.Fatalf("%s was lent twice", again.Address)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := take(number)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Fatal(err)
	}
}

// TestOtherProcess: what one process was lent another is not, until the first is gone.
func TestOtherProcess(t *testing.T) {
	if os.Getenv("HOLD") != "" {
		fmt.Println(lent(t).Address)
		<-t.Context().Done() // until it is killed
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), "HOLD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() //nolint:errcheck // it is killed
	text := make([]byte, 64)
	n, err := out.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(string(text[:n]))
	number, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take(number.Port); err == nil {
		t.Errorf("%s was lent to two processes", address)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
	l, err := take(number.Port)
	if err != nil {
		t.Fatalf("%s is still held by a process that is gone: %v", address, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestExcept(t *testing.T) {
	for _, c := range []struct{ low, high, count int }{
		{32768, 60999, 65535 - 10000 + 1 - (60999 - 32768 + 1)},
		{1024, 9999, 65535 - 10000 + 1},
		{1024, 65535, 65535 - 10000 + 1}, // nothing is left: any
		{1024, 65534, 1},
	} {
		ports := except(c.low, c.high)
		if len(ports) != c.count {
			t.Errorf("beside %d to %d: %d ports, want %d", c.low, c.high, len(ports), c.count)
		}
	}
}
