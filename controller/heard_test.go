package controller

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// moody is a gateway that says how it is configured: 0 not at all, 1 with a database, 2 without.
type moody struct {
	reconcilers.Reconciler
	mode *atomic.Int64
}

func (m moody) Configuration() reconcilers.Configuration {
	return reconcilers.Configuration{Known: m.mode.Load() > 0, Whole: m.mode.Load() == 2}
}

const (
	withDatabase = 1
	dbless       = 2
)

// chained lets Kong reach HAProxy at some ports, and be of a mode.
func chained(mode *atomic.Int64, ports uint16) func(*Options) {
	return func(o *Options) {
		o.Gateways[0].Reconciler = moody{Reconciler: o.Gateways[0].Reconciler, mode: mode}
		o.Chain = desired.Chain{Host: "edge", First: 29000, Last: 29000 + ports - 1}
	}
}

// via are the services that a gateway has at a port between the two, and the ports.
func via(m *reconcilertest.Memory) map[string]string {
	out := map[string]string{}
	for _, found := range regexp.MustCompile(`backend/(\S+) .*via=edge:(\d+)`).FindAllStringSubmatch(m.World(), -1) {
		out[found[1]] = found[2]
	}
	return out
}

// TestChainByDefault: services stand behind HAProxy when Kong says that it has no database, and
// not before HAProxy listens. A restart while Kong is down knows it still, and containers
// come and go without a write at Kong.
func TestChainByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Int64
		mode.Store(dbless)
		memory := ledger.New()
		s := begin(t, func(o *Options) {
			chained(&mode, 10)(o)
			o.Memory = memory
		})
		s.hap.Fail(func(c reconcilertest.Call) error {
			if c.Verb != "list" {
				return errors.New("it is full")
			}
			return nil
		})
		s.source.say(full("web1", "web2"))
		pass(time.Minute)
		if behind := via(s.kong); len(behind) > 0 || !strings.Contains(s.kong.World(), "10.0.0.1:80") {
			t.Errorf("HAProxy takes nothing, and Kong sends %v there:\n%s", behind, s.kong.World())
		}
		s.hap.Fail(nil)
		pass(time.Minute)
		want := map[string]string{"web1": "29000", "web2": "29001"}
		if diff := gocmp.Diff(want, via(s.kong)); diff != "" || strings.Contains(s.kong.World(), "server/") {
			t.Errorf("Kong (-want +got):\n%s%s", diff, s.kong.World())
		}
		before := s.kong.Writes()
		for i := range 20 {
			copies := containers("web1", "web2")
			copies[0].ID, copies[0].Name, copies[1].ID, copies[1].Name = fmt.Sprint("copy", i), "copy", "web2-0123456789", "web2"
			copies[0].Labels["lockstep.service"], copies[0].Labels["lockstep.hosts"] = "web1", "web1.test"
			s.source.say(snapshot.Delta{Changed: copies, Removed: []string{fmt.Sprint("copy", i-1)}})
			pass(time.Second)
		}
		if after := s.kong.Writes(); after != before {
			t.Errorf("%d writes at Kong though only containers changed", after-before)
		}

		var unknown atomic.Int64
		again := begin(t, func(o *Options) {
			chained(&unknown, 10)(o)
			o.Memory = memory.Clone()
		})
		again.kong.Fail(func(reconcilertest.Call) error { return errors.New("it is down") })
		again.source.say(full("web1", "web2"))
		if diff := gocmp.Diff(want, via(again.hap)); diff != "" {
			t.Errorf("HAProxy after a restart, with Kong down (-want +got):\n%s", diff)
		}
		again.kong.Fail(nil)
		pass(time.Minute)
		if diff := gocmp.Diff(want, via(again.kong)); diff != "" || strings.Contains(again.kong.World(), "server/") {
			t.Errorf("Kong after a restart (-want +got):\n%s%s", diff, again.kong.World())
		}
	})
}

// TestChainIsLeftAsItWasEntered: HAProxy listens for as long as Kong may send there, however long
// Kong does not take the change.
func TestChainIsLeftAsItWasEntered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Int64
		mode.Store(dbless)
		s := begin(t, chained(&mode, 10))
		s.source.say(full("web1"))
		pass(time.Second)
		if via(s.kong)["web1"] == "" {
			t.Fatalf("web1 is not behind HAProxy:\n%s", s.kong.World())
		}
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.Verb != "list" {
				return errors.New("it takes nothing")
			}
			return nil
		})
		alone := containers("web1")
		alone[0].Labels["lockstep.gateways"] = "kong"
		s.source.say(snapshot.Delta{Changed: alone})
		pass(time.Hour)
		if via(s.hap)["web1"] == "" || !strings.Contains(s.hap.World(), "10.0.0.1:80") {
			t.Errorf("Kong sends to HAProxy still, which does not listen any more:\n%s", s.hap.World())
		}
		s.kong.Fail(nil)
		pass(40 * time.Minute) // the guard looks at the removal as well
		if via(s.kong)["web1"] != "" || strings.Contains(s.hap.World(), "web1") {
			t.Errorf("web1 is Kong's alone:\n%s\nHAProxy:\n%s", s.kong.World(), s.hap.World())
		}
	})
}

