package fakekong

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// errNoPeer means that an upstream has no target to send requests to.
var errNoPeer = errors.New("no peer")

// retrier sends a request to a target of its service, and to others when the
// connection can't be made: once, and as often again as the service's retries say.
// Other failures are only tried again for requests that may be repeated.
type retrier struct {
	k       *Kong
	base    http.RoundTripper
	secured *secured // for services that speak TLS
}

// RoundTrip implements http.RoundTripper.
func (t *retrier) RoundTrip(r *http.Request) (*http.Response, error) {
	trip := tripOf(r.Context())
	var tried []string
	for left := number(trip.service["retries"]); ; left-- {
		address, err := t.k.address(trip, tried)
		if err != nil {
			return nil, err
		}
		tried = append(tried, address)
		resp, err := t.send(r, trip, address)
		if err == nil || left <= 0 || r.Context().Err() != nil || !repeatable(r, err) {
			return resp, err
		}
	}
}

// send makes one try. The times of the service bound how long it may take until the answer begins.
func (t *retrier) send(r *http.Request, trip *trip, address string) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	limit := number(trip.service["connect_timeout"]) + number(trip.service["read_timeout"])
	timer := time.AfterFunc(time.Duration(limit)*time.Millisecond, func() { cancel(context.DeadlineExceeded) })
	out := r.Clone(ctx)
	if r.Body != nil {
		out.Body = io.NopCloser(r.Body) // a failed try must leave it open
	}
	out.URL.Host = address
	if !trip.decision.Route.PreserveHost {
		out.Host = hostHeader(trip, out.URL.Scheme, address)
	}
	resp, err := t.carry(out, trip)
	timer.Stop()
	if err != nil {
		cause := context.Cause(ctx)
		cancel(nil)
		if errors.Is(cause, context.DeadlineExceeded) && r.Context().Err() == nil {
			err = fmt.Errorf("wait for %s: %w", address, cause)
		}
		return nil, err
	}
	resp.Body = &closer{resp.Body, func() { cancel(nil) }}
	return resp, nil
}

// carry sends a request over a connection to its address.
func (t *retrier) carry(out *http.Request, trip *trip) (*http.Response, error) {
	if out.URL.Scheme != "https" {
		return t.base.RoundTrip(out) //nolint:wrapcheck // what it says is told apart
	}
	way, err := t.secured.way(trip, out.Host)
	if err != nil {
		return nil, err
	}
	return way.RoundTrip(out) //nolint:wrapcheck // what it says is told apart
}

// hostHeader is the Host that an upstream gets unless the route keeps the client's.
func hostHeader(trip *trip, scheme, address string) string {
	if trip.upstream != nil {
		if h := text(trip.upstream.fields["host_header"]); h != "" {
			return h
		}
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil && (scheme == "http" && port == "80" || scheme == "https" && port == "443") {
		return host
	}
	return address
}

// repeatable reports whether another try is harmless after this failure.
func repeatable(r *http.Request, err error) bool {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete, http.MethodTrace:
		return r.Body == nil || r.Body == http.NoBody
	}
	return false
}

// address picks where a try goes.
func (k *Kong) address(t *trip, tried []string) (string, error) {
	if t.upstream == nil {
		return net.JoinHostPort(text(t.service["host"]), strconv.Itoa(number(t.service["port"]))), nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if address := k.next(t.upstream, tried); address != "" {
		return address, nil
	}
	return "", errNoPeer
}

// closer is a body that says when it is done with.
type closer struct {
	io.ReadCloser
	done func()
}

// Close implements io.Closer.
func (c *closer) Close() error {
	defer c.done()
	return c.ReadCloser.Close()
}

// Write lets an upgraded connection (a WebSocket) through.
func (c *closer) Write(p []byte) (int, error) {
	w, ok := c.ReadCloser.(io.Writer)
	if !ok {
		return 0, errors.New("not a connection")
	}
	return w.Write(p)
}

// unescaped decodes a path for url.URL, which keeps both forms.
func unescaped(path string) string {
	if s, err := url.PathUnescape(path); err == nil {
		return s
	}
	return path
}
