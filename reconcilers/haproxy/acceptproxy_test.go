package haproxy

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// balancer connects to HAProxy from a source that is believed.
const balancer = "127.0.0.2"

// afterBalancer returns a bench whose HAProxy expects PROXY headers from the balancer.
func afterBalancer(tb testing.TB, change func(*Options)) *bench {
	tb.Helper()
	b := managed(tb)
	b.options.AcceptProxy = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix(balancer + "/32")}
	if change != nil {
		change(&b.options)
	}
	b.open()
	return b
}

// from connects to an address from a source, and begins with what it says.
func from(tb testing.TB, source, address, header string) net.Conn {
	tb.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: time.Minute}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.WriteString(conn, header); err != nil {
		tb.Fatal(err)
	}
	return conn
}

// proxyV1 and proxyV2 are the header in its two versions, of a client of 203.0.113.N.
func proxyV1(n int) string { return fmt.Sprintf("PROXY TCP4 203.0.113.%d 192.0.2.1 4567 443\r\n", n) }

func proxyV2(n byte) string {
	header := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"), 203, 0, 113, n, 192, 0, 2, 1)
	header = binary.BigEndian.AppendUint16(header, 4567)
	return string(binary.BigEndian.AppendUint16(header, 443))
}

// asks sends a request over a connection and returns the answer's body, or "" when
// there is none that is good.
func asks(tb testing.TB, conn net.Conn, host string) string {
	tb.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n"); err != nil {
		return ""
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// TestAcceptProxy: who is believed says who the client is, in everything that looks
// at it; who is not may say what they like.
func TestAcceptProxy(t *testing.T) {
	path := filepath.Join(shortDir(t), "log")
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	b := afterBalancer(t, func(o *Options) { o.AccessLog = path })
	b.serve("web", tellTale(t))
	b.sync()
	address := strings.TrimPrefix(b.url, "http://")
	client := func(ip, port string) string {
		return "X-Forwarded-For=" + ip + "\nX-Forwarded-Proto=http\nX-Forwarded-Host=web.test\nX-Forwarded-Port=" + port + "\nX-Real-Ip=" + ip + "\n"
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, source, header, want, logs string }{
		{"v1", balancer, proxyV1(9), client("203.0.113.9", "443"), "203.0.113.9"},
		{"v2", balancer, proxyV2(8), client("203.0.113.8", "443"), "203.0.113.8"},
		{"the balancer's own check", balancer, "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", client(balancer, port), balancer},
		{"unknown", balancer, "PROXY UNKNOWN\r\n", client(balancer, port), balancer},
		{"no header", balancer, "", "", ""},
		{"a stranger without", "127.0.0.3", "", client("127.0.0.3", port), "127.0.0.3"},
		{"a stranger with", "127.0.0.3", proxyV1(9), "", ""},
	} {
		if got := asks(t, from(t, c.source, address, c.header), "web.test"); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
		if c.logs != "" {
			if entry := logged(t, log); entry["client"] != c.logs {
				t.Errorf("%s: the log says %v, want %s", c.name, entry["client"], c.logs)
			}
		}
	}
	kept := from(t, balancer, address, proxyV1(7))
	lines := bufio.NewReader(kept)
	for i := range 2 { // the second time through a worker that was replaced
		if _, err := io.WriteString(kept, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(lines, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil || response.Body.Close() != nil || string(body) != client("203.0.113.7", "443") {
			t.Errorf("request %d: %v, got\n%s", i, err, body)
		}
		b.serve("slow", origin(t, "s1")).ReadTimeout = 99 * time.Second
		b.sync()
	}
}

// TestAcceptProxyTLS: the header goes before TLS, with and without the stage that
// reads names.
func TestAcceptProxyTLS(t *testing.T) {
	for _, passes := range []bool{false, true} {
		t.Run(fmt.Sprint(passes), func(t *testing.T) {
			address := freeAddress(t)
			b := afterBalancer(t, func(o *Options) { o.TLSBinds, o.TLSPassthrough = []string{address}, passes })
			b.serve("web", tellTale(t))
			received := make(chan string, 1)
			if passes {
				b.passOn("vault", []string{"vault.test"}, header(t, received)).ProxyProtocol = "v1"
			}
			b.sync()
			conn := tls.Client(from(t, balancer, address, proxyV2(9)), &tls.Config{ServerName: "web.test", InsecureSkipVerify: true}) //nolint:gosec // HAProxy's own
			want := "X-Forwarded-For=203.0.113.9\nX-Forwarded-Proto=https\nX-Forwarded-Host=web.test\nX-Forwarded-Port=443\nX-Real-Ip=203.0.113.9\n"
			if got := asks(t, conn, "web.test"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			conn = tls.Client(from(t, "127.0.0.3", address, proxyV1(9)), &tls.Config{ServerName: "web.test", InsecureSkipVerify: true}) //nolint:gosec // HAProxy's own
			if err := conn.Handshake(); err == nil {
				t.Error("a stranger's header is taken")
			}
			if passes {
				conn = tls.Client(from(t, balancer, address, proxyV1(6)), &tls.Config{ServerName: "vault.test"})
				_ = conn.Handshake() // nobody answers
				if got := <-received; got != strings.TrimSpace(proxyV1(6)) {
					t.Errorf("the container is told %q", got)
				}
			}
		})
	}
}

// header is a server that tells the first line that it gets, and hangs up.
func header(tb testing.TB, received chan<- string) v1.Endpoint {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n') // what came is looked at
			received <- strings.TrimSpace(line)
			_ = conn.Close()
		}
	}()
	return endpoint(tb, "header", listener.Addr().String())
}

// TestAcceptProxyTCP: ports know the client as well: to tell containers, and to
// keep it with one of them.
func TestAcceptProxyTCP(t *testing.T) {
	address, second := freeAddress(t), freeAddress(t)
	b := afterBalancer(t, func(o *Options) { o.TCPPorts = []string{address, second} })
	received := make(chan string, 1)
	b.stream("mq", portOf(t, address), header(t, received)).ProxyProtocol = "v1"
	b.stream("db", portOf(t, second), parrot(t, "db-1"), parrot(t, "db-2"), parrot(t, "db-3")).Balance = "source"
	b.sync()
	from(t, balancer, address, proxyV2(5))
	if got := <-received; got != strings.TrimSpace(proxyV1(5)) {
		t.Errorf("the container is told %q", got)
	}
	from(t, "127.0.0.3", address, proxyV1(5))
	if got := <-received; !strings.HasPrefix(got, "PROXY TCP4 127.0.0.3 ") {
		t.Errorf("for a stranger's sake the container is told %q", got)
	}
	servers := map[string]bool{}
	for n := range 30 {
		var first string
		for range 2 {
			name, err := bufio.NewReader(from(t, balancer, second, proxyV1(n))).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = name
			}
			if servers[name] = true; name != first {
				t.Errorf("client %d is with %q and with %q", n, first, name)
			}
		}
	}
	if len(servers) != 3 {
		t.Errorf("30 clients came to %d of 3 servers", len(servers))
	}
}

// TestManySources: HAProxy takes no line of more than 64 words, and a Listener may name 256
// ranges. It would load nothing any more, for nobody.
func TestManySources(t *testing.T) {
	var many []netip.Prefix
	for i := range 256 {
		many = append(many, netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfd, 1: byte(i), 15: 1}), 128))
	}
	dir := t.TempDir()
	r, err := New(Options{
		Mode: Managed, Owner: "lockstep", Binds: []string{"127.0.0.1:8080"}, Dir: filepath.Join(dir, "lockstep"),
		StatsSocket: "/run/stats.sock", MasterSocket: "/run/master.sock", Spares: 1, AcceptProxy: many, TrustedProxies: many,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.model = config.New("lockstep")
	r.table = routemap.New("lockstep", r.model)
	shared := v1.Shared{Listeners: []v1.Listener{{Name: "internal", Binds: []v1.Bind{{Address: "127.0.0.1:8081"}}, AcceptProxy: many}}}
	printed, problems, err := r.Render(v1.Set{}, shared)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if err := os.Mkdir(r.o.Dir, 0o755); err != nil { //nolint:gosec // HAProxy may be another user
		t.Fatal(err)
	}
	for _, file := range printed {
		if err := os.WriteFile(file.Path, []byte(file.Text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	acceptable(t, r)
	files, err := r.dir.ReadConfigs()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(config.Parse("lockstep", files, nil).Openings()["internal"].Accepts())
	if len(words) != len(many) || words[0] != many[0].String() || words[255] != many[255].String() {
		t.Fatalf("read back %d sources: %q", len(words), words)
	}
}
