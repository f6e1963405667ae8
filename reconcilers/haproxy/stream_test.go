package haproxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// streaming returns a bench whose HAProxy has n ports for labels, and these.
func streaming(tb testing.TB, n int) (b *bench, ports []int) {
	tb.Helper()
	b = managed(tb)
	for range n {
		address := freeAddress(tb)
		b.options.TCPPorts = append(b.options.TCPPorts, address)
		ports = append(ports, portOf(tb, address))
	}
	b.open()
	return b, ports
}

func portOf(tb testing.TB, address string) int {
	tb.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// stream puts a service into the set that takes a port's connections.
func (b *bench) stream(name string, port int, endpoints ...v1.Endpoint) *v1.Service {
	s := &v1.Service{
		Name: name, Protocol: v1.TCP, ConnectTimeout: 5 * time.Second,
		Routes:    []v1.Route{{Name: name + ".default", Listen: []int{port}, PreserveHost: true}},
		Endpoints: endpoints,
	}
	b.set[name] = s
	return s
}

// parrot is a server that tells its name, and then says again what it hears.
func parrot(tb testing.TB, name string) v1.Endpoint {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[conn] = true
			mu.Unlock()
			group.Go(func() {
				defer conn.Close()
				if _, err := fmt.Fprintln(conn, name); err == nil {
					_, _ = io.Copy(conn, conn) // ends when the client goes, as it should
				}
			})
		}
	})
	tb.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		group.Wait()
	})
	return endpoint(tb, name, listener.Addr().String())
}

// caller is a client of a stream.
type caller struct {
	net.Conn
	lines *bufio.Reader
}

// call connects and returns the client and the name of who answers.
func call(tb testing.TB, port int) (*caller, string, error) {
	tb.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, "", err
	}
	tb.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return nil, "", err
	}
	c := &caller{conn, bufio.NewReader(conn)}
	name, err := c.lines.ReadString('\n')
	return c, strings.TrimSpace(name), err
}

// talk says a word and hears it again.
func (c *caller) talk(word string) error {
	if _, err := fmt.Fprintln(c, word); err != nil {
		return err
	}
	again, err := c.lines.ReadString('\n')
	if err == nil && strings.TrimSpace(again) != word {
		err = fmt.Errorf("said %q, heard %q", word, again)
	}
	return err
}

// reaches wants a port to lead to a server.
func (b *bench) reaches(port int, want string) *caller {
	b.t.Helper()
	c, name, err := call(b.t, port)
	if err == nil {
		err = c.talk("hello")
	}
	if err != nil || name != want {
		b.t.Fatalf("port %d: %q answers, %v; want %q", port, name, err, want)
	}
	return c
}

// closed wants a port to lead nowhere.
func (b *bench) closed(port int) {
	b.t.Helper()
	if _, name, err := call(b.t, port); err == nil {
		b.t.Fatalf("port %d: %q answers, want nobody", port, name)
	}
}

// TestStreamNeedsNoReload: services on prepared ports, their servers and their
// routes come and go while HAProxy goes on.
func TestStreamNeedsNoReload(t *testing.T) {
	b, ports := streaming(t, 2)
	b.r.streamLeave = time.Millisecond
	b.sync()
	before := b.reloads()
	b.closed(ports[0])
	b.stream("mq", ports[0], parrot(t, "mq-1"))
	b.sync("mq")
	b.reaches(ports[0], "mq-1")
	b.closed(ports[1])
	b.stream("mq", ports[0], parrot(t, "mq-2"))
	b.sync("mq")
	b.reaches(ports[0], "mq-2")
	b.stream("db", ports[1], parrot(t, "db-1"))
	b.stream("mq", ports[0])
	b.sync("mq", "db")
	b.closed(ports[0])
	b.reaches(ports[1], "db-1")
	delete(b.set, "db")
	b.stream("mq", ports[1], parrot(t, "mq-3"))
	b.sync("mq", "db")
	b.reaches(ports[1], "mq-3")
	b.closed(ports[0])
	if got := b.reloads(); got != before {
		t.Errorf("%v reloads, before %v", got, before)
	}
	b.settled()
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("a daemon that starts again would: %s", sentences(p))
	}
}