// TestNewServiceIsToldOnce: Kong is told of a new service when HAProxy listens for it, and never
// of its instances; where HAProxy is slow, after a second, and where it is down, at once.
func TestNewServiceIsToldOnce(t *testing.T) {
	refuse := errors.New("it is full")
	for _, c := range []struct {
		name   string
		fails  string // the calls that HAProxy refuses
		within time.Duration
		direct bool
	}{
		{"HAProxy takes it", "", 0, false},
		{"HAProxy takes nothing", "create", time.Second, true},
		{"HAProxy is down", "list", 0, true},
		{"HAProxy is paused", "pause", 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var mode atomic.Int64
			mode.Store(dbless)
			s := begin(t, chained(&mode, 10))
			s.source.say(full("web1"))
			pass(time.Minute)
			if via(s.kong)["web1"] != "29000" {
				t.Fatalf("%s: web1 is not behind HAProxy:\n%s", c.name, s.kong.World())
			}
			if c.fails == "pause" {
				if _, err := s.Pause(t.Context(), PauseOrder{Gateways: []v1.Gateway{v1.HAProxy}}); err != nil {
					t.Fatal(err)
				}
			}
			s.hap.Fail(func(call reconcilertest.Call) error {
				if call.Verb == c.fails {
					return refuse
				}
				return nil
			})
			if c.fails == "list" { // it is known to be down from the next look on
				s.source.say(snapshot.Delta{Changed: containers("web1", "web2")[1:]})
			}
			before := len(s.kong.Calls())
			s.source.say(snapshot.Delta{Changed: containers("web1", "web2", "web3")[2:]})
			if c.within > 0 {
				if strings.Contains(s.kong.World(), "web3") {
					t.Errorf("%s: Kong has not waited:\n%s", c.name, s.kong.World())
				}
				pass(c.within)
			}
			direct := false
			for _, call := range s.kong.Calls()[before:] {
				direct = direct || call.Verb == "create" && strings.HasPrefix(call.ID, "server/web3")
			}
			if direct != c.direct || direct == (via(s.kong)["web3"] != "") {
				t.Errorf("%s: Kong sends to instances: %t, want %t:\n%s", c.name, direct, c.direct, s.kong.World())
			}
		})
	}
}

// inTurn is a gateway at which one at a time can look: who has taken its turn keeps others away.
type inTurn struct {
	reconcilers.Reconciler
	turn chan struct{}
}

func (i inTurn) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	select {
	case <-i.turn:
		defer func() { i.turn <- struct{}{} }()
	case <-ctx.Done():
	}
	return i.Reconciler.Observe(ctx, scope)
}

// TestChainIsEnteredAgainWhileItIsLeft: a service comes back to its port when HAProxy is just about
// to give it up. Kong sends there again when HAProxy has taken it up again, and not before.
func TestChainIsEnteredAgainWhileItIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Int64
		mode.Store(dbless)
		turn := make(chan struct{}, 1)
		turn <- struct{}{}
		s := begin(t, func(o *Options) {
			chained(&mode, 10)(o)
			o.Gateways[1].Reconciler = inTurn{o.Gateways[1].Reconciler, turn}
		})
		s.source.say(full("web1"))
		alone := containers("web1")
		alone[0].Labels["lockstep.gateways"] = "kong"
		s.source.say(snapshot.Delta{Changed: alone})
		pass(29 * time.Second)
		if port := via(s.hap)["web1"]; port != "29000" {
			t.Fatalf("HAProxy listens at %q for what Kong's workers may still send", port)
		}
		<-turn // HAProxy's worker begins to give the port up, and gets no further
		pass(10 * time.Second)
		s.source.say(snapshot.Delta{Changed: containers("web1")})
		if port := via(s.kong)["web1"]; port != "" {
			t.Errorf("Kong sends to %s, which HAProxy is about to give up", port)
		}
		turn <- struct{}{}
		pass(time.Second)
		if kong, haproxy := via(s.kong)["web1"], via(s.hap)["web1"]; kong != "29000" || haproxy != kong {
			t.Errorf("Kong sends to %q and HAProxy listens at %q", kong, haproxy)
		}
	})
}

