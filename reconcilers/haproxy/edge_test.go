package haproxy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
)

// kept is a connection to HAProxy.
type kept struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// keep opens a connection that lasts as long as the test.
func (b *bench) keep() *kept {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		b.t.Fatal(err)
	}
	return &kept{b.t, conn, bufio.NewReader(conn)}
}

// reply is an answer of HAProxy's.
type reply struct {
	status      int
	contentType string
	body        string
}

// ask sends bytes and returns the answer.
func (k *kept) ask(request string) reply {
	k.t.Helper()
	fmt.Fprint(k.conn, request)
	response, err := http.ReadResponse(k.in, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header.Get("Content-Type"), string(body)}
}

// send does the same over a connection of its own.
func (b *bench) send(request string) reply {
	b.t.Helper()
	return b.keep().ask(request)
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// TestPages: the operator's pages stand in for our answers and HAProxy's; one
// that is changed takes a reload, one that can't be used changes nothing.
func TestPages(t *testing.T) {
	b := managed(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "404.html"), "<h1>nowhere</h1>\n")
	write(t, filepath.Join(dir, "503.json"), `{"error": "asleep"}`)
	write(t, filepath.Join(dir, "502.txt"), strings.Repeat("x", page.Limit))
	write(t, filepath.Join(dir, "400.txt"), "what?")
	write(t, filepath.Join(dir, "readme"), "not a page")
	b.options.Errors = dir
	b.open()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			fmt.Fprint(conn, "no HTTP\r\n\r\n")
			conn.Close()
		}
	}))
	t.Cleanup(broken.Close)
	b.serve("web", origin(t, "w1"))
	b.serve("empty")
	b.serve("broken", endpoint(t, "b1", broken.Listener.Addr().String()))
	b.sync()
	for _, c := range []struct {
		request, contentType, body string
		status                     int
	}{
		{"GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n", "text/html; charset=utf-8", "<h1>nowhere</h1>\n", 404},
		{"GET / HTTP/1.1\r\nHost: empty.test\r\n\r\n", "application/json", `{"error": "asleep"}`, 503},
		{"POST / HTTP/1.1\r\nHost: broken.test\r\nContent-Length: 0\r\n\r\n", "text/plain; charset=utf-8", strings.Repeat("x", page.Limit), 502},
		{"GET / HTTP/1.1\r\nHost: \r\n\r\n", "text/plain; charset=utf-8", "what?", 400},
	} {
		if diff := cmp.Diff(reply{c.status, c.contentType, c.body}, b.send(c.request), cmp.AllowUnexported(reply{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.request, diff)
		}
	}
	b.want("web.test", "/", 200, "w1")

	// A daemon that starts anew writes nothing.
	b.restart()
	before := b.counts()
	b.sync()
	if after := b.counts(); after != before {
		t.Errorf("a restart wrote: %s, before: %s", after, before)
	}

	// Another text, at once when somebody looks.
	was := page.Stamp(dir)
	write(t, filepath.Join(dir, "404.html"), "<h1>gone fishing</h1>\n")
	b.r.known = false // as when somebody looks afresh
	if page.Stamp(dir) == was {
		t.Error("nobody would notice that a page was changed")
	}
	b.sync()
	b.want("nobody.test", "/", 404, "gone fishing")
	copies, err := filepath.Glob(b.r.dir.File(disk.PagePrefix + "404*"))
	if err != nil || len(copies) != 1 {
		t.Errorf("copies left: %v, %v", copies, err)
	}

	// One that is too large, with the rest as it was.
	write(t, filepath.Join(dir, "404.html"), strings.Repeat("x", page.Limit+1))
	b.r.known, b.troubled = false, true
	b.sync()
	b.troubled = false
	b.want("nobody.test", "/", 404, "gone fishing")
	if _, problems := b.r.Compile(reconcilers.Scope{}, nil, v1.Shared{}); len(problems) != 1 || problems[0].Origin.File != filepath.Join(dir, "404.html") {
		t.Errorf("what was said: %v", problems)
	}
	if err := os.Remove(filepath.Join(dir, "404.html")); err != nil {
		t.Fatal(err)
	}
	b.r.known = false
	b.sync()
	b.want("nobody.test", "/", 404, "no route matched")
}

