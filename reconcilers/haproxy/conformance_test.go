package haproxy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	needHAProxy(t)
	reconcilertest.Run(t, reconcilertest.Harness{New: newGateway, Events: 200, Certificates: true, Listeners: true, Streams: true})
}

// expressible gives a reconciler only what HAProxy can express, as the desired
// state that it gets from the controller does.
type expressible struct {
	*Reconciler
	slots []string // addresses for Listeners, by their ports
}

func (e expressible) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	fitting := v1.Set{}
	for name, service := range set {
		next := *service
		next.Routes = nil
		next.TLSUnverified = service.TLSServerName == "" // what no gateway but this one can verify
		six := slices.ContainsFunc(service.Endpoints, func(e v1.Endpoint) bool { return e.Address.Addr().Is6() })
		for _, route := range service.Routes {
			if _, why := compiled(route); why != "" && !route.Stream() {
				continue
			}
			route.PreserveHost = route.PreserveHost || six || !e.can().namesHost
			next.Routes = append(next.Routes, route)
		}
		fitting[name] = &next
	}
	shared.Listeners = slices.Clone(shared.Listeners)
	for i := range shared.Listeners {
		l := &shared.Listeners[i]
		l.Binds = slices.Clone(l.Binds)
		for j := range l.Binds {
			if b, err := bind.Parse(l.Binds[j].Address); err == nil {
				l.Binds[j].Address = e.slots[b.Port-1]
			}
		}
	}
	return e.Reconciler.Compile(scope, fitting, shared)
}

// gateway is one managed HAProxy for the conformance suite.
type gateway struct {
	*bench
	writes  atomic.Int64 // of the reconcilers before the one that is open
	breaks  bool
	after   int
	planted string
	slots   []string
}

func newGateway(tb testing.TB) *reconcilertest.Gateway {
	tb.Helper()
	g := &gateway{bench: managed(tb)}
	g.options.ReloadEvery = 1
	g.options.TLSBinds, g.options.TLSPassthrough = []string{freeAddress(tb)}, true
	theirs.Do(func() { theirCA = newAuthority(tb) })
	g.options.ClientCA = theirCA.file(filepath.Join(tb.TempDir(), "ca.pem"))
	g.options.BackendCAs = []string{g.options.ClientCA}
	g.r = nil
	for range reconcilertest.Slots {
		g.slots = append(g.slots, freeAddress(tb))
	}
	return &reconcilertest.Gateway{
		Open: g.reopen, World: g.world, Writes: g.counted,
		Plant: g.plant, Strangers: g.strangers, Break: g.breakAfter, Heal: g.heal,
	}
}

// theirCA is the authority of others in all worlds, which would differ otherwise.
var (
	theirs  sync.Once
	theirCA *authority
)

// reopen leaves HAProxy running for the next reconciler.
func (g *gateway) reopen() (reconcilers.Reconciler, error) {
	if g.r != nil {
		g.writes.Add(int64(g.made()))
	}
	options := g.options
	options.StopOnExit = false
	r, err := New(options)
	if err != nil {
		return nil, err
	}
	if err := r.askProgram(g.t.Context()); err != nil { // it may be compiled for before it is looked at
		return nil, err
	}
	r.fault = g.fault
	g.r = r
	return expressible{r, g.slots}, nil
}

func (g *gateway) fault(step string) error {
	if !g.breaks {
		return nil
	}
	if g.after > 0 {
		g.after--
		return nil
	}
	return fmt.Errorf("%s: broken by the test: %w", step, syscall.EIO)
}

func (g *gateway) breakAfter(after int) { g.breaks, g.after = true, after }
func (g *gateway) heal()                { g.breaks = false }

func (g *gateway) made() int {
	total := 0
	for _, line := range gather(g.t, g.r.metrics) {
		var n int
		if _, err := fmt.Sscanf(line[strings.LastIndexByte(line, '=')+1:], "%d", &n); err != nil {
			g.t.Fatal(err)
		}
		total += n
	}
	return total
}

func (g *gateway) counted() int { return int(g.writes.Load()) + g.made() }

