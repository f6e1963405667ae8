package brokers

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver "postgres"
)

// TestPostgres: queries go on while servers come, drain and stop; clients give a
// connection up after a second, as a pool with a longest life does. None fails but
// those that a server's sudden death cuts off.
func TestPostgres(t *testing.T) {
	s := open(t, "postgres", 5432, map[string]string{"check": "postgres"})
	s.run("pg-1")
	s.run("pg-2")
	c := newTally()
	s.until("a server", func() error { return ask(t.Context(), s.address, 1, newTally()) })

	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := ask(ctx, s.address, 1_000_000, c); err != nil && ctx.Err() == nil {
					c.failure(err)
					pause(ctx, 10*time.Millisecond)
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); clients.Wait() })
	server := func(name string) string {
		host, _, err := net.SplitHostPort(s.direct(name))
		if err != nil {
			t.Fatal(err)
		}
		return host
	}
	serves := func(name string) {
		t.Helper()
		address, since := server(name), time.Now() // another one may have had the address before
		s.until(name+" to answer", func() error {
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.last[address].Before(since) {
				return fmt.Errorf("only these do: %v", c.by)
			}
			return nil
		})
	}
	serves("pg-1")
	serves("pg-2")
	s.run("pg-3")
	serves("pg-3")
	first := server("pg-1")
	s.drain("pg-1")
	s.left(c, first)
	s.stop("pg-1")
	s.more(c, 500)
	s.stop("pg-2") // its stop signal drains it as well, and PostgreSQL waits for its clients
	s.more(c, 500)
	if n := c.failures(); n > 0 {
		t.Errorf("%d queries failed: %v", n, c)
	}
	t.Logf("while servers came, drained and stopped: %v", c)

	s.run("pg-4")
	serves("pg-4")
	s.kill("pg-3")
	s.more(c, 1000)
	if n := c.failures(); n > 8 {
		t.Errorf("%d queries of 4 clients failed when a server died: %v", n, c)
	}
	t.Logf("after one was killed: %v", c)
}

// ask asks up to n queries over connections of a second each, and stops at the
// first that fails.
func ask(ctx context.Context, address string, n int, c *tally) error {
	db, err := sql.Open("postgres", "postgres://postgres:secret@"+address+"/postgres?sslmode=disable&connect_timeout=5")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // its connection may be broken
	db.SetMaxOpenConns(1)
	db.SetConnMaxLifetime(time.Second)
	for range n {
		var sum int
		var server string
		row := db.QueryRowContext(ctx, "SELECT sum(n), host(inet_server_addr()) FROM generate_series(1, 1000) n")
		if err := row.Scan(&sum, &server); err != nil {
			return err
		}
		if sum != 500_500 {
			return fmt.Errorf("%s answers %d", server, sum)
		}
		c.success(server)
		pause(ctx, time.Millisecond)
	}
	return nil
}