// logged waits for a line of the access log, and decodes it.
func logged(tb testing.TB, log *net.UnixConn) map[string]any {
	tb.Helper()
	if err := log.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		tb.Fatal(err)
	}
	buffer := make([]byte, 64<<10)
	n, err := log.Read(buffer)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("%.300q", buffer[:n])
	line := buffer[bytes.IndexByte(buffer[:n], '{'):n]
	if bytes.ContainsAny(bytes.TrimSuffix(line, []byte("\n")), "\n\r") {
		tb.Errorf("a line holds another: %q", line)
	}
	var entry map[string]any
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := decoder.Decode(&entry); err != nil {
		tb.Fatalf("%q: %v", line, err)
	}
	if rest, err := io.ReadAll(decoder.Buffered()); err != nil || len(bytes.TrimSpace(rest)) > 0 {
		tb.Errorf("after the object stands %q, %v", rest, err)
	}
	return entry
}

// TestAccessLog: each request is one JSON object, with the service's own name, and
// nothing that a client writes ends a line or a field.
func TestAccessLog(t *testing.T) {
	b := managed(t)
	path := filepath.Join(shortDir(t), "log")
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	b.options.AccessLog = path
	b.open()
	b.sync()
	b.serve("shop.web", origin(t, "w1")) // on a prepared backend
	b.set["shop.web"].Routes[0].Hosts = []string{"web.test"}
	b.sync()

	b.send("GET /a/b?secret=1 HTTP/1.1\r\nHost: web.test\r\n\r\n")
	entry := logged(t, log)
	for name, want := range map[string]any{
		"client": "127.0.0.1", "method": "GET", "host": "web.test", "path": "/a/b", "status": 200.0,
		"service": "shop.web", "route": "shop.web.default", "server": "w1", "ended": "--",
	} {
		if diff := cmp.Diff(want, entry[name]); diff != "" {
			t.Errorf("%s (-want +got): %s", name, diff)
		}
	}
	if id, _ := entry["request_id"].(string); len(id) != 36 || entry["query"] != nil {
		t.Errorf("got %v", entry)
	}
	if at, ok := entry["time"].(float64); !ok || at < 1e9 {
		t.Errorf("time is %v", entry["time"])
	}

	for _, request := range []string{
		"GET /\",\"status\":1,\"x\":\"\\ HTTP/1.1\r\nHost: web.test\r\n\r\n",
		"GET /%0a%22}{%e9'<>` HTTP/1.1\r\nHost: web.test\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\"b\\c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: nobody.test\r\nX-Request-Id: \"}{\\\r\n\r\n",
		"GET /" + strings.Repeat("\"", 9000) + " HTTP/1.1\r\nHost: web.test\r\n\r\n",
		"M!#'*+-.^_`|~ / HTTP/1.1\r\nHost: web.test\r\n\r\n",
	} {
		answer := b.send(request)
		if strings.Contains(request, "Host: a\"") && !strings.HasPrefix(b.r.version, "2.6.") {
			continue // newer versions find before it is a request that it is none
		}
		entry := logged(t, log)
		if entry["status"] != float64(answer.status) {
			t.Errorf("%.60q was answered %d, the log says %v", request, answer.status, entry)
		}
		if server := entry["server"]; server != "w1" && server != "-" {
			t.Errorf("%.60q: the server is %q", request, server)
		}
	}
}

// TestAccessLogOnStdout: HAProxy writes it where we write, and all else into its file.
func TestAccessLogOnStdout(t *testing.T) {
	b := managed(t)
	b.options.AccessLog = AccessLogStdout
	b.open()
	b.sync()
	ours, err := os.Readlink("/proc/self/fd/1")
	if err != nil {
		t.Fatal(err)
	}
	for fd, want := range map[string]string{"1": ours, "2": b.r.process.LogFile()} {
		if got, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", b.r.process.PID(), fd)); err != nil || got != want {
			t.Errorf("descriptor %s is %s, %v; want %s", fd, got, err, want)
		}
	}
	if n := b.r.notices(); len(n) != 0 {
		t.Errorf("of a HAProxy that logs here is said: %v", n)
	}
}

