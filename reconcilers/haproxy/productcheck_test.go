package haproxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// actor is a server that plays a product: it greets, waits for a question, and
// answers as it is told.
type actor struct {
	v1.Endpoint
	well  atomic.Bool
	asked atomic.Value // the last question
}

func newActor(t *testing.T, name, greeting, good, bad string) *actor {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	a := &actor{Endpoint: endpoint(t, name, listener.Addr().String())}
	a.well.Store(true)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				answer := bad
				if a.well.Load() {
					answer = good
				}
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				if _, err := io.WriteString(conn, greeting); err != nil || answer == "" {
					return
				}
				for question := make([]byte, 512); ; {
					n, err := conn.Read(question)
					if err != nil {
						return
					}
					if !strings.HasPrefix(string(question[:n]), "QUIT") {
						a.asked.Store(string(question[:n]))
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return a
}

// TestProductChecks: each check takes what the product says when it is ready, and
// only that; a server that comes at runtime is asked as well.
func TestProductChecks(t *testing.T) {
	const fatal = "E\x00\x00\x00\x54SFATAL\x00VFATAL\x00C57P03\x00Mthe database system is starting up\x00Fpostmaster.c\x00L2\x00RP\x00\x00"
	for name, c := range map[string]struct {
		check               v1.HealthCheck
		greeting, good, bad string
		asks                string // what the question holds
	}{
		"redis":    {check: v1.HealthCheck{Check: v1.CheckRedis}, good: "+PONG\r\n", bad: "-LOADING Redis is loading the dataset in memory\r\n", asks: "PING"},
		"postgres": {check: v1.HealthCheck{Check: v1.CheckPostgres}, good: "R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00", bad: fatal, asks: "user\x00postgres\x00"},
		"smtp":     {check: v1.HealthCheck{Check: v1.CheckSMTP}, greeting: "220 mail.test ESMTP\r\n", good: "250 mail.test\r\n", bad: "421 not now\r\n", asks: "HELO "},
		"amqp": {
			check: v1.HealthCheck{Check: v1.CheckTCP, CheckSend: `AMQP\x00\x00\x09\x01`, CheckExpect: `\x00\x0a\x00\x0a`},
			good:  "\x01\x00\x00\x00\x00\x02\x00\x00\x0a\x00\x0a\x00\x09", bad: "AMQP\x00\x00\x09\x01", asks: "AMQP\x00\x00\x09\x01",
		},
		"greeting": {check: v1.HealthCheck{Check: v1.CheckTCP, CheckExpect: "SSH-2.0"}, greeting: "SSH-2.0-x\r\n", good: "", bad: ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, ports := streaming(t, 1)
			one, two := newActor(t, "one", c.greeting, c.good, c.bad), newActor(t, "two", c.greeting, c.good, c.bad)
			c.check.CheckInterval, c.check.CheckTimeout, c.check.CheckRise, c.check.CheckFall = 20*time.Millisecond, 300*time.Millisecond, 1, 1
			b.stream("db", ports[0], one.Endpoint).HealthCheck = c.check
			b.sync()
			before := b.reloads()
			b.stream("db", ports[0], one.Endpoint, two.Endpoint).HealthCheck = c.check
			b.sync("db")
			if b.reloads() != before {
				t.Error("a server that is checked takes a reload")
			}
			if c.good == "" { // the greeting is all
				b.checked("db", "two", "UP")
				return
			}
			for _, a := range []*actor{one, two} {
				b.eventually("a question", func() error {
					if question, _ := a.asked.Load().(string); !strings.Contains(question, c.asks) {
						return io.ErrNoProgress
					}
					return nil
				})
				a.well.Store(false)
				b.checked("db", a.ID, "DOWN")
				a.well.Store(true)
				b.checked("db", a.ID, "UP")
			}
			b.quiet("checks of a product")
			b.restart()
			b.quiet("a restart")
		})
	}
}

// TestPassthroughCheck: what ends TLS itself is asked over TLS, by the name that the
// check has, and whoever signed its certificate.
func TestPassthroughCheck(t *testing.T) {
	b, _ := passing(t)
	status, asked := atomic.Int32{}, atomic.Value{}
	status.Store(http.StatusOK)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.TLS.ServerName
		if name == setting.AnyHost { // HAProxy 3.3 takes it from the Host by itself
			name = ""
		}
		asked.Store(name + " " + r.Host + " " + r.URL.Path)
		w.WriteHeader(int(status.Load()))
	}))
	defer s.Close()
	for _, c := range []struct{ host, want string }{{"", " localhost /healthz"}, {"vault.test", "vault.test vault.test /healthz"}} {
		b.passOn("vault", []string{"vault.test"}, endpoint(t, "vault-1", s.Listener.Addr().String())).HealthCheck = v1.HealthCheck{
			Check: v1.CheckHTTP, CheckPath: "/healthz", CheckHost: c.host, CheckInterval: 20 * time.Millisecond, CheckRise: 1, CheckFall: 1,
		}
		b.sync()
		b.eventually("the right question", func() error {
			if got := asked.Load(); got != c.want {
				return fmt.Errorf("it is %q, want %q", got, c.want)
			}
			return nil
		})
		status.Store(http.StatusServiceUnavailable)
		b.checked("vault", "vault-1", "DOWN")
		status.Store(http.StatusOK)
		b.checked("vault", "vault-1", "UP")
		b.quiet("a check over TLS")
	}
}
