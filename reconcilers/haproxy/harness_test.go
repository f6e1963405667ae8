package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pause"
	"github.com/lockstep/lockstep/internal/port"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/compile"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// needHAProxy skips a test where there is no HAProxy to test with.
func needHAProxy(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("haproxy"); err != nil {
		tb.Skip("haproxy is not installed (Debian: apt-get install haproxy)")
	}
}

// freeAddress returns a loopback address whose port nobody has, nor gets until the
// test has ended.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	lease, err := port.Take()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := lease.Release(); err != nil {
			tb.Error(err)
		}
	})
	return lease.Address
}

// shortDir is t.TempDir with a path that a unix socket can take.
func shortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "ls-ha-") //nolint:usetesting // t.TempDir's paths are too long for sockets
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return dir
}

// bench is a managed HAProxy in a directory of its own.
type bench struct {
	t       testing.TB
	options Options
	url     string
	r       *Reconciler
	set     v1.Set
	shared  v1.Shared
	// troubled lets problems be; those of the last comparison stand in problems.
	troubled bool
	problems []v1.Problem
}

// managed returns a bench whose HAProxy is not running yet.
func managed(tb testing.TB) *bench {
	tb.Helper()
	needHAProxy(tb)
	b := &bench{t: tb, set: v1.Set{}}
	address := freeAddress(tb)
	b.url = "http://" + address
	b.options = Options{
		Owner: "lockstep", Writer: "test", Binds: []string{address}, Dir: filepath.Join(shortDir(tb), "ha"),
		StopOnExit: true, Log: slog.New(slog.DiscardHandler),
	}
	b.open()
	tb.Cleanup(b.stop)
	return b
}

// stop ends HAProxy and the daemon, once.
func (b *bench) stop() {
	b.t.Helper()
	r := b.r
	b.r = nil
	if r == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := errors.Join(r.process.Stop(ctx), r.dir.Release()); err != nil {
		b.t.Error(err)
	}
}

// open makes a new Reconciler, as a restarted daemon would.
func (b *bench) open() {
	b.t.Helper()
	r, err := New(b.options)
	if err != nil {
		b.t.Fatal(err)
	}
	b.r = r
}

// restart ends the daemon, not HAProxy, and begins a new one.
func (b *bench) restart() {
	b.t.Helper()
	if err := b.r.dir.Release(); err != nil {
		b.t.Fatal(err)
	}
	b.open()
}

// plan compares HAProxy with the set; it must be there.
func (b *bench) plan(scope reconcilers.Scope) plan.Plan {
	b.t.Helper()
	p, err := b.compare(scope)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// compare is plan for a HAProxy that may just be dying.
func (b *bench) compare(scope reconcilers.Scope) (plan.Plan, error) {
	b.t.Helper()
	set := b.set
	if !scope.All() {
		set = v1.Set{}
		for _, name := range scope.Services {
			if s, ok := b.set[name]; ok {
				set[name] = s
			}
		}
	}
	observed, err := b.r.Observe(b.t.Context(), scope)
	if err != nil {
		return plan.Plan{}, err
	}
	wanted, problems := b.r.Compile(scope, set, b.shared)
	if len(problems) > 0 && !b.troubled {
		b.t.Fatalf("problems: %v", problems)
	}
	b.problems = problems
	return plan.Diff(observed, wanted), nil
}

// try does one round and returns what failed.
func (b *bench) try(scope reconcilers.Scope) (failed []v1.Problem, err error) {
	b.t.Helper()
	p, err := b.compare(scope)
	if err != nil {
		return nil, err
	}
	outcomes, err := b.r.Apply(b.t.Context(), p)
	if len(outcomes) != len(p.Changes) {
		b.t.Fatalf("%d outcomes for %d changes", len(outcomes), len(p.Changes))
	}
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			failed = append(failed, *outcome.Problem)
		}
	}
	return failed, err
}

