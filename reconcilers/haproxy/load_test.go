package haproxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// load is a number of clients that ask without a pause, over connections that
// they keep, and never ask twice.
type load struct {
	asked, failed atomic.Int64
	first         atomic.Pointer[string] // what went wrong first
	stop          func()
}

func (b *bench) load(clients int, method, host string) *load {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	l := &load{}
	var group sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	for range clients {
		group.Go(func() {
			for ctx.Err() == nil {
				l.ask(b.url, method, host, transport)
			}
		})
	}
	l.stop = sync.OnceFunc(func() {
		cancel()
		group.Wait()
		transport.CloseIdleConnections()
	})
	b.t.Cleanup(l.stop)
	return l
}

func (l *load) ask(url, method, host string, transport *http.Transport) {
	// A body that can't be read again keeps the client from asking again by itself.
	var body io.Reader
	if method == http.MethodPost {
		body = io.NopCloser(strings.NewReader("x"))
	}
	request, err := http.NewRequestWithContext(context.Background(), method, url+"/", body)
	if err != nil {
		l.fail(err.Error())
		return
	}
	request.Host = host
	l.asked.Add(1)
	response, err := transport.RoundTrip(request)
	if err != nil {
		l.fail(err.Error())
		return
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		l.fail(fmt.Sprintf("%d %q %v", response.StatusCode, text, err))
	}
}

func (l *load) fail(what string) {
	l.failed.Add(1)
	l.first.CompareAndSwap(nil, &what)
}

// report ends the load, once it is one that proves anything, and wants that none failed.
func (l *load) report(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for l.asked.Load() < 100 {
		select {
		case <-ctx.Done():
			t.Fatalf("only %d requests were asked", l.asked.Load())
		case <-time.After(5 * time.Millisecond):
		}
	}
	l.stop()
	t.Logf("%d of %d requests failed", l.failed.Load(), l.asked.Load())
	if l.failed.Load() > 0 {
		t.Fatalf("%d of %d requests failed, first: %s", l.failed.Load(), l.asked.Load(), *l.first.Load())
	}
}

// copyOf is an origin that can be stopped as a container is.
func copyOf(t *testing.T, name string) (v1.Endpoint, *httptest.Server) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			fmt.Fprintln(w, name)
		}
	}))
	return endpoint(t, name, s.Listener.Addr().String()), s
}

// TestNothingIsLost replaces copies one after the other under load, drained
// and not drained, while new services reload HAProxy.
func TestNothingIsLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		method string
		drain  bool
	}{
		{"GET, containers die", http.MethodGet, false},
		{"GET, drained", http.MethodGet, true},
		{"POST, drained", http.MethodPost, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := managed(t)
			b.options.ReloadEvery = 50 * time.Millisecond
			b.open()
			var endpoints []v1.Endpoint
			var servers []*httptest.Server
			for i := range 4 {
				e, s := copyOf(t, fmt.Sprintf("copy-%d", i))
				endpoints, servers = append(endpoints, e), append(servers, s)
			}
			b.serve("shop", endpoints...)
			b.sync()
			l := b.load(8, c.method, "shop.test")
			for i := range 12 {
				e, s := copyOf(t, fmt.Sprintf("copy-%d", 4+i))
				slot := i % 4
				if c.drain {
					endpoints[slot].Draining = true
					b.serve("shop", append([]v1.Endpoint{e}, endpoints...)...)
					b.sync("shop")
					b.idle("lockstep:shop", endpoints[slot].ID)
				}
				servers[slot].CloseClientConnections()
				servers[slot].Close()
				endpoints[slot], servers[slot] = e, s
				b.serve("shop", endpoints...)
				b.sync("shop")
				if i%3 == 2 {
					name := fmt.Sprintf("new%d", i)
					b.serve(name, e)
					b.sync(name)
				}
			}
			l.report(t)
			for _, s := range servers {
				s.Close()
			}
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
				t.Fatalf("left over: %s", sentences(p))
			}
		})
	}
}

// TestNothingIsLostBehindTheUsersFrontend does the same where requests take
// the way through a frontend of the user's.
func TestNothingIsLostBehindTheUsersFrontend(t *testing.T) {
	b := external(t, strings.Replace(userConfig, "    bind ADDRESS", "    option idle-close-on-response\n    bind ADDRESS", 1))
	b.options.ReloadEvery = 50 * time.Millisecond
	b.open()
	var endpoints []v1.Endpoint
	var servers []*httptest.Server
	for i := range 11 {
		e, s := copyOf(t, fmt.Sprintf("copy-%d", i))
		t.Cleanup(s.Close)
		endpoints, servers = append(endpoints, e), append(servers, s)
	}
	b.serve("shop", endpoints[:3]...)
	b.sync()
	l := b.load(8, http.MethodGet, "shop.test")
	for i := range 8 {
		servers[i].CloseClientConnections()
		servers[i].Close()
		b.serve("shop", endpoints[i+1:i+4]...)
		b.sync("shop")
		name := fmt.Sprintf("new%d", i)
		b.serve(name, endpoints[i+3])
		b.sync(name)
	}
	l.report(t)
}

// TestKeptConnectionsOutliveReloads: what comes over a connection that a client
// kept from before a reload is served as things are now.
func TestKeptConnectionsOutliveReloads(t *testing.T) {
	for name, make := range map[string]func() *bench{
		"managed":  func() *bench { return managed(t) },
		"external": func() *bench { return external(t, userConfig) },
	} {
		t.Run(name, func(t *testing.T) {
			b := make()
			b.t = t
			b.serve("shop", origin(t, "one"))
			b.sync()
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			ask := func(host, want string) {
				t.Helper()
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/x", io.NopCloser(strings.NewReader("x")))
				if err != nil {
					t.Fatal(err)
				}
				request.Host = host
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				text, err := io.ReadAll(response.Body)
				if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
					t.Fatalf("%d %q %v, want %q", response.StatusCode, text, err, want)
				}
			}
			ask("shop.test", "one")
			old := b.r.live
			b.serve("new", origin(t, "new"))
			b.sync("new") // a reload
			if b.r.live == old || !b.r.handed[old.pid] {
				t.Fatalf("worker %d was to be replaced, the old ones are %v", old.pid, b.r.handed)
			}
			// The next daemon finds that it was told, and does not tell it again;
			// one that only looks would not tell it either.
			b.restart()
			if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() || b.counts() != "" || !b.r.handed[old.pid] {
				t.Fatalf("looking did %q, the old ones are %v: %s", b.counts(), b.r.handed, sentences(p))
			}
			b.serve("shop", origin(t, "two"))
			b.sync("shop")
			if name == "managed" {
				ask("new.test", "new path=/x host=new.test proto=http for=127.0.0.1\n")
			} else {
				ask("shop.test", "two path=/x host=shop.test proto=http for=127.0.0.1\n")
			}
		})
	}
}

// idle waits until a server has no request under way.
func (b *bench) idle(backend, name string) {
	b.t.Helper()
	b.eventually("the server to be drained", func() error {
		s, err := socket.Dial(b.t.Context(), b.r.o.StatsSocket, time.Second)
		if err != nil {
			return err
		}
		defer s.Close()
		answer, err := s.Ask("show servers conn " + backend)
		if err != nil {
			return err
		}
		for line := range strings.Lines(answer) {
			words := strings.Fields(line)
			if len(words) > 6 && strings.HasSuffix(words[0], "/"+name) && words[6] != "0" {
				return fmt.Errorf("%s is used by %s", name, words[6])
			}
		}
		return nil
	})
}