// TestHints: what a database-less Kong is not spared is said once, and is no problem.
func TestHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			name string
			mode int64
			set  func(*Options)
			want string
		}{
			{"a database", withDatabase, func(*Options) {}, ""},
			{"no address", dbless, func(o *Options) { o.Chain = desired.Chain{} }, "--haproxy-via-address"},
			{"no address, and meant so", dbless, func(o *Options) {
				o.Chain, o.Ways = desired.Chain{}, []v1.Way{v1.KongAlone, v1.HAProxyAlone}
			}, ""},
			{"few ports", dbless, func(*Options) {}, "--haproxy-via-ports"},
		} {
			var mode atomic.Int64
			mode.Store(c.mode)
			var log bytes.Buffer
			s := begin(t, func(o *Options) {
				chained(&mode, 1)(o)
				o.Log = slog.New(slog.NewTextHandler(&log, nil))
				c.set(o)
			})
			s.source.say(full("web1", "web2"))
			pass(time.Hour)
			kong := s.status.Report().Gateways[0]
			hints := strings.Join(kong.Hints, "")
			if c.want == "" && hints != "" || !strings.Contains(hints, c.want) || len(kong.Problems) > 0 || kong.Reason != v1.Serving {
				t.Errorf("%s: %+v, want a hint with %q", c.name, kong, c.want)
			}
			if said := strings.Count(log.String(), "fewer changes"); said != len(kong.Hints) {
				t.Errorf("%s: said %d times:\n%s", c.name, said, log.String())
			}
		}
	})
}

// TestChainIsPlanned: who only looks asks Kong for its mode, and is shown what will be once
// every gateway has taken up all of it.
func TestChainIsPlanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Int64
		mode.Store(dbless)
		s := begin(t, func(o *Options) {
			chained(&mode, 10)(o)
			o.DryRun = true
		})
		asked := make(chan []Preview)
		go func() { // before anything is known
			previews, err := s.Previews(t.Context())
			if err != nil {
				t.Error(err)
			}
			asked <- previews
		}()
		s.source.say(full("web1"))
		for _, preview := range <-asked {
			planned := false
			for _, change := range preview.Plan.Changes {
				planned = planned || change.After != nil && change.After.Fields["via"] == "edge:29000"
			}
			if !planned {
				t.Errorf("%s: no change leads to HAProxy's port: %+v", preview.Gateway, preview)
			}
		}
	})
}

// TestChainIsNotEnteredWhereItServesLess: a service of which HAProxy can't have every instance stays
// with Kong; one that only lacks a route there moves.
func TestChainIsNotEnteredWhereItServesLess(t *testing.T) {
	for kind, moves := range map[v1.Kind]bool{v1.KindInstance: false, v1.KindService: false, v1.KindRoute: true} {
		synctest.Test(t, func(t *testing.T) {
			var mode atomic.Int64
			mode.Store(dbless)
			s := begin(t, func(o *Options) {
				chained(&mode, 10)(o)
				o.Gateways[1].Reconciler = lacking{o.Gateways[1].Reconciler, kind}
			})
			s.source.say(full("web1"))
			pass(time.Minute)
			if moved := via(s.kong)["web1"] != ""; moved != moves {
				t.Errorf("HAProxy has a problem with a %s, and the service moves: %t", kind, moved)
			}
		})
	}
}

// lacking is a gateway that can't express something of every service.
type lacking struct {
	reconcilers.Reconciler
	kind v1.Kind
}

func (l lacking) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state, problems := l.Reconciler.Compile(scope, set, shared)
	for name := range set {
		key := v1.Key{Kind: l.kind, Name: name}
		switch l.kind {
		case v1.KindRoute:
			key.Name = name + ".default"
		case v1.KindInstance:
			key.Name = set[name].Endpoints[0].ID
		}
		problems = append(problems, v1.Problem{Reason: v1.NotExpressible, Object: key, Message: "it can't"})
	}
	return state, problems
}

// deaf is a gateway that can't listen at the ports between the two while another process has them,
// and goes on with all the rest.
type deaf struct {
	reconcilers.Reconciler
	taken *atomic.Bool
}

func (d deaf) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if !d.taken.Load() {
		return d.Reconciler.Apply(ctx, p)
	}
	var refused []plan.Outcome
	rest := p
	rest.Changes = nil
	for _, change := range p.Changes {
		if change.After == nil || change.After.Fields["via"] == "" {
			rest.Changes = append(rest.Changes, change)
			continue
		}
		refused = append(refused, plan.Outcome{Change: change, Problem: &v1.Problem{
			Reason: v1.Starting, Object: change.After.Owner, Message: "waits until HAProxy listens for Kong at port 29000: taken by nginx",
		}})
	}
	outcomes, err := d.Reconciler.Apply(ctx, rest)
	return append(outcomes, refused...), err
}

