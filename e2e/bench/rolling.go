package main

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

	"github.com/lockstep/lockstep/e2e/harness"
)

const (
	rollingCopies  = 4
	rollingTurns   = 8
	rollingClients = 16
	// rollingRequests and rollingTime bound the load.
	rollingRequests = 200_000
	rollingTime     = 2 * time.Minute
)

// rolling replaces copies one after the other with docker stop, while clients
// ask without a pause, and counts what they lose. The sample exits at once on
// SIGTERM, as most programs do that know nothing of it.
func rolling(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		var names []string
		for i := range rollingCopies {
			name := fmt.Sprintf("web-%d", i)
			if err := w.Stage.Run(ctx, b.copyOf(w, "web", name, "web.test", "ON_TERM=exit")); err != nil {
				return err
			}
			names = append(names, name)
		}
		if err := eventually(ctx, w, "web.test", names...); err != nil {
			return err
		}
		load := startLoad(ctx, w.Proxies.HAProxy)
		for turn := range rollingTurns {
			name := fmt.Sprintf("web-%d", rollingCopies+turn)
			if err := b.replace(ctx, w, names[turn], name); err != nil {
				return errors.Join(err, load.stop())
			}
			names = append(names, name)
		}
		if err := load.stop(); err != nil {
			return err
		}
		what := fmt.Sprintf("requests lost, %d replacements by docker stop", rollingTurns)
		b.table.add(what, fmt.Sprintf("%d of %d", load.failed.Load(), load.sent.Load()), "0", "–", "0", load.failed.Load() == 0)
		if first := load.first.Load(); first != nil {
			b.table.add("  the first of them", *first, "", "", "", false)
		}
		return nil
	})
}

// replace starts a copy, waits until it answers, and stops another.
func (b *bench) replace(ctx context.Context, w *harness.World, old, name string) error {
	if err := w.Stage.Run(ctx, b.copyOf(w, "web", name, "web.test", "ON_TERM=exit")); err != nil {
		return err
	}
	addr, err := w.Stage.Address(ctx, name)
	if err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	if _, err := probeUntil(ready, "http://"+addr.String()+":8080/", "", name); err != nil {
		return err
	}
	return w.Stage.Stop(ctx, old, 10*time.Second)
}

// load is a number of clients that each send one GET after the other over a
// connection that they keep. They retry nothing: an answer that does not come,
// or is not 200, is a lost request.
type load struct {
	sent, failed atomic.Int64
	first        atomic.Pointer[string]
	cancel       context.CancelFunc
	clients      errgroup.Group
}

func startLoad(ctx context.Context, address string) *load {
	ctx, cancel := context.WithTimeout(ctx, rollingTime)
	l := &load{cancel: cancel}
	for range rollingClients {
		l.clients.Go(func() error { return l.client(ctx, address) })
	}
	return l
}

func (l *load) stop() error {
	l.cancel()
	return l.clients.Wait()
}

func (l *load) client(ctx context.Context, address string) error {
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			if ctx.Err() == nil {
				l.lose(fmt.Errorf("connect: %w", err))
			}
			continue
		}
		l.converse(ctx, conn)
		if err := conn.Close(); err != nil {
			return err
		}
		if l.sent.Load() > rollingRequests {
			return nil
		}
	}
	return nil
}

// converse sends requests over one connection until the gateway says that it
// will close it, or a request is lost.
func (l *load) converse(ctx context.Context, conn net.Conn) {
	reader := bufio.NewReader(conn)
	for ctx.Err() == nil && l.sent.Load() <= rollingRequests {
		more, err := exchange(conn, reader)
		l.sent.Add(1)
		if err != nil {
			l.lose(err)
			return
		}
		if !more {
			return
		}
	}
}

// exchange sends one GET and reads its answer; more says whether the connection
// may be used again.
func exchange(conn net.Conn, reader *bufio.Reader) (more bool, err error) {
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return false, err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n"); err != nil {
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

func (l *load) lose(err error) {
	l.failed.Add(1)
	text := err.Error()
	l.first.CompareAndSwap(nil, &text)
}
