package brokers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestRedis: a server that takes connections and answers nothing is passed over, for
// HAProxy asks it as a client does; and no question fails while servers drain and stop.
func TestRedis(t *testing.T) {
	s := open(t, "redis", 6379, map[string]string{"check": "redis", "check_fall": "2", "check_timeout": "500ms"})
	name := func(server string) {
		t.Helper()
		s.run(server)
		s.until(server, func() error {
			_, err := converse(t.Context(), s.direct(server), "SET name "+server)
			return err
		})
	}
	name("redis-1")
	name("redis-2")
	c := newTally()
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := chat(ctx, s.address, c); err != nil && ctx.Err() == nil {
					c.failure(err)
					pause(ctx, 10*time.Millisecond)
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); clients.Wait() })
	answers := func(server string) {
		t.Helper()
		s.until(server+" to answer", func() error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if time.Since(c.last[server]) > time.Second {
				return fmt.Errorf("only these do: %v; met %v", c.by, c.met)
			}
			return nil
		})
	}
	answers("redis-1")
	answers("redis-2")
	s.drain("redis-1")
	s.left(c, "redis-1")
	s.stop("redis-1")
	s.more(c, 500)
	if n := c.failures(); n > 0 {
		t.Errorf("%d questions failed: %v", n, c)
	}
	t.Logf("while one drained and stopped: %v", c)

	name("redis-3")
	answers("redis-3")
	if _, err := converse(t.Context(), s.direct("redis-2"), "CLIENT PAUSE 8000 ALL"); err != nil {
		t.Fatal(err)
	}
	s.until("HAProxy to find out", s.oneIsDown)
	s.left(c, "redis-2")
	pause(t.Context(), time.Second) // the last who asked it have given up by now
	stuck := c.failures()
	s.more(c, 1000)
	if err := s.oneIsDown(); err != nil {
		t.Fatal("the server came back too early: ", err)
	}
	answers("redis-2")
	if n := c.failures() - stuck; n > 0 {
		t.Errorf("%d questions failed once HAProxy knew: %v", n, c)
	}
	t.Logf("while one took connections and answered none: %v", c)
}

// chat asks a server for its name over one connection for a second.
func chat(ctx context.Context, address string, c *tally) error {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	lines := bufio.NewReader(conn)
	for until := time.Now().Add(time.Second); time.Now().Before(until) && ctx.Err() == nil; {
		server, err := say(conn, lines, "GET name")
		if err != nil {
			return err
		}
		c.success(server)
		pause(ctx, time.Millisecond)
	}
	return nil
}

// converse says one thing over a connection of its own.
func converse(ctx context.Context, address, command string) (string, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return say(conn, bufio.NewReader(conn), command)
}

// say sends a command as a line and returns the answer, within a second.
func say(conn net.Conn, lines *bufio.Reader, command string) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	answer, err := lines.ReadString('\n')
	switch {
	case err != nil:
		return "", err
	case answer[0] == '-':
		return "", fmt.Errorf("it says %s", strings.TrimSpace(answer))
	case answer[0] == '$':
		answer, err = lines.ReadString('\n')
	}
	return strings.TrimSpace(answer), err
}
