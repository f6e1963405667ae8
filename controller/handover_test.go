package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

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
