package kong

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

const benchConnections = 32

// large is a set of n services with a route, an upstream and four targets each.
func large(n int) v1.Set {
	set := v1.Set{}
	for i := range n {
		s := service(fmt.Sprintf("s%d", i))
		for j := range 4 {
			s.Endpoints = append(s.Endpoints, v1.Endpoint{
				ID: fmt.Sprintf("%06d%d", i, j), Weight: 100,
				Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), byte(j)}), 80),
			})
		}
		set[s.Name] = s
	}
	return set
}

// BenchmarkThousandServices compares a first round over 1,000 services with
// the same writes bare, over as many connections. Each request takes as long as
// the waiting that was measured on a real Kong, or none at all.
func BenchmarkThousandServices(b *testing.B) {
	for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
		b.Run(fmt.Sprintf("latency=%s", latency), func(b *testing.B) {
			set := large(1000)
			var bare, first, unchanged, one time.Duration
			for b.Loop() {
				bare += stopwatch(b, latency, set, func(r *Reconciler, p plan.Plan) { bareWrites(b, r, p) })
				k := slow(b, latency)
				o := options(k.AdminURL)
				o.Concurrency = benchConnections
				r := open(b, o)
				began := time.Now()
				settled(b, r, set)
				first += time.Since(began)

				writes := k.Writes()
				began = time.Now()
				settled(b, r, set)
				unchanged += time.Since(began)
				if k.Writes() != writes {
					b.Fatalf("an unchanged round writes %d times", k.Writes()-writes)
				}
				began = time.Now()
				narrow(b, r, service("s7", 200))
				one += time.Since(began)
			}
			n := float64(b.N)
			b.ReportMetric(bare.Seconds()/n, "bare-s")
			b.ReportMetric(first.Seconds()/n, "first-s")
			b.ReportMetric(float64(first)/float64(bare), "first/bare")
			b.ReportMetric(unchanged.Seconds()/n, "unchanged-s")
			b.ReportMetric(float64(one.Milliseconds())/n, "one-service-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func slow(b *testing.B, latency time.Duration) *fakekong.Kong {
	b.Helper()
	k := start(b, fakekong.Options{})
	if latency > 0 {
		k.Hook(func(*http.Request) fakekong.Fault { return fakekong.Fault{Delay: latency} })
	}
	return k
}

// stopwatch measures the writes of a plan from nothing on a fresh gateway.
func stopwatch(b *testing.B, latency time.Duration, set v1.Set, write func(*Reconciler, plan.Plan)) time.Duration {
	b.Helper()
	r := open(b, options(slow(b, latency).AdminURL))
	desired, _ := r.Compile(reconcilers.Scope{}, set, v1.Shared{})
	p := plan.Diff(plan.State{}, desired)
	began := time.Now()
	write(r, p)
	return time.Since(began)
}

// bareWrites sends the bodies of a plan's creates, level by level, and does nothing else.
func bareWrites(b *testing.B, r *Reconciler, p plan.Plan) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: benchConnections, MaxConnsPerHost: benchConnections}}
	defer client.CloseIdleConnections()
	for from := 0; from < len(p.Changes); {
		to := from + slices.IndexFunc(p.Changes[from:], func(c plan.Change) bool { return !samePhase(p.Changes[from], c) })
		if to < from {
			to = len(p.Changes)
		}
		var group errgroup.Group
		group.SetLimit(benchConnections)
		for _, change := range p.Changes[from:to] {
			group.Go(func() error { return bareWrite(client, r, change) })
		}
		if err := group.Wait(); err != nil {
			b.Fatal(err)
		}
		from = to
	}
}

func bareWrite(client *http.Client, r *Reconciler, change plan.Change) error {
	rec, ok := change.After.Native.(*record)
	if !ok {
		return fmt.Errorf("%s has no record", change.Key)
	}
	body, err := json.Marshal(rec.payload(false))
	if err != nil {
		return err
	}
	response, err := client.Post(r.options.AdminURLs[0]+rec.path(r.rows), "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %s", change.Sentence(), response.Status)
	}
	return nil
}

// narrow takes a round over one service.
func narrow(tb testing.TB, r *Reconciler, s *v1.Service) {
	tb.Helper()
	scope := reconcilers.Scope{Services: []string{s.Name}}
	desired, _ := r.Compile(scope, setOf(s), v1.Shared{})
	observed, err := r.Observe(tb.Context(), scope)
	if err != nil {
		tb.Fatal(err)
	}
	outcomes, err := r.Apply(tb.Context(), plan.Diff(observed, desired))
	if err != nil {
		tb.Fatal(err)
	}
	if problem := first(outcomes); problem != nil {
		tb.Fatal(problem)
	}
}
