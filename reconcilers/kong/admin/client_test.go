package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lockstep/lockstep/internal/wire"
)

// clientOver returns a client whose requests w answers. It tries three times in a row.
func clientOver(t *testing.T, o Options, w wire.Func) *Client {
	t.Helper()
	if o.URLs == nil {
		o.URLs = []string{"http://kong.test"}
	}
	o.Transport, o.Metrics = w, &Metrics{}
	o.Attempts, o.Pause, o.Timeout = cmp.Or(o.Attempts, 3), cmp.Or(o.Pause, time.Millisecond), time.Minute
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRetryWaits(t *testing.T) {
	tests := map[string]struct {
		header   []string
		min, max time.Duration
	}{
		"grows by itself":       {nil, 350 * time.Millisecond, 700 * time.Millisecond}, // 100, 200, 400, less up to half
		"as long as Kong asks":  {[]string{"Retry-After", "7"}, 21 * time.Second, 22 * time.Second},
		"parts of a second":     {[]string{"Retry-After", "3.412"}, 10236 * time.Millisecond, 11 * time.Second},
		"but not for ever":      {[]string{"Retry-After", "86400"}, 90 * time.Second, 91 * time.Second},
		"nor for a wrong value": {[]string{"Retry-After", "-5"}, 350 * time.Millisecond, 700 * time.Millisecond},
		"nor for no number":     {[]string{"Retry-After", "NaN"}, 350 * time.Millisecond, 700 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				c := clientOver(t, Options{Attempts: 4, Pause: 100 * time.Millisecond}, func(*http.Request) (*http.Response, error) {
					if tries++; tries < 4 {
						return wire.Reply(429, `{"message":"slow down"}`, test.header...), nil
					}
					return wire.Reply(200, `{}`), nil
				})
				began := time.Now()
				_, err := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "/"})
				if took := time.Since(began); err != nil || took < test.min || took > test.max {
					t.Errorf("%d tries in %s, error %v; want %s to %s", tries, took, err, test.min, test.max)
				}
			})
		})
	}
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOver(t, Options{}, func(*http.Request) (*http.Response, error) {
			return wire.Reply(503, `{}`, "Retry-After", "30"), nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := c.Do(ctx, Request{Method: http.MethodGet, Path: "/"})
		if took := time.Since(began); err == nil || took != time.Second {
			t.Errorf("it took %s and ended with %v, want 1s and an error", took, err)
		}
	})
}

// TestNoAnswer: a request that is not answered is given up when its time is over, and tried
// as often as any other.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := clientOver(t, Options{}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		for timeout, r := range map[time.Duration]Request{time.Minute: {}, 7 * time.Second: {Timeout: 7 * time.Second}} {
			began := time.Now()
			r.Method, r.Path = http.MethodGet, "/"
			_, err := c.Do(t.Context(), r)
			whole := 3 * timeout
			if took := time.Since(began); took < whole || took > whole+time.Second || err == nil || !strings.Contains(err.Error(), "no answer within "+timeout.String()) {
				t.Errorf("after %s: %v", took, err)
			}
		}
	})
}

// TestNextNode: a node that does not answer is left at once, one that fails when a request
// was tried there to the end, and one that only asks to wait is not left. Nothing is sent
// more often than the tries that a request has.
func TestNextNode(t *testing.T) {
	for name, c := range map[string]struct {
		first func(*http.Request) (*http.Response, error)
		once  bool
		asked [2]int // of both nodes, by two requests in turn
		fails bool   // the first of them
	}{
		"hangs": {first: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, asked: [2]int{1, 2}},
		"hangs, once": {first: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, once: true, asked: [2]int{1, 1}, fails: true},
		"cut":       {first: func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, asked: [2]int{1, 2}},
		"503":       {first: func(*http.Request) (*http.Response, error) { return wire.Reply(503, `{}`), nil }, asked: [2]int{3, 1}, fails: true},
		"503, once": {first: func(*http.Request) (*http.Response, error) { return wire.Reply(503, `{}`), nil }, once: true, asked: [2]int{1, 1}, fails: true},
		"500":       {first: func(*http.Request) (*http.Response, error) { return wire.Reply(500, `{"message":"no database"}`), nil }, asked: [2]int{3, 1}, fails: true},
		"429":       {first: func(*http.Request) (*http.Response, error) { return wire.Reply(429, `{}`), nil }, asked: [2]int{6, 0}, fails: true},
		"404":       {first: func(*http.Request) (*http.Response, error) { return wire.Reply(404, `{}`), nil }, asked: [2]int{2, 0}, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked [2]int
				client := clientOver(t, Options{URLs: []string{"http://a.test", "http://b.test"}}, func(r *http.Request) (*http.Response, error) {
					if r.URL.Host == "a.test" {
						asked[0]++
						return c.first(r)
					}
					asked[1]++
					return wire.Reply(200, `{}`), nil
				})
				for n := range 2 {
					_, err := client.Do(t.Context(), Request{Method: http.MethodPut, Path: "/services/x", Once: c.once})
					if n == 0 && (err != nil) != c.fails {
						t.Errorf("the first request: %v", err)
					}
				}
				if asked != c.asked {
					t.Errorf("the nodes were asked %v times, want %v", asked, c.asked)
				}
			})
		})
	}
}

// TestSameTroubleSameMessage: the local port of a connection that breaks is not said, for it
// would make each message a new one.
func TestSameTroubleSameMessage(t *testing.T) {
	broken := func(port int) error {
		return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET,
			Source: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}, Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8001}}
	}
	for _, wrap := range []func(error) error{
		func(err error) error { return &url.Error{Op: "Get", URL: "http://127.0.0.1:8001/", Err: err} },
		func(err error) error { return fmt.Errorf("the answer breaks off: %w", err) },
	} {
		one, other := inner(wrap(broken(40001))), inner(wrap(broken(40002)))
		if one.Error() != other.Error() || !strings.Contains(one.Error(), "read tcp 127.0.0.1:8001: ") || !errors.Is(one, syscall.ECONNRESET) {
			t.Errorf("%q and %q", one, other)
		}
	}
}