// TestAccessLogNowhere: a log that nobody takes is said once in the log, and in status
// for as long as it is so.
func TestAccessLogNowhere(t *testing.T) {
	b := managed(t)
	var said strings.Builder
	b.options.Log = slog.New(slog.NewTextHandler(&said, nil))
	b.open()
	b.sync() // starts HAProxy, whose standard output is a file of ours
	b.options.AccessLog, b.troubled = AccessLogStdout, true
	b.restart()
	for range 2 {
		b.r.known = false
		b.sync()
	}
	_, problems := b.r.Compile(reconcilers.Scope{}, nil, v1.Shared{})
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "its access log goes there ("+b.r.process.LogFile()+")") ||
		!strings.Contains(problems[0].Fix, fmt.Sprintf("kill %d", b.r.process.PID())) {
		t.Errorf("of a HAProxy that logs elsewhere is said: %v", problems)
	}
	if n := strings.Count(said.String(), "its access log goes there"); n != 1 {
		t.Errorf("it was said %d times: %s", n, said.String())
	}

	path := filepath.Join(t.TempDir(), "log")
	b.r.o.AccessLog = path
	for i, want := range []string{"no such file", "is no socket", ""} {
		switch i {
		case 1:
			write(t, path, "")
		case 2:
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			listener, err := net.ListenPacket("unixgram", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() }) // nobody reads from it
		}
		b.r.lookAtLog(0)
		if got := fmt.Sprint(b.r.notices()); !strings.Contains(got, want) || (want == "") != (got == "[]") {
			t.Errorf("step %d: got %s", i, got)
		}
	}
}

// TestLogTargets: what HAProxy would not take is refused before it is asked.
func TestLogTargets(t *testing.T) {
	for target, good := range map[string]bool{
		"": true, "stdout": true, "/dev/log": true, "127.0.0.1:514": true, "[::1]:514": true,
		"stderr": false, "localhost:514": false, ":514": false, "/dev/log x": false, "127.0.0.1": false, "127.0.0.1:514 len 1": false, "fd@1": false,
	} {
		if err := checkAccessLog(Options{Mode: Managed, AccessLog: target}); (err == nil) != good {
			t.Errorf("%q: %v", target, err)
		}
	}
	if err := checkAccessLog(Options{Mode: External, AccessLog: "stdout"}); err == nil {
		t.Error("an external HAProxy was to write to our standard output")
	}
}

// tellTale is an origin that answers with the headers that tell of the client.
func tellTale(tb testing.TB) v1.Endpoint {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-Ip"} {
			fmt.Fprintf(w, "%s=%s\n", name, strings.Join(r.Header.Values(name), ", "))
		}
	}))
	tb.Cleanup(s.Close)
	return endpoint(tb, "echo", s.Listener.Addr().String())
}

// TestTrustedProxies: what a stranger says of the client is replaced, what a trusted
// proxy says is kept, also on the way through a worker that was replaced.
func TestTrustedProxies(t *testing.T) {
	const claims = "GET / HTTP/1.1\r\nHost: web.test\r\nX-Forwarded-For: 203.0.113.1, 198.51.100.2\r\nX-Forwarded-Proto: https\r\n" +
		"X-Forwarded-Host: other.test\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 203.0.113.9\r\n\r\n"
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{
		"none":     {nil, "X-Forwarded-For=127.0.0.1\nX-Forwarded-Proto=http\nX-Forwarded-Host=web.test\nX-Forwarded-Port=PORT\nX-Real-Ip=127.0.0.1\n"},
		"stranger": {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "X-Forwarded-For=127.0.0.1\nX-Forwarded-Proto=http\nX-Forwarded-Host=web.test\nX-Forwarded-Port=PORT\nX-Real-Ip=127.0.0.1\n"},
		"trusted": {
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8")},
			"X-Forwarded-For=203.0.113.1, 198.51.100.2, 127.0.0.1\nX-Forwarded-Proto=https\nX-Forwarded-Host=other.test\nX-Forwarded-Port=443\nX-Real-Ip=198.51.100.2\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := managed(t)
			b.options.TrustedProxies = c.trusted
			b.open()
			b.serve("web", tellTale(t))
			b.sync()
			_, port, err := net.SplitHostPort(strings.TrimPrefix(b.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(c.want, "PORT", port)
			if body := b.send(claims).body; body != want {
				t.Errorf("got\n%s\nwant\n%s", body, want)
			}
			if body := b.send("GET / HTTP/1.1\r\nHost: web.test\r\n\r\n").body; !strings.HasPrefix(body, "X-Forwarded-For=127.0.0.1\nX-Forwarded-Proto=http\nX-Forwarded-Host=web.test\nX-Forwarded-Port="+port+"\n") {
				t.Errorf("without any claim got\n%s", body)
			}
			// The same over a connection to a worker that was replaced, and passes it on.
			kept := b.keep()
			if body := kept.ask(claims).body; body != want {
				t.Errorf("got\n%s\nwant\n%s", body, want)
			}
			b.serve("slow", origin(t, "s1")).ReadTimeout = 99 * time.Second
			b.sync()
			if body := kept.ask(claims).body; body != want {
				t.Errorf("passed on, got\n%s\nwant\n%s", body, want)
			}
		})
	}
}