// TestChainIsNotEnteredWhereAnotherListens: Kong goes on sending to the instances of a service
// whose port at HAProxy another process has, explain says why, and Kong moves by itself when
// the port is free.
func TestChainIsNotEnteredWhereAnotherListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mode atomic.Int64
		mode.Store(withDatabase)
		var taken atomic.Bool
		taken.Store(true)
		s := begin(t, func(o *Options) {
			chained(&mode, 10)(o)
			o.Gateways[1].Reconciler = deaf{o.Gateways[1].Reconciler, &taken}
		})
		s.source.say(full("web1"))
		mode.Store(dbless)
		pass(time.Hour)
		if port := via(s.kong)["web1"]; port != "" || !strings.Contains(s.kong.World(), "10.0.0.1:80") {
			t.Errorf("Kong sends to port %q, where another process listens:\n%s", port, s.kong.World())
		}
		explained, _ := s.status.Explain("web1")
		if text := fmt.Sprintf("%+v", explained); !strings.Contains(text, "taken by nginx") {
			t.Errorf("explain does not say why: %s", text)
		}
		taken.Store(false)
		pass(10 * time.Minute)
		if kong, haproxy := via(s.kong)["web1"], via(s.hap)["web1"]; kong != "29000" || haproxy != kong {
			t.Errorf("the port is free, Kong sends to %q and HAProxy listens at %q", kong, haproxy)
		}
	})
}

// TestChainWalkEndsWhereAFreshStartDoes lets a Kong change its mode, and both gateways fail, while
// containers come and go that find more or fewer ports. Kong never sends to where HAProxy
// does not listen, and what both end in a fresh start on the same ledger gives as well.
func TestChainWalkEndsWhereAFreshStartDoes(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { walkChain(t, rand.New(rand.NewPCG(seed, 5))) })
	}
}

func walkChain(t *testing.T, random *rand.Rand) {
	t.Helper()
	var mode atomic.Int64
	memory, world := ledger.New(), map[string]snapshot.Instance{}
	s := begin(t, func(o *Options) {
		chained(&mode, 5)(o)
		o.Memory = memory
	})
	s.source.say(full())
	behind := 0
	for range 150 {
		if random.IntN(8) == 0 {
			mode.Store([]int64{withDatabase, dbless, dbless}[random.IntN(3)])
		}
		pool := containers(names(9)...)
		one := pool[random.IntN(len(pool))]
		one.Labels["lockstep.grace"] = "10s"
		one.Labels["lockstep.balance"] = []string{"roundrobin", "roundrobin", "source"}[random.IntN(3)]
		delta := snapshot.Delta{Changed: []snapshot.Instance{one}}
		if world[one.ID] = one; random.IntN(4) == 0 {
			delta = snapshot.Delta{Removed: []string{one.ID}}
			delete(world, one.ID)
		}
		s.source.say(delta)
		gateway := []*reconcilertest.Memory{s.kong, s.hap}[random.IntN(2)]
		switch random.IntN(4) {
		case 0:
			gateway.Break(random.IntN(10))
		case 1:
			gateway.Fail(nil)
		}
		pass(time.Duration(random.IntN(20_000)) * time.Millisecond)
		listens := via(s.hap)
		for name, port := range via(s.kong) {
			if behind++; strings.Contains(s.hap.World(), "backend/"+name+" ") && listens[name] != port {
				t.Fatalf("Kong sends to %s for %s, and HAProxy listens at %v", port, name, listens)
			}
		}
	}
	if behind == 0 {
		t.Fatal("no service ever stood behind HAProxy")
	}
	s.kong.Fail(nil)
	s.hap.Fail(nil)
	pass(40 * time.Minute)

	again := begin(t, func(o *Options) {
		chained(&mode, 5)(o)
		o.Memory = memory.Clone()
	})
	whole := full()
	for _, instance := range world {
		whole.Changed = append(whole.Changed, instance)
	}
	again.source.say(whole)
	pass(time.Minute)
	if diff := gocmp.Diff(again.kong.World(), s.kong.World()); diff != "" {
		t.Errorf("kong (-fresh start +walk):\n%s", diff)
	}
	if diff := gocmp.Diff(again.hap.World(), s.hap.World()); diff != "" {
		t.Errorf("haproxy (-fresh start +walk):\n%s", diff)
	}
}
