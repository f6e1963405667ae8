package docker

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"

	gocmp "github.com/google/go-cmp/cmp"
)

// patience is how long a test waits for what must happen, also on a machine with much to do.
const patience = time.Minute

// quick are timings with which a test of failures takes no time. An answer that is
// slow because the machine is busy is no failure.
var quick = timing{
	silence: 150 * time.Millisecond, call: patience, list: patience,
	backoffMin: time.Millisecond, backoffMax: 20 * time.Millisecond,
	stopGrace: 30 * time.Millisecond, relocate: 20 * time.Millisecond,
}

// onHost is a daemon that runs in no container, on a host that resolves nothing.
var onHost = hostView{
	hostname:   func() (string, error) { return "host-1", nil },
	mountinfo:  func() ([]byte, error) { return nil, nil },
	cgroup:     func() ([]byte, error) { return nil, nil },
	interfaces: func() ([]net.Addr, error) { return nil, nil },
	lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	},
}

// watch is a running source and what a controller would know from its deltas.
// Every delta is held against the contract of Take.
type watch struct {
	t      testing.TB
	source *Source
	pokes  chan struct{}
	logs   *logBuffer

	known   map[string]snapshot.Instance
	attach  snapshot.Attachments
	full    int
	deltas  []snapshot.Delta
	took    []time.Duration // from each delta's event to its taking
	stopped chan error
	stop    context.CancelFunc
}

// begin runs a source until the test ends.
func begin(tb testing.TB, o Options) *watch {
	tb.Helper()
	if o.host.hostname == nil {
		o.host = onHost
	}
	w := &watch{
		t: tb, pokes: make(chan struct{}, 1), known: map[string]snapshot.Instance{},
		stopped: make(chan error, 1), logs: &logBuffer{},
	}
	o.Logger = slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := New(o)
	if err != nil {
		tb.Fatalf("New: %v", err)
	}
	w.source = s
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = cancel
	go func() {
		w.stopped <- s.Run(ctx, func() {
			select {
			case w.pokes <- struct{}{}:
			default:
			}
		})
	}()
	tb.Cleanup(func() {
		cancel()
		select {
		case err := <-w.stopped:
			if !errors.Is(err, context.Canceled) {
				tb.Errorf("Run = %v, want the context's cause", err)
			}
		case <-time.After(patience):
			tb.Error("Run did not end with its context")
		}
	})
	return w
}

// take applies what there is to take.
func (w *watch) take() snapshot.Delta {
	w.t.Helper()
	d := w.source.Take()
	if d.Empty() {
		return d
	}
	w.deltas = append(w.deltas, d)
	if !d.Seen.IsZero() {
		w.took = append(w.took, time.Since(d.Seen))
	}
	if (w.full == 0) != d.Full {
		w.t.Fatalf("delta %d: Full = %v; only the first one is", len(w.deltas), d.Full)
	}
	if d.Full {
		w.full++
		if len(d.Removed) > 0 || d.Attachments == nil {
			w.t.Fatalf("full delta: removed %v, attachments %v", d.Removed, d.Attachments)
		}
	}
	if !slices.IsSortedFunc(d.Changed, func(a, b snapshot.Instance) int { return cmp.Compare(a.ID, b.ID) }) || !slices.IsSorted(d.Removed) {
		w.t.Fatalf("delta is not sorted: %v", d)
	}
	for _, i := range d.Changed {
		if old, ok := w.known[i.ID]; ok && gocmp.Equal(old, i, instances) {
			w.t.Fatalf("delta says again what it said: %s", i.Name)
		}
		w.known[i.ID] = i
	}
	for _, id := range d.Removed {
		if _, ok := w.known[id]; !ok {
			w.t.Fatalf("delta removes %s, which is not there", short(id))
		}
		delete(w.known, id)
	}
	if d.Attachments != nil {
		w.attach = d.Attachments
	}
	return d
}

