package kong

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// service is a small one: a route on its own host, and instances at 10.0.0.N:80.
func service(name string, instances ...byte) *v1.Service {
	s := &v1.Service{
		Name: name, ConnectTimeout: time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		Origin: v1.Origin{Container: name + "-1"},
		Routes: []v1.Route{{
			Name: name + ".default", Hosts: []string{name + ".test"}, PreserveHost: true,
			Origin: v1.Origin{Container: name + "-1", Label: "lockstep.hosts"},
		}},
	}
	for _, n := range instances {
		s.Endpoints = append(s.Endpoints, v1.Endpoint{
			ID: fmt.Sprintf("%012x", n), Instance: fmt.Sprintf("%s-%d", name, n), Weight: 100,
			Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80), Origin: v1.Origin{Container: fmt.Sprintf("%s-%d", name, n)},
		})
	}
	return s
}

func setOf(services ...*v1.Service) v1.Set {
	set := v1.Set{}
	for _, s := range services {
		set[s.Name] = s
	}
	return set
}

// round takes one full round and returns what was planned and what became of it.
func round(ctx context.Context, r reconcilers.Reconciler, set v1.Set) (plan.Plan, []plan.Outcome, error) {
	observed, err := r.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err != nil {
		return plan.Plan{}, nil, err
	}
	desired, problems := r.Compile(reconcilers.Scope{}, set, v1.Shared{})
	if len(problems) > 0 {
		return plan.Plan{}, nil, problems[0]
	}
	p := plan.Diff(observed, desired)
	outcomes, err := r.Apply(ctx, p)
	return p, outcomes, err
}

// settled takes a round in which everything must work.
func settled(tb testing.TB, r reconcilers.Reconciler, set v1.Set) plan.Plan {
	tb.Helper()
	p, outcomes, err := round(tb.Context(), r, set)
	if err != nil {
		tb.Fatal(err)
	}
	if problem := first(outcomes); problem != nil {
		tb.Fatal(problem)
	}
	return p
}

func first(outcomes []plan.Outcome) *v1.Problem {
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			return outcome.Problem
		}
	}
	return nil
}

// faultCase is a way in which one request goes wrong.
type faultCase struct {
	fault fakekong.Fault
	// passing says that patience alone gets over it, within the same round.
	passing bool
}

func faults() map[string]faultCase {
	return map[string]faultCase{
		"hangs":       {fakekong.Fault{Hang: true}, true},
		"cut before":  {fakekong.Fault{Cut: fakekong.CutBefore}, true},
		"cut after":   {fakekong.Fault{Cut: fakekong.CutAfter}, true},
		"answers 500": {fakekong.Fault{Status: 500, Body: `{"message":"An unexpected error occurred"}`}, true},
		"answers 503": {fakekong.Fault{Status: 503, Body: `<html>`}, true},
		"answers 429": {fakekong.Fault{Status: 429, Header: http.Header{"Retry-After": {"0"}}, Body: `{"message":"API rate limit exceeded"}`}, true},
		"answers 409": {fakekong.Fault{Status: 409, Body: `{"code":5,"name":"unique constraint violation","message":"UNIQUE violation detected","fields":{"name":"x"}}`}, false},
		"answers 404": {fakekong.Fault{Status: 404, Body: `{"message":"Not found"}`}, false},
	}
}

// TestEachRequestGoesWrong lets every kind of request of a daemon's first round, with
// creates, updates and deletes, go wrong in every way. The round gets over it or
// says so, and after one more the world is the same as without any fault.
func TestEachRequestGoesWrong(t *testing.T) {
	from := setOf(service("stays", 1, 2, 6), service("goes", 3))
	to := setOf(service("stays", 2, 4, 6), service("comes", 5))
	to["stays"].Routes[0].Paths = []string{"/moved"}
	to["stays"].Endpoints[0].Weight = 50
	from["stays"].Plugins = []v1.Plugin{plugin("cors")}
	from["goes"].Routes[0].Plugins = []v1.Plugin{plugin("key-auth")}
	to["stays"].Routes[0].Plugins = []v1.Plugin{plugin("key-auth")}
	to["comes"].Routes[0].Plugins = []v1.Plugin{plugin("rate-limiting", "minute=5")}
	for mode, written := range map[fakekong.Mode][]string{
		fakekong.Database: {
			"POST upstreams/ID/targets", "POST upstreams", "POST services", "POST routes", "POST plugins", "PUT routes/ID", "PATCH upstreams/ID/targets/ID",
			"DELETE upstreams/ID/targets/ID", "DELETE upstreams/ID", "DELETE services/ID", "DELETE routes/ID", "DELETE plugins/ID",
		},
		fakekong.DBLess: {"POST config"},
	} {
		t.Run(string(mode), func(t *testing.T) {
			clean := start(t, fakekong.Options{Mode: mode})
			settled(t, open(t, options(clean.AdminURL)), from)
			clean.Forget()
			settled(t, open(t, options(clean.AdminURL)), to)
			points, want := faultPoints(clean.Requests()), clean.World()
			finish(t, clean)
			mustHold(t, points, append(written, "GET list", "GET schemas", "GET ")...)
			for name, f := range faults() {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					for _, at := range points {
						oneFault(t, mode, f, at, from, to, want)
					}
				})
			}
		})
	}
}

// ending is a transport on which the client's patience with a request is at an end when
// the test says so, and not by a clock: a busy machine may need as long for any answer.
type ending struct {
	*http.Transport
	mu       sync.Mutex
	underWay []context.CancelCauseFunc
}

const tryHeader = "X-Lockstep-Try"

// RoundTrip implements http.RoundTripper.
func (e *ending) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, end := context.WithCancelCause(req.Context())
	req = req.Clone(ctx)
	e.mu.Lock()
	req.Header.Set(tryHeader, strconv.Itoa(len(e.underWay)))
	e.underWay = append(e.underWay, end)
	e.mu.Unlock()
	return e.Transport.RoundTrip(req)
}

// patience ends that with a request that has reached Kong.
func (e *ending) patience(req *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n, err := strconv.Atoi(req.Header.Get(tryHeader)); err == nil && n < len(e.underWay) {
		e.underWay[n](context.DeadlineExceeded)
	}
}

func oneFault(t *testing.T, mode fakekong.Mode, f faultCase, at faultPoint, from, to v1.Set, want string) {
	t.Helper()
	k := start(t, fakekong.Options{Mode: mode})
	defer finish(t, k)
	o := options(k.AdminURL)
	settled(t, open(t, o), from)
	end := &ending{Transport: &http.Transport{}}
	o.Transport = end
	r := open(t, o)
	wrong := &struck{at: at, fault: f.fault, end: end}
	k.Hook(wrong.hook)
	p, outcomes, err := round(t.Context(), r, to)
	wrong.mustHit(t)
	problem := first(outcomes)
	if f.passing && (err != nil || problem != nil) {
		t.Errorf("%s: the round does not get over it: %v, %v", at, err, problem)
	}
	if err == nil && len(outcomes) != len(p.Changes) {
		t.Errorf("%s: %d outcomes for %d changes", at, len(outcomes), len(p.Changes))
	}
	k.Hook(nil)
	settled(t, r, to)
	if diff := cmp.Diff(want, k.World()); diff != "" {
		t.Errorf("%s: another world (-without fault +with it):\n%s", at, diff)
	}
	writes := k.Writes()
	if settled(t, r, to); k.Writes() != writes {
		t.Errorf("%s: a further round writes", at)
	}
}