// sync does rounds until nothing is left to do.
func (b *bench) sync(services ...string) {
	b.t.Helper()
	scope := reconcilers.Scope{Services: services}
	b.eventually("the plan to be done", func() error {
		failed, err := b.try(scope)
		if err != nil {
			return err
		}
		if len(failed) == 0 {
			return nil
		}
		if reason := failed[0].Reason; reason == v1.GatewayRejected || reason == v1.Conflict {
			b.t.Fatal(failed[0])
		}
		return failed[0]
	})
	if p := b.plan(scope); !p.Empty() {
		b.t.Fatalf("after a round without failures: %s", sentences(p))
	}
}

// settled waits until servers that were removed are gone for good.
func (b *bench) settled() {
	b.t.Helper()
	b.eventually("removed servers to be gone", func() error {
		if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
			return err
		}
		if n := len(b.r.leaving); n > 0 {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	})
}

func diff(observed, wanted plan.State) plan.Plan { return plan.Diff(observed, wanted) }

func sentences(p plan.Plan) string {
	var lines []string
	for _, change := range p.Changes {
		lines = append(lines, change.Sentence())
	}
	return strings.Join(lines, "\n")
}

// eventually waits for a condition.
func (b *bench) eventually(what string, condition func() error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	told := ""
	for {
		err := condition()
		if err == nil {
			return
		}
		if err.Error() != told {
			told = err.Error()
			b.t.Logf("waiting for %s: %v", what, err)
		}
		if pause.For(ctx, 5*time.Millisecond) != nil {
			b.t.Fatalf("waited for %s: %v", what, err)
		}
	}
}

// serve puts a service into the set: a host of its own, and endpoints.
func (b *bench) serve(name string, endpoints ...v1.Endpoint) *v1.Service {
	s := &v1.Service{
		Name: name, ConnectTimeout: time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		Routes:    []v1.Route{{Name: name + ".default", Hosts: []string{name + ".test"}, PreserveHost: true}},
		Endpoints: endpoints,
	}
	b.set[name] = s
	return s
}

// get asks HAProxy and returns status and body.
func (b *bench) get(host, path string) (int, string) {
	b.t.Helper()
	status, body, err := b.fetch(host, path)
	if err != nil {
		b.t.Fatal(err)
	}
	return status, body
}

func (b *bench) fetch(host, path string) (int, string, error) {
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+path, nil)
	if err != nil {
		return 0, "", err
	}
	request.Host, request.Close = host, true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// want asks HAProxy until it answers as it should.
func (b *bench) want(host, path string, status int, body string) {
	b.t.Helper()
	gotStatus, gotBody := b.get(host, path)
	if gotStatus != status || !strings.Contains(gotBody, body) {
		b.t.Fatalf("%s%s: got %d %q, want %d %q", host, path, gotStatus, gotBody, status, body)
	}
}

// origin is a server that answers with its name, the path and the host.
func origin(tb testing.TB, name string) v1.Endpoint {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s path=%s host=%s proto=%s for=%s\n", name, r.URL.RequestURI(), r.Host, r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-For"))
	}))
	tb.Cleanup(s.Close)
	return endpoint(tb, name, s.Listener.Addr().String())
}

func endpoint(tb testing.TB, id, address string) v1.Endpoint {
	tb.Helper()
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		tb.Fatal(err)
	}
	return v1.Endpoint{ID: id, Instance: id, Address: parsed, Weight: 100}
}

// counts returns how often something was done that changes HAProxy.
func (b *bench) counts() string {
	b.t.Helper()
	return strings.Join(gather(b.t, b.r.metrics), " ")
}

// stateOf returns the kernel's letter for what a process does; "" when there is none.
func stateOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	words := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	return words[0]
}

// alive reports whether a process is there and has not ended.
func alive(pid int) bool {
	state := stateOf(pid)
	return state != "" && state != "Z" && state != "X"
}

// compiled returns what becomes of a route of a service of its own, where HAProxy can do all that it can, or says why
// nothing does.
func compiled(d v1.Route) (r *routemap.Route, why string) {
	in, state := compile.Input{Owner: "lockstep", NamesHost: true, EndsTLS: true, VerifiesClients: true}, plan.State{}
	for _, problem := range in.Services(state, v1.Set{"a": {Name: "a", Routes: []v1.Route{d}}}) {
		return nil, problem.Message
	}
	r, _ = state[v1.Key{Kind: object.KindRoute, Name: d.Name}].Native.(*routemap.Route)
	return r, ""
}
