package kong

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 256 << 20

// client sends requests to the Admin API, patiently, to one of several nodes.
type client struct {
	nodes   []node
	current atomic.Int32 // the node that answered last
	doer    *http.Client
	token   func() (v1.Secret, error)
	patience
	timeout time.Duration
	metrics *metrics
	hush    atomic.Pointer[[]string] // what Kong may repeat and nobody may hear
}

// node is one address of the Admin API.
type node struct {
	shown string // without a password
	api   *gokong.Client
}

// request is one request, of which any number of tries may reach Kong.
type request struct {
	method, path string
	query        url.Values
	body         any           // nil, or what becomes JSON
	timeout      time.Duration // for one try; 0: the client's
	once         bool          // don't try again
}

// answer is what Kong says to a request, not an error.
type answer struct {
	status int
	body   []byte
}

func newClient(o Options, m *metrics) (*client, error) {
	doer := &http.Client{
		Transport: o.Transport,
		// A redirect could carry an admin token to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &client{
		doer: doer, token: o.Token, timeout: o.Timeout, metrics: m,
		patience: patience{attempts: o.Attempts, pause: o.Pause},
	}
	for _, raw := range o.AdminURLs {
		trimmed := trimSlash(raw)
		api, err := gokong.NewClient(&trimmed, doer)
		if err != nil {
			return nil, fmt.Errorf("--kong-admin-url %q is not an address like http://127.0.0.1:8001", hidden(raw))
		}
		api.SetWorkspace(o.Workspace)
		c.nodes = append(c.nodes, node{shown: hidden(trimmed), api: api})
	}
	return c, nil
}

func trimSlash(raw string) string {
	for len(raw) > 0 && raw[len(raw)-1] == '/' {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// do sends a request until Kong answers it. The error is a *refusal when Kong
// says no, and *unreachable when it says nothing that can be used. What a
// request does must be the same however often it is done: a try whose answer
// was lost may have been carried out.
func (c *client) do(ctx context.Context, r request) (answer, error) {
	var last *unreachable
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return answer{}, fmt.Errorf("%s %s: %w", r.method, r.path, err)
		}
		which := int(c.current.Load())
		a, wait, err := c.try(ctx, c.nodes[which], r)
		if err == nil {
			return a, nil
		}
		if !errors.As(err, &last) {
			return a, err
		}
		last.tries = try + 1
		if ctx.Err() != nil || r.once || try+1 >= c.attempts {
			return answer{}, last
		}
		if !last.answered && len(c.nodes) > 1 {
			c.current.CompareAndSwap(int32(which), int32((which+1)%len(c.nodes)))
		}
		c.metrics.retried()
		c.wait(ctx, try, wait)
	}
}

// try sends a request once. wait is what Kong asks to wait before the next.
func (c *client) try(ctx context.Context, n node, r request) (a answer, wait time.Duration, err error) {
	timeout := r.timeout
	if timeout == 0 {
		timeout = c.timeout
	}
	limited, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	req, err := c.build(n, r)
	if err != nil {
		return a, 0, err
	}
	began := time.Now()
	a, header, err := c.exchange(limited, n, req)
	c.metrics.asked(r.method, a.status, time.Since(began))
	shown := r.method + " " + n.shown + r.path
	if err != nil {
		if ctx.Err() == nil && limited.Err() != nil {
			err = context.Cause(limited)
		}
		return a, 0, &unreachable{err: fmt.Errorf("%s: %w", shown, inner(err))}
	}
	switch {
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return a, retryAfter(header), &unreachable{err: c.refusal(shown, a), answered: true}
	case a.status >= 300 && a.status != http.StatusNotModified:
		return a, 0, c.refusal(shown, a)
	}
	return a, 0, nil
}

// refusal is what Kong said, without the secrets of what is being written.
func (c *client) refusal(request string, a answer) *refusal {
	said := parseRefusal(request, a.status, a.body)
	if secrets := c.hush.Load(); secrets != nil {
		said.without(*secrets)
	}
	return said
}

func (c *client) build(n node, r request) (*http.Request, error) {
	req, err := n.api.NewRequest(r.method, r.path, nil, r.body)
	if err != nil {
		return nil, fmt.Errorf("make the request %s %s: %w", r.method, r.path, inner(err))
	}
	req.URL.RawQuery = r.query.Encode()
	if c.token != nil {
		token, err := c.token()
		if err != nil {
			return nil, gatewayError(v1.GatewayUnreachable, fmt.Sprintf("the admin token can't be read: %v", err), "see that the daemon can read what --kong-admin-token names")
		}
		req.Header.Set("Kong-Admin-Token", token.Reveal())
	}
	return req, nil
}

// exchange reads the whole answer: one that breaks off is none.
func (c *client) exchange(ctx context.Context, n node, req *http.Request) (answer, http.Header, error) {
	response, err := n.api.DoRAW(ctx, req)
	if err != nil {
		return answer{}, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return answer{}, nil, fmt.Errorf("the answer breaks off: %w", err)
	}
	return answer{status: response.StatusCode, body: body}, response.Header, nil
}

// inner takes off the layer that repeats method and address.
func inner(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// where is the address that is asked now, without a password.
func (c *client) where() string { return c.nodes[c.current.Load()].shown }

func (c *client) close() { c.doer.CloseIdleConnections() }

// push replaces the whole configuration of a node without a database. It goes
// as text, because only then Kong compares it with what it holds. A refusal
// comes with the answer that explains it.
func (c *client) push(ctx context.Context, text string, timeout time.Duration) (answer, error) {
	return c.do(ctx, request{
		method: http.MethodPost, path: "/config", query: url.Values{"check_hash": {"1"}, "flatten_errors": {"1"}},
		body: map[string]string{"config": text}, timeout: timeout,
	})
}
