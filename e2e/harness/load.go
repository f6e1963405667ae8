package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// LoadOptions describe a Load.
type LoadOptions struct {
	Address, Host string
	Clients       int
	// Method is GET or POST; default: GET. A POST has a body.
	Method string
	// Pace is how long a client rests between an answer and its next request. Default: not at all.
	Pace time.Duration
}

// Load is a number of clients that each send one request after the other over a
// connection that they keep. They retry nothing: an answer that does not come,
// or is not 200, is a lost request.
type Load struct {
	options      LoadOptions
	request      string
	sent, failed atomic.Int64
	first        atomic.Pointer[string]
	cancel       context.CancelFunc
	clients      errgroup.Group
}

// loadRequests and loadTime bound the load.
const (
	loadRequests = 1_000_000
	loadTime     = 10 * time.Minute
)

// StartLoad begins to ask for / of a host at an address.
func StartLoad(ctx context.Context, o LoadOptions) *Load {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	l := &Load{options: o, cancel: cancel, request: "GET / HTTP/1.1\r\nHost: " + o.Host + "\r\n\r\n"}
	if o.Method == http.MethodPost {
		l.request = "POST / HTTP/1.1\r\nHost: " + o.Host + "\r\nContent-Length: 4\r\n\r\nbody"
	}
	for range o.Clients {
		l.clients.Go(func() error { return l.client(ctx) })
	}
	return l
}

// Sent returns how many requests there were.
func (l *Load) Sent() int64 { return l.sent.Load() }

// Failed returns how many of them were lost.
func (l *Load) Failed() int64 { return l.failed.Load() }

// First says what became of the first that was lost; "" when none was.
func (l *Load) First() string {
	if first := l.first.Load(); first != nil {
		return *first
	}
	return ""
}

// Stop lets every client finish its request. The error is the clients' own.
func (l *Load) Stop() error {
	l.cancel()
	return l.clients.Wait()
}

func (l *Load) client(ctx context.Context) error {
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.options.Address)
		if err != nil {
			if ctx.Err() == nil {
				l.lose(fmt.Errorf("connect: %w", err))
				l.rest(ctx)
			}
			continue
		}
		l.converse(ctx, conn)
		if err := conn.Close(); err != nil {
			return err
		}
		if l.sent.Load() > loadRequests {
			return nil
		}
	}
	return nil
}

// converse sends requests over one connection until the gateway says that it
// will close it, or a request is lost.
func (l *Load) converse(ctx context.Context, conn net.Conn) {
	reader := bufio.NewReader(conn)
	for ctx.Err() == nil && l.sent.Load() <= loadRequests {
		more, err := l.exchange(conn, reader)
		l.sent.Add(1)
		if err != nil {
			l.lose(err)
			return
		}
		if !more {
			return
		}
		l.rest(ctx)
	}
}

// rest waits for as long as a client rests.
func (l *Load) rest(ctx context.Context) {
	if l.options.Pace == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(l.options.Pace):
	}
}

// exchange sends one request and reads its answer; more says whether the connection
// may be used again.
func (l *Load) exchange(conn net.Conn, reader *bufio.Reader) (more bool, err error) {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return false, err
	}
	if _, err := io.WriteString(conn, l.request); err != nil {
		return false, err
	}
	resp, err := http.ReadResponse(reader, nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return false, err
	}
	if resp.StatusCode != http.StatusOK {
		return false, errors.New(resp.Status)
	}
	return !resp.Close, nil
}

func (l *Load) lose(err error) {
	l.failed.Add(1)
	text := err.Error()
	l.first.CompareAndSwap(nil, &text)
}