// until waits until ok holds of what is known, and looks at each poke only: a
// poke that is missing fails the test.
func (w *watch) until(what string, ok func() bool) { w.t.Helper(); w.wait(what, 0, ok) }

// eventually waits until ok holds of what no poke tells.
func (w *watch) eventually(what string, ok func() bool) {
	w.t.Helper()
	w.wait(what, time.Millisecond, ok)
}

func (w *watch) wait(what string, every time.Duration, ok func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	var tick <-chan time.Time
	if every > 0 {
		t := time.NewTicker(every)
		defer t.Stop()
		tick = t.C
	}
	for {
		w.take()
		if ok() {
			return
		}
		select {
		case <-w.pokes:
		case <-tick:
		case <-deadline:
			w.t.Fatalf("waited in vain until %s\nknown: %v\nlast delta: %+v\nstate: %+v\nlog:\n%s", what, w.names(), w.deltas[max(0, len(w.deltas)-1):], w.source.State(), w.logs)
		}
	}
}

// holds waits until an Engine's answer is kept back.
func (w *watch) holds(kept <-chan struct{}) {
	w.t.Helper()
	select {
	case <-kept:
	case <-time.After(patience):
		w.t.Fatalf("nothing was asked\nlog:\n%s", w.logs)
	}
}

func (w *watch) loaded() {
	w.t.Helper()
	w.until("loaded", func() bool { return w.full > 0 })
}

// sees waits until exactly these names are known.
func (w *watch) sees(names ...string) {
	w.t.Helper()
	slices.Sort(names)
	w.until("these are known: "+strings.Join(names, " "), func() bool {
		return w.full > 0 && slices.Equal(w.names(), names)
	})
}

func (w *watch) names() []string {
	names := []string{}
	for _, i := range w.known {
		names = append(names, i.Name)
	}
	slices.Sort(names)
	return names
}

// one returns the known instance of a name.
func (w *watch) one(name string) snapshot.Instance {
	for _, i := range w.known {
		if i.Name == name {
			return i
		}
	}
	return snapshot.Instance{}
}

var instances = gocmp.Options{
	cmpopts.EquateEmpty(),
	gocmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	gocmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
}

// logBuffer collects a log.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// enabled are the labels of a container that counts.
func enabled(more ...string) map[string]string {
	labels := map[string]string{"lockstep.enable": "true"}
	for i := 0; i+1 < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return labels
}

// fake returns an Engine that fails the test on a request that is not a read.
func fake(tb testing.TB) (*fakedocker.Engine, string) {
	tb.Helper()
	e := fakedocker.New(tb)
	host := e.Listen()
	tb.Cleanup(func() {
		if v := e.Violations(); len(v) > 0 {
			tb.Errorf("requests that a read-only watcher must not send: %v", v)
		}
	})
	return e, host
}

// allGateways are both gateways, Kong at a URL and HAProxy beside the daemon.
func allGateways(url string) map[v1.Gateway]Locator {
	return map[v1.Gateway]Locator{
		v1.Kong:    {URL: url, Flag: "--kong-network"},
		v1.HAProxy: {Local: true, Flag: "--haproxy-network"},
	}
}

// allowed are the requests that docs/docker-socket.md lists.
var allowed = []string{
	"HEAD /_ping", "GET /_ping", "GET /events", "GET /containers/json", "GET /containers/{id}/json", "GET /networks",
}

var (
	versionPart = regexp.MustCompile(`^/v1\.\d+/`)
	inspectPath = regexp.MustCompile(`^/containers/[^/]+/json$`)
)

// templates returns the requests by method and path template, sorted.
func (q *requests) templates() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []string
	for call := range q.all {
		method, path, _ := strings.Cut(call, " ")
		path = versionPart.ReplaceAllString(path, "/")
		if inspectPath.MatchString(path) {
			path = "/containers/{id}/json"
		}
		all = append(all, method+" "+path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
