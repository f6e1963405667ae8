package haproxy

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// socketOrigin is an origin that also takes a connection over, as for a
// WebSocket, and sends back each line that it gets.
func socketOrigin(tb testing.TB, name string) v1.Endpoint {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			fmt.Fprintln(w, name)
			return
		}
		conn, stream, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		for {
			line, err := stream.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(conn, name+" "+line)
		}
	}))
	tb.Cleanup(s.Close)
	return endpoint(tb, name, s.Listener.Addr().String())
}

// talk is a long session through HAProxy.
type talk struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// dialTalk opens a session with whoever serves a host.
func dialTalk(tb testing.TB, address, host string) *talk {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { conn.Close() })
	c := &talk{t: tb, conn: conn, in: bufio.NewReader(conn)}
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		tb.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /live HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", host)
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close() // empty: what follows is no body
	if response.StatusCode != http.StatusSwitchingProtocols {
		tb.Fatalf("no session: %s", response.Status)
	}
	return c
}

// say sends a word and returns what comes back.
func (c *talk) say(word string) string {
	c.t.Helper()
	fmt.Fprintln(c.conn, word)
	line, err := c.in.ReadString('\n')
	if err != nil {
		c.t.Fatalf("the session ended: %v", err)
	}
	return strings.TrimSpace(line)
}

// ended waits until the other side ends the session.
func (c *talk) ended() {
	c.t.Helper()
	var timeout net.Error
	if _, err := c.in.ReadString('\n'); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("the session did not end: %v", err)
	}
}

// TestSessionsOfADrainedServer: they go on while the instance drains, over a restart of
// the daemon as well, and are ended when their time is over; others go on.
func TestSessionsOfADrainedServer(t *testing.T) {
	b := managed(t)
	web := b.serve("web", socketOrigin(t, "w1"))
	b.serve("other", socketOrigin(t, "o1"))
	b.sync()
	address := strings.TrimPrefix(b.url, "http://")
	session, bystander := dialTalk(t, address, "web.test"), dialTalk(t, address, "other.test")

	drained := *web
	drained.Endpoints = []v1.Endpoint{web.Endpoints[0], socketOrigin(t, "w2")}
	drained.Endpoints[0].Draining, drained.Endpoints[0].DrainUntil = true, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	b.set["web"] = &drained
	b.sync("web")
	b.want("web.test", "/", 200, "w2")
	if got := session.say("hello"); got != "w1 hello" {
		t.Fatalf("the session got %q", got)
	}
	b.restart()
	before := b.counts()
	b.sync()
	if after := b.counts(); after != before {
		t.Errorf("a restart wrote: %s, before: %s", after, before)
	}
	if got := session.say("still"); got != "w1 still" {
		t.Fatalf("after a restart of the daemon the session got %q", got)
	}

	over := drained
	over.Endpoints = slices.Clone(drained.Endpoints)
	over.Endpoints[0].DrainUntil = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	b.set["web"] = &over
	b.sync("web")
	p := b.plan(reconcilers.Scope{Fresh: true})
	if got := sentences(p); !strings.Contains(got, "sessions past their end") {
		t.Errorf("the plan does not say what is to be done: %q", got)
	}
	b.sync()
	session.ended()
	if got := bystander.say("and I"); got != "o1 and I" {
		t.Errorf("another service's session got %q", got)
	}
	b.settled() // and nothing is left to be done
}

// TestServerWithRequestsUnderWay: it is out of service at once and goes when they are over;
// that this takes several tries is told once.
func TestServerWithRequestsUnderWay(t *testing.T) {
	b := managed(t)
	web := b.serve("web", socketOrigin(t, "w1"))
	b.sync()
	session := dialTalk(t, strings.TrimPrefix(b.url, "http://"), "web.test")
	next := *web
	next.Endpoints = []v1.Endpoint{socketOrigin(t, "w2")}
	b.set["web"] = &next
	tries := 0
	try := func() {
		p := b.plan(reconcilers.Scope{Fresh: true})
		outcomes, err := b.r.Apply(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, outcome := range outcomes {
			if outcome.Problem != nil {
				t.Fatal(outcome.Problem)
			}
			if outcome.Change.Op == plan.Delete {
				if outcome.Again != (tries > 0) {
					t.Errorf("try %d: again is %t", tries, outcome.Again)
				}
				tries++
			}
		}
	}
	b.eventually("a second try", func() error {
		if try(); tries < 2 {
			return fmt.Errorf("%d tries", tries)
		}
		return nil
	})
	b.want("web.test", "/", 200, "w2")
	if got := session.say("hello"); got != "w1 hello" {
		t.Errorf("what was under way got %q", got)
	}
	session.conn.Close()
	b.eventually("the server to go", func() error {
		if try(); len(b.r.leaving) > 0 {
			return errors.New("it is there")
		}
		return nil
	})
	b.settled()
}

// TestSessionsSurviveAReload: an old worker keeps them, and ends them
// hard-stop-after later.
func TestSessionsSurviveAReload(t *testing.T) {
	for name, c := range map[string]struct {
		own  string // the user's file
		ends bool
	}{
		"kept":  {"global\n", false},
		"ended": {"global\n  hard-stop-after 1s\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "own.cfg")
			if err := os.WriteFile(file, []byte(c.own), 0o600); err != nil {
				t.Fatal(err)
			}
			b := managed(t)
			b.options.ConfigFiles = []string{file}
			b.open()
			web := b.serve("web", socketOrigin(t, "w1"))
			b.sync()
			session := dialTalk(t, strings.TrimPrefix(b.url, "http://"), "web.test")
			was := b.r.live.pid
			slow := *web
			slow.ReadTimeout = 99 * time.Second
			b.set["web"] = &slow
			b.sync()
			if b.r.live.pid == was {
				t.Fatal("there was no reload")
			}
			b.want("web.test", "/", 200, "w1")
			if c.ends {
				session.ended()
				return
			}
			if got := session.say("hello"); got != "w1 hello" {
				t.Errorf("after a reload the session got %q", got)
			}
		})
	}
}
