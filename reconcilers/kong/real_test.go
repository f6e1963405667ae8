package kong

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// TestRealKong measures the reconciler on the Kong at KONG_ADMIN_URL. Each
// gateway of the suite is an owner of its own there, with a name that nobody
// else has; at the end nothing of it is left.
func TestRealKong(t *testing.T) {
	url := os.Getenv("KONG_ADMIN_URL")
	if url == "" {
		t.Skip("no real Kong: set KONG_ADMIN_URL to the Admin API of one with a database")
	}
	onShared(t, url, 200)
}

// TestSharedKong holds the harness for a real Kong to the same on a stand-in,
// and that it leaves nothing behind.
func TestSharedKong(t *testing.T) {
	k := start(t, fakekong.Options{})
	s := &stranger{url: k.AdminURL}
	if err := s.plant(); err != nil {
		t.Fatal(err)
	}
	before := k.World()
	t.Run("suite", func(t *testing.T) { onShared(t, k.AdminURL, 40) })
	if after := k.World(); after != before {
		t.Errorf("something is left:\n%s", after)
	}
}

// TestRealKongVerified: what is verified is served by every worker of the Kong at
// KONG_ADMIN_URL, whose proxy is at KONG_PROXY_URL.
func TestRealKongVerified(t *testing.T) {
	admin, proxy := os.Getenv("KONG_ADMIN_URL"), os.Getenv("KONG_PROXY_URL")
	if admin == "" || proxy == "" {
		t.Skip("no real Kong: set KONG_ADMIN_URL and KONG_PROXY_URL")
	}
	sharedVerified(t, admin, proxy)
}

// TestSharedKongVerified holds that to the same on a stand-in.
func TestSharedKongVerified(t *testing.T) {
	k := start(t, fakekong.Options{RouteDelay: 100 * time.Millisecond, PluginDelay: 150 * time.Millisecond})
	before := k.World()
	t.Run("owner", func(t *testing.T) { sharedVerified(t, k.AdminURL, k.ProxyURL) })
	if after := k.World(); after != before {
		t.Errorf("something is left:\n%s", after)
	}
}

func sharedVerified(t *testing.T, admin, proxy string) {
	t.Helper()
	o := options(admin)
	o.ProxyURLs = []string{proxy}
	o.Owner = "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:16]
	r := open(t, o)
	if err := r.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.facts.dbless() {
		t.Skip("the Kong at KONG_ADMIN_URL has no database: several owners can't share it")
	}
	t.Cleanup(func() { clean(t, o) })
	w := verifying(t, r)
	for _, status := range []int{418, 419} {
		s := closed(o.Owner, strconv.Itoa(status))
		w.serves(mustRound(t, r, setOf(s)))
		for range 40 {
			if got := answers(t, proxy, s.Routes[0].Hosts[0]); got != status {
				t.Fatalf("verified with %d, it answers %d", status, got)
			}
		}
	}
}

func onShared(t *testing.T, url string, events int) {
	t.Helper()
	o := options(url)
	r := open(t, o)
	if err := r.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.facts.dbless() {
		t.Skip("the Kong at KONG_ADMIN_URL has no database: several owners can't share it")
	}
	reconcilertest.Run(t, reconcilertest.Harness{
		New: func(tb testing.TB) *reconcilertest.Gateway {
			tb.Helper()
			return sharedGateway(tb, o)
		},
		Seeds: []uint64{1}, Events: events,
	})
}

// sharedGateway is the part of a Kong that one owner has.
func sharedGateway(tb testing.TB, o Options) *reconcilertest.Gateway {
	tb.Helper()
	o.Owner = "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:16]
	count := &counted{inner: &http.Transport{MaxIdleConnsPerHost: 8, MaxConnsPerHost: 8}}
	o.Transport = count
	tb.Cleanup(count.inner.CloseIdleConnections)
	tb.Cleanup(func() { clean(tb, o) })
	return &reconcilertest.Gateway{
		Open:   func() (reconcilers.Reconciler, error) { return New(o) },
		Writes: func() int { return int(count.writes.Load()) },
		World: func() string {
			text, err := sharedWorld(o)
			if err != nil {
				tb.Errorf("read the world: %v", err)
			}
			return text
		},
	}
}

// clean removes what the owner has, its mark last.
func clean(tb testing.TB, o Options) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := New(o)
	if err != nil {
		tb.Error(err)
		return
	}
	observed, err := r.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err != nil {
		tb.Errorf("clean up: %v", err)
		return
	}
	outcomes, err := r.Apply(ctx, plan.Diff(observed, plan.State{}))
	if problem := first(outcomes); err != nil || problem != nil {
		tb.Errorf("clean up: %v, %v", err, problem)
	}
}

// sharedWorld renders what an owner has, without ids and the owner's name.
func sharedWorld(o Options) (string, error) {
	r, err := New(o)
	if err != nil {
		return "", err
	}
	state, err := r.Observe(context.Background(), reconcilers.Scope{Fresh: true})
	if err != nil {
		return "", err
	}
	var lines []string
	for key, object := range state {
		rec, ok := object.Native.(*entity.Record)
		if !ok {
			return "", fmt.Errorf("%s has no record", key)
		}
		body := map[string]any{}
		for name, value := range rec.Body {
			if _, ref := rec.Row.Refs[name]; !ref && name != "id" {
				body[name] = jsonvalue.Normal(value)
			}
		}
		text, err := json.Marshal([]any{rec.ParentKeys, body})
		if err != nil {
			return "", err
		}
		lines = append(lines, fmt.Sprintf("%s %s %s\n", rec.Row.Kind, rec.Key, strings.ReplaceAll(string(text), o.Owner, "OWNER")))
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), nil
}

// counted counts the writing requests that pass.
type counted struct {
	inner  *http.Transport
	writes atomic.Int64
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	if fakekong.Writing(r) {
		c.writes.Add(1)
	}
	return c.inner.RoundTrip(r)
}
