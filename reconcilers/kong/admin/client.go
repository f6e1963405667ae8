package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/portless"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 256 << 20

// Options say where the Admin API is, and how patiently it is asked. All but Workspace
// and Token are needed.
type Options struct {
	URLs      []string                  // of the nodes of one cluster: the next is asked when one is down
	Workspace string                    // "" for Kong's default one
	Token     func() (v1.Secret, error) // gives the token that goes with every request; nil for none
	Transport http.RoundTripper         // carries the requests
	Timeout   time.Duration             // for one try of a request
	Attempts  int                       // how often a request is tried
	Pause     time.Duration             // before the second try; it doubles with each further one
	Metrics   *Metrics                  // count the requests
}

// Client sends requests to the Admin API, patiently, to one of several nodes. Any number
// of goroutines may use it at once.
type Client struct {
	nodes   []node
	current atomic.Int32 // the node that answered last
	doer    *http.Client
	token   func() (v1.Secret, error)
	patience
	timeout time.Duration
	metrics *Metrics
	hush    atomic.Pointer[[]string] // what Kong may repeat and nobody may hear
}

// node is one address of the Admin API.
type node struct {
	shown string // without a password
	api   *gokong.Client
}

// Request is one request, of which any number of tries may reach Kong.
type Request struct {
	Method, Path string // below the workspace: "/services"
	Query        url.Values
	Body         any           // nil, or what becomes JSON
	Timeout      time.Duration // for one try; 0: the client's
	Once         bool          // don't try again
}

// Answer is what Kong says to a request, not an error.
type Answer struct {
	status int
	Body   []byte // the whole of it
}

// New returns a client. It asks nothing yet, and errs where one of the addresses is none.
func New(o Options) (*Client, error) {
	doer := &http.Client{
		Transport: o.Transport,
		// A redirect could carry an admin token to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &Client{
		doer: doer, token: o.Token, timeout: o.Timeout, metrics: o.Metrics,
		patience: patience{attempts: o.Attempts, pause: o.Pause},
	}
	for _, raw := range o.URLs {
		trimmed := trimSlash(raw)
		api, err := gokong.NewClient(&trimmed, doer)
		if err != nil {
			return nil, fmt.Errorf("--kong-admin-url %q is not an address like http://127.0.0.1:8001", Redacted(raw))
		}
		api.SetWorkspace(o.Workspace)
		c.nodes = append(c.nodes, node{shown: Redacted(trimmed), api: api})
	}
	return c, nil
}

func trimSlash(raw string) string {
	for len(raw) > 0 && raw[len(raw)-1] == '/' {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// Do sends a request until Kong answers it. The error is a *Refusal when Kong
// says no, and *Unreachable when it says nothing that can be used; a v1.Problem where
// the token can't be had. What a
// request does must be the same however often it is done: a try whose answer
// was lost may have been carried out.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	var last *Unreachable
	for try := 0; ; try++ {
		if err := ctx.Err(); err != nil {
			return Answer{}, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
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
		over := r.Once || try+1 >= c.attempts
		if ctx.Err() == nil && (!last.Answered || over && last.failed()) {
			c.leave(which)
		}
		if ctx.Err() != nil || over {
			return Answer{}, last
		}
		c.metrics.retried()
		c.wait(ctx, try, wait)
	}
}

// leave has the next node asked from now on. A node that does not answer is left at once.
// One that fails is left after the last try, for all that comes later, since what it
// fails on may as well be this request, or a database that all of them have.
func (c *Client) leave(which int) {
	if n := len(c.nodes); n > 1 {
		c.current.CompareAndSwap(int32(which), int32((which+1)%n))
	}
}

// try sends a request once. wait is what Kong asks to wait before the next.
func (c *Client) try(ctx context.Context, n node, r Request) (a Answer, wait time.Duration, err error) {
	timeout := r.Timeout
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
	c.metrics.asked(r.Method, a.status, time.Since(began))
	shown := r.Method + " " + n.shown + r.Path
	if err != nil {
		if ctx.Err() == nil && limited.Err() != nil {
			err = context.Cause(limited)
		}
		if op, is := errors.AsType[*net.OpError](err); is && op.Op == "dial" { // whatever was to be asked
			shown = n.shown
		}
		return a, 0, &Unreachable{err: fmt.Errorf("%s: %w", shown, inner(err))}
	}
	switch {
	case a.status == http.StatusTooManyRequests || a.status >= 500:
		return a, retryAfter(header), &Unreachable{err: c.refusal(shown, a), Answered: true}
	case a.status >= 300 && a.status != http.StatusNotModified:
		return a, 0, c.refusal(shown, a)
	}
	return a, 0, nil
}

// Hide takes secrets out of what Kong is heard to say, from now on; what holds another
// goes first. It may be called while requests are under way.
func (c *Client) Hide(secrets []string) { c.hush.Store(&secrets) }

// refusal is what Kong said, without the secrets of what is being written.
func (c *Client) refusal(request string, a Answer) *Refusal {
	said := parseRefusal(request, a.status, a.Body)
	if secrets := c.hush.Load(); secrets != nil {
		said.Without(*secrets)
	}
	return said
}

func (c *Client) build(n node, r Request) (*http.Request, error) {
	req, err := n.api.NewRequest(r.Method, r.Path, nil, r.Body)
	if err != nil {
		return nil, fmt.Errorf("make the request %s %s: %w", r.Method, r.Path, inner(err))
	}
	req.URL.RawQuery = r.Query.Encode()
	if c.token != nil {
		token, err := c.token()
		if err != nil {
			return nil, Problem(v1.GatewayUnreachable, fmt.Sprintf("the admin token can't be read: %v", err), "see that the daemon can read what --kong-admin-token names")
		}
		req.Header.Set("Kong-Admin-Token", token.Reveal())
	}
	return req, nil
}

// exchange reads the whole answer: one that breaks off is none.
func (c *Client) exchange(ctx context.Context, n node, req *http.Request) (Answer, http.Header, error) {
	response, err := n.api.DoRAW(ctx, req)
	if err != nil {
		return Answer{}, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Answer{}, nil, fmt.Errorf("the answer breaks off: %w", err)
	}
	return Answer{status: response.StatusCode, Body: body}, response.Header, nil
}

// inner takes off the layer that repeats method and address, and the local port.
func inner(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return portless.Error(err)
}

// Where is the address that is asked now, without a password.
func (c *Client) Where() string { return c.nodes[c.current.Load()].shown }

// Close lets go of connections.
func (c *Client) Close() { c.doer.CloseIdleConnections() }

// Push replaces the whole configuration of a node without a database. It goes
// as text, because only then Kong compares it with what it holds. Each try may take as
// long as timeout. A *Refusal comes with the answer that explains it.
func (c *Client) Push(ctx context.Context, text string, timeout time.Duration) (Answer, error) {
	return c.Do(ctx, Request{
		Method: http.MethodPost, Path: "/config", Query: url.Values{"check_hash": {"1"}, "flatten_errors": {"1"}},
		Body: map[string]string{"config": text}, Timeout: timeout,
	})
}

// Redacted returns an address without its password, for errors and logs. What
// can't be parsed is cut at the last "@", before which a password may stand.
func Redacted(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Redacted()
	}
	return raw[strings.LastIndex(raw, "@")+1:]
}
