package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// call is a request as Lockstep sent it.
type call struct {
	method, url string
	body        []byte
}

// tape notes the requests that pass.
type tape struct {
	http.RoundTripper

	mu    sync.Mutex
	calls []call
}

func (t *tape) over(inner http.RoundTripper) http.RoundTripper {
	t.RoundTripper = inner
	return t
}

// RoundTrip implements http.RoundTripper.
func (t *tape) RoundTrip(r *http.Request) (*http.Response, error) {
	c := call{method: r.Method, url: r.URL.String()}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		c.body, r.Body = body, io.NopCloser(bytes.NewReader(body))
	}
	t.mu.Lock()
	t.calls = append(t.calls, c)
	t.mu.Unlock()
	return t.RoundTripper.RoundTrip(r)
}

// take returns what passed since the last time: reads, and writes.
func (t *tape) take() (reads, writes []call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.calls {
		if c.method == http.MethodGet {
			reads = append(reads, c)
		} else {
			writes = append(writes, c)
		}
	}
	t.calls = nil
	return reads, writes
}

// levels sorts writes from nothing into those that may go at once: upstreams, then
// what needs them, then routes, which need services.
func levels(writes []call) [][]call {
	out := make([][]call, 3)
	for _, c := range writes {
		level := 1
		switch path := c.url[strings.LastIndex(c.url, "/"):]; path {
		case "/upstreams":
			level = 0
		case "/routes":
			level = 2
		}
		out[level] = append(out[level], c)
	}
	return slices.DeleteFunc(out, func(level []call) bool { return len(level) == 0 })
}

// bare opens connections, sends prepared requests and closes them again.
func bare(ctx context.Context, levels ...[]call) error {
	client := &http.Client{Transport: transport()}
	defer client.CloseIdleConnections()
	return send(ctx, client, levels...)
}

// send sends prepared requests bare, level by level, and reads the answers without
// looking at more than their status.
func send(ctx context.Context, client *http.Client, levels ...[]call) error {
	for _, level := range levels {
		var group errgroup.Group
		group.SetLimit(connections)
		for _, c := range level {
			group.Go(func() error { return c.send(ctx, client) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

func (c call) send(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	response, err := client.Do(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s", c.method, c.url, response.Status)
	}
	return nil
}
