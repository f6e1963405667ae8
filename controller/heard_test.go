package controller

import (
	"bytes"
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