// world is what the running process holds, and what the files say, without
// what serves nobody: retired backends, and the generation that counts them in.
func (g *gateway) world() string {
	var b strings.Builder
	r := g.r
	files, err := r.dir.ReadConfigs()
	if err != nil {
		g.t.Fatal(err)
	}
	routes, err := r.dir.Read(disk.Routes)
	if err != nil {
		g.t.Fatal(err)
	}
	if files[disk.Config] == nil {
		return "nothing\n"
	}
	m := config.Parse(r.o.Owner, files, routes)
	names := map[string]string{} // the services' names of the prepared backends that they have
	for have := range m.Backends() {
		if have.Spare != "" && have.Service != "" && !have.Retired {
			names[have.Spare] = have.Name()
		}
	}
	m.Renew(nil, true)
	b.WriteString(frontend.Open(m.Base(), m.Openings())) // without the generation, which the directory's name is part of
	for _, name := range m.Files() {
		if name != disk.Config && name != disk.Native {
			b.Write(m.Render(name))
		}
	}
	b.WriteString(renamed(r.o.Owner, names, string(routes)))
	patterns, err := r.dir.Read(disk.Patterns)
	if err != nil {
		g.t.Fatal(err)
	}
	b.WriteString(renamed(r.o.Owner, names, string(patterns)))
	b.WriteString(g.certificates())
	w, err := r.look(g.t.Context())
	if err != nil {
		fmt.Fprintf(&b, "HAProxy: %v\n", err)
		return g.neutral(b.String())
	}
	live := map[string]*config.Backend{}
	for name, servers := range w.servers {
		if own := names[name]; own != "" {
			name = own
		}
		have := m.Backend(name)
		if have == nil {
			have = &config.Backend{Service: config.ServiceOf(name), Settings: setting.Settings{Address: strings.HasSuffix(name, ":address")}}
		}
		next := *have
		next.Servers = overlay(have, servers)
		live[name] = &next
	}
	b.WriteString("live:\n")
	for _, name := range sortedKeys(live) {
		have := live[name]
		for _, s := range have.Servers {
			fmt.Fprintf(&b, "%s/%s %s weight %d drain %t maint %t\n", have.Name(), s.Name, s.Address, s.Weight, s.Drain, s.Maint)
		}
	}
	for _, file := range sortedKeys(w.certs) {
		fmt.Fprintf(&b, "%s %s %q\n", file, w.certs[file].Print, w.certs[file].Filters)
	}
	for _, key := range sortedKeys(w.routes) {
		fmt.Fprintf(&b, "%s %s\n", key, renamed(r.o.Owner, names, w.routes[key]))
	}
	for _, line := range w.patterns {
		b.WriteString(renamed(r.o.Owner, names, line) + "\n")
	}
	return g.neutral(b.String())
}

// certificates renders the files of certificates.
func (g *gateway) certificates() string {
	list, err := g.r.dir.Read(disk.Certificates)
	if err != nil {
		g.t.Fatal(err)
	}
	text := string(list)
	files, err := filepath.Glob(g.options.Dir + "/certs/*")
	if err != nil {
		g.t.Fatal(err)
	}
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			g.t.Fatal(err)
		}
		text += filepath.Base(file) + " " + digest.Of(string(pem)) + "\n"
	}
	return text
}

// ownDefault returns what tells our own default certificate from another's.
func (g *gateway) ownDefault() []string {
	certs, err := crt.Read(g.r.dir)
	if err != nil {
		g.t.Fatal(err)
	}
	if own := certs[crt.Default]; own != nil && own.Of == "" {
		return []string{own.Print, "OWN", digest.Of(string(own.Bytes())), "OWN"}
	}
	return nil
}

// renamed gives prepared backends the names of the services that have them.
func renamed(owner string, names map[string]string, text string) string {
	for spare, name := range names {
		text = strings.ReplaceAll(text, routemap.Backend(owner, spare)+"|", routemap.Backend(owner, name)+"|")
	}
	return text
}

// neutral takes out what differs between two gateways by their nature.
func (g *gateway) neutral(text string) string {
	pairs := g.ownDefault()
	for _, bind := range g.options.TLSBinds {
		pairs = append(pairs, bind, "TLSBIND")
	}
	for i, slot := range g.slots {
		pairs = append(pairs, slot, fmt.Sprintf("SLOT%d", i))
	}
	pairs = append(pairs, verifiedBy(g.r.base), "ASKING") // by files of the directory
	return strings.NewReplacer(append(pairs, g.options.Dir, "DIR", digest.Of(g.options.Dir), "DIGEST", g.options.Binds[0], "BIND")...).Replace(text)
}

// plant puts a file of the user's into the directory.
func (g *gateway) plant() error {
	g.planted = filepath.Join(g.options.Dir, "mine.cfg")
	if err := os.MkdirAll(g.options.Dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(g.planted, []byte("defaults my-defaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nbackend mine from my-defaults\n  server a 127.0.0.1:1 weight 7 # mine\n"), 0o600)
}

func (g *gateway) strangers() string {
	text, err := os.ReadFile(g.planted)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
