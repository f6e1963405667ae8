package kong

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/port"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// options are those of a reconciler on a stand-in that is quick to try again, and waits
// for an answer as long as a machine with much else to do may need.
func options(url string) Options {
	return Options{
		AdminURLs: []string{url}, Owner: "lockstep", Writer: "writer-1",
		Attempts: 3, Pause: time.Millisecond, Timeout: time.Minute, WatchInterval: 5 * time.Millisecond, PushInterval: time.Nanosecond,
	}
}

// nobody returns a URL at which nobody listens while the test runs.
func nobody(tb testing.TB) string {
	tb.Helper()
	lease, err := port.Take()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := lease.Release(); err != nil {
			tb.Error(err)
		}
	})
	return "http://" + lease.Address
}

func open(tb testing.TB, o Options) *Reconciler {
	tb.Helper()
	r, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// harness measures the reconciler on stand-ins of one mode.
func harness(mode fakekong.Mode) reconcilertest.Harness {
	return reconcilertest.Harness{Certificates: true, Entities: true, New: func(tb testing.TB) *reconcilertest.Gateway {
		tb.Helper()
		k := start(tb, fakekong.Options{Mode: mode})
		g := &reconcilertest.Gateway{
			Open:   func() (reconcilers.Reconciler, error) { return New(options(k.AdminURL)) },
			World:  func() string { return k.World() },
			Writes: k.Writes,
			Break: func(after int) {
				var calls atomic.Int64
				k.Hook(func(*http.Request) fakekong.Fault { return broken(int(calls.Add(1)) - after) })
			},
			Heal: func() { k.Hook(nil) },
		}
		if mode == fakekong.Database {
			s := &stranger{url: k.AdminURL}
			g.Plant, g.Strangers = s.plant, s.text
		}
		return g
	}}
}

// broken is what happens to the n-th call after a gateway broke: each in turn
// is cut before, cut after it took effect, or answered with 500 or 429.
func broken(n int) fakekong.Fault {
	if n <= 0 {
		return fakekong.Fault{}
	}
	switch n % 4 {
	case 0:
		return fakekong.Fault{Status: http.StatusInternalServerError, Body: `{"message":"An unexpected error occurred"}`}
	case 1:
		return fakekong.Fault{Cut: fakekong.CutAfter}
	case 2:
		return fakekong.Fault{Cut: fakekong.CutBefore}
	}
	return fakekong.Fault{Status: http.StatusTooManyRequests, Body: `{"message":"API rate limit exceeded"}`}
}

// stranger is somebody else who uses the same Kong.
type stranger struct {
	url   string
	paths []string
}

// plant makes entities of every kind that we write, one of them with tags.
func (s *stranger) plant() error {
	for _, e := range []struct{ path, id, body string }{
		{"/upstreams", "/3b000000-0000-4000-8000-000000000001", `{"name":"theirs.internal","tags":["lockstep"]}`},
		{"/services", "/3b000000-0000-4000-8000-000000000002", `{"name":"theirs","host":"theirs.internal","tags":["lockstep-owner:somebody"]}`},
		{"/routes", "/3b000000-0000-4000-8000-000000000003", `{"name":"theirs","paths":["/theirs"],"service":{"id":"3b000000-0000-4000-8000-000000000002"}}`},
	} {
		if _, err := ask(http.MethodPut, s.url+e.path+e.id, e.body); err != nil {
			return err
		}
		s.paths = append(s.paths, e.path+e.id)
	}
	targets := s.paths[0] + "/targets"
	s.paths = append(s.paths, targets)
	_, err := ask(http.MethodPost, s.url+targets, `{"target":"10.9.9.9:80"}`)
	return err
}

// text is what Kong answers about them, byte for byte.
func (s *stranger) text() string {
	var text strings.Builder
	for _, path := range s.paths {
		body, err := ask(http.MethodGet, s.url+path, "")
		fmt.Fprintln(&text, path, body, err)
	}
	return text.String()
}

// ask sends one request as somebody else; an error status is an error.
func ask(method, url, body string) (string, error) {
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, response.Status, text)
	}
	return string(text), err
}

func must(tb testing.TB, method, url, body string) string {
	tb.Helper()
	text, err := ask(method, url, body)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// listed are the entities of one page of a list.
func listed(text string) ([]map[string]any, error) {
	var page struct {
		Data []map[string]any `json:"data"`
	}
	err := json.Unmarshal([]byte(text), &page)
	return page.Data, err
}