// TestStreamGoesOn: a connection lives through reloads and while its server
// drains, and ends when its server is gone for good.
func TestStreamGoesOn(t *testing.T) {
	b, ports := streaming(t, 1)
	old, young := parrot(t, "old"), parrot(t, "young")
	b.stream("mq", ports[0], old)
	b.sync()
	kept := b.reaches(ports[0], "old")
	b.serve("slow", origin(t, "slow")).ReadTimeout = 3 * time.Second // not what prepared backends have
	before := b.reloads()
	b.sync()
	if b.reloads() == before {
		t.Fatal("HAProxy was not reloaded")
	}
	if err := kept.talk("after a reload"); err != nil {
		t.Fatal(err)
	}
	kept = b.reaches(ports[0], "old")
	old.Draining = true
	b.stream("mq", ports[0], old, young)
	b.sync("mq")
	b.reaches(ports[0], "young")
	if err := kept.talk("while it drains"); err != nil {
		t.Fatal(err)
	}
	b.r.streamLeave = 10 * time.Millisecond
	b.stream("mq", ports[0], young)
	b.sync("mq")
	b.settled()
	if err := kept.talk("who is there?"); err == nil {
		t.Error("the connection to a server that is gone goes on")
	}
	b.reaches(ports[0], "young")
}

// TestStreamIdle: a stream may be silent as long as its service says, not longer.
func TestStreamIdle(t *testing.T) {
	b, ports := streaming(t, 1)
	b.stream("mq", ports[0], parrot(t, "mq-1")).TunnelTimeout = time.Second
	b.sync()
	c := b.reaches(ports[0], "mq-1")
	if _, err := c.lines.ReadByte(); !errors.Is(err, io.EOF) && !strings.Contains(fmt.Sprint(err), "reset") {
		t.Errorf("got %v, want the end of the connection", err)
	}
}

// TestPortTaken: a port that another process has is left out and said, and taken
// when it is free.
func TestPortTaken(t *testing.T) {
	b, ports := streaming(t, 2)
	stranger, err := net.Listen("tcp", b.options.TCPPorts[0])
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	b.stream("db", ports[1], parrot(t, "db-1"))
	b.sync()
	b.reaches(ports[1], "db-1")
	b.stream("mq", ports[0], parrot(t, "mq-1"))
	_, problems := b.r.Compile(reconcilers.Scope{}, b.set, v1.Shared{})
	if len(problems) != 1 || problems[0].Reason != v1.Conflict || !strings.Contains(problems[0].Message, "is taken by") {
		t.Fatalf("problems: %v", problems)
	}
	b.restart()
	if _, err := b.r.Observe(t.Context(), reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	if base := b.r.base; base != b.r.model.Base() {
		t.Error("a daemon that starts again wants other sections")
	}
	if err := stranger.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.r.Observe(t.Context(), reconcilers.Scope{Fresh: true}); err != nil {
		t.Fatal(err)
	}
	b.sync()
	b.reaches(ports[0], "mq-1")
	b.reaches(ports[1], "db-1")
}

// TestProxyHeader: a container that asks for it learns the client's address.
func TestProxyHeader(t *testing.T) {
	for _, c := range []struct{ version, prefix string }{
		{"v1", "PROXY TCP4 127.0.0.1 127.0.0.1 "},
		{"v2", "\r\n\r\n\x00\r\nQUIT\n"},
	} {
		t.Run(c.version, func(t *testing.T) {
			b, ports := streaming(t, 1)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			b.stream("mq", ports[0], endpoint(t, "mq-1", listener.Addr().String())).ProxyProtocol = c.version
			b.sync()
			client, err := net.Dial("tcp", b.options.TCPPorts[0])
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			conn, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			head := make([]byte, len(c.prefix))
			if _, err := io.ReadFull(conn, head); err != nil || string(head) != c.prefix {
				t.Errorf("got %q, %v, want %q", head, err, c.prefix)
			}
		})
	}
}

func TestParsePorts(t *testing.T) {
	for text, want := range map[string]string{
		"5672": ":5672", "5000-5002": ":5000 :5001 :5002", "10.0.0.1:5672": "10.0.0.1:5672",
		"[::1]:80-81": "[::1]:80 [::1]:81", "*:80": ":80",
		"": "", "x": "", "0": "", "70000": "", "5002-5000": "", "5000-": "", "-5": "", "1-65535": "", "mq:5672": "", "5000-5001-5002": "", "80,81": "",
	} {
		binds, err := parsePorts(text)
		var got []string
		for _, b := range binds {
			got = append(got, b.String())
		}
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, options := range []Options{
		{TCPPorts: []string{"80"}, Binds: []string{"127.0.0.1:80"}}, {TCPPorts: []string{"5000-5010", "5010"}},
		{TCPPorts: []string{"5000-6999", "7000"}},
	} {
		if err := options.portDefaults(); err == nil {
			t.Errorf("%v beside %v is taken", options.TCPPorts, options.Binds)
		}
	}
}
