package admin

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// wire answers requests without a network, so that time can be the test's.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func reply(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// clientOver returns a client whose requests w answers. It tries three times in a row.
func clientOver(t *testing.T, o Options, w wire) *Client {
	t.Helper()
	o.URLs, o.Transport, o.Metrics = []string{"http://kong.test"}, w, &Metrics{}
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
						return reply(429, `{"message":"slow down"}`, test.header...), nil
					}
					return reply(200, `{}`), nil
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
			return reply(503, `{}`, "Retry-After", "30"), nil
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
