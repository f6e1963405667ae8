package haproxy

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestSessionsAreCounted: in the process that takes requests and in those that were
// replaced, until they end.
func TestSessionsAreCounted(t *testing.T) {
	b := managed(t)
	web := b.serve("web", socketOrigin(t, "w1"))
	b.sync()
	address := strings.TrimPrefix(b.url, "http://")
	expect := func(what string, want map[string]int) {
		t.Helper()
		b.eventually(what, func() error {
			got, err := b.r.Sessions(context.Background(), "web")
			if err == nil && !maps.Equal(got, want) {
				err = fmt.Errorf("counted %v, want %v", got, want)
			}
			return err
		})
	}
	expect("no session", map[string]int{})
	first := dialTalk(t, address, "web.test")
	expect("one session", map[string]int{"w1": 1})

	drained := *web
	drained.Endpoints = []v1.Endpoint{web.Endpoints[0], socketOrigin(t, "w2")}
	drained.Endpoints[0].Draining = true
	drained.Retries = new(2) // takes a reload
	b.set["web"] = &drained
	b.sync("web")
	if old, err := b.r.oldWorkers(context.Background()); err != nil || len(old) != 1 {
		t.Fatalf("old workers: %v, %v; want one", old, err)
	}
	second := dialTalk(t, address, "web.test")
	expect("one in each process", map[string]int{"w1": 1, "w2": 1})

	first.conn.Close()
	expect("the old one ended", map[string]int{"w2": 1})
	second.conn.Close()
	expect("both ended", map[string]int{})
	if got, err := b.r.Sessions(context.Background(), "nobody"); err != nil || len(got) != 0 {
		t.Errorf("of a service that is not there: %v, %v", got, err)
	}
}
