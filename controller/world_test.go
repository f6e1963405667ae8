package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

// abrupt is a source that loads in the instant between the controller's two
// questions, whatever their order.
type abrupt struct {
	*played
	asked bool
}

func (a *abrupt) between(answer func()) {
	answer()
	if !a.asked {
		a.asked = true
		a.mu.Lock()
		a.pending, a.loaded = full("web1"), true
		a.mu.Unlock()
	}
}

func (a *abrupt) Take() (delta snapshot.Delta) {
	a.between(func() { delta = a.played.Take() })
	return delta
}

func (a *abrupt) State() (state source.State) {
	a.between(func() { state = a.played.State() })
	return state
}

// TestSourceThatLoadsBetweenTwoQuestions: nothing is concluded from what a
// source has not yet said. The gateway serves a container from before a restart.
func TestSourceThatLoadsBetweenTwoQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, before := reconcilertest.NewMemory(), ledger.New()
		serve(t, memory, before)
		var removed []reconcilertest.Call
		memory.Fail(func(c reconcilertest.Call) error {
			if c.Verb == "delete" {
				removed = append(removed, c)
			}
			return nil
		})
		s := begin(t, func(o *Options) {
			o.Memory = before
			o.Gateways = []Gateway{{Name: v1.Kong, Reconciler: memory.Open("lockstep")}}
			o.Sources = []source.Source{&abrupt{played: &played{}}}
		})
		s.Poke()
		synctest.Wait()
		if len(removed) > 0 || !strings.Contains(memory.World(), "server/web1") {
			t.Errorf("a source that had not told yet was taken for an empty one: %v\n%s", removed, memory.World())
		}
	})
}

// serve runs a controller for a while, so that the gateway serves web1.
func serve(t *testing.T, memory *reconcilertest.Memory, before *ledger.Ledger) {
	t.Helper()
	s := begin(t, func(o *Options) {
		o.Memory = before
		o.Gateways = []Gateway{{Name: v1.Kong, Reconciler: memory.Open("lockstep")}}
	})
	s.source.say(full("web1"))
	if !strings.Contains(memory.World(), "server/web1") {
		t.Fatalf("web1 is not served:\n%s", memory.World())
	}
}

// counting is a reconciler that counts the rounds over everything.
type counting struct {
	reconcilers.Reconciler
	whole *atomic.Int64
}

func (c counting) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	if scope.All() {
		c.whole.Add(1)
	}
	return c.Reconciler.Observe(ctx, scope)
}

// TestOneFailingObjectKeepsTheFastPath: while one object fails and is tried
// again, the events of others stay cheap rounds over what they touch.
func TestOneFailingObjectKeepsTheFastPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var whole atomic.Int64
		s := begin(t, func(o *Options) {
			o.Gateways[0].Reconciler = counting{Reconciler: o.Gateways[0].Reconciler, whole: &whole}
		})
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.Verb != "list" && strings.HasPrefix(c.ID, "server/web00/") {
				return errors.New("503: the database is busy")
			}
			return nil
		})
		s.source.say(full(names(2)...))
		pass(time.Minute)
		began := whole.Load()
		for i := range 600 { // a minute of ten events a second
			pass(100 * time.Millisecond)
			changed := containers(names(2)...)[1:]
			changed[0].Labels["lockstep.weight"] = fmt.Sprint(1 + i%2)
			s.source.say(snapshot.Delta{Changed: changed})
		}
		if n := whole.Load() - began; n < 6 || n > 12 {
			t.Errorf("%d rounds over everything in a minute, want one for each backoff of up to 10 s", n)
		}
		s.kong.Fail(nil)
		pass(11 * time.Second)
		if !strings.Contains(s.kong.World(), "server/web00/") {
			t.Errorf("what had failed is still missing:\n%s", s.kong.World())
		}
	})
}

// TestWalkEndsWhereAFreshStartDoes plays random bursts of two sources to two
// gateways that fail in the middle of them. At rest both hold what a fresh
// start on the same containers and ledger gives.
func TestWalkEndsWhereAFreshStartDoes(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { walk(t, rand.New(rand.NewPCG(seed, 3))) })
		})
	}
}

func walk(t *testing.T, random *rand.Rand) {
	t.Helper()
	other, memory := &played{}, ledger.New()
	s := begin(t, func(o *Options) { o.Sources, o.Memory = append(o.Sources, other), memory })
	sources := []*played{s.source, other}
	worlds := []map[string]snapshot.Instance{{}, {}}
	for _, source := range sources {
		source.say(full())
	}
	for range 150 {
		which := random.IntN(2)
		sources[which].say(burst(random, which, worlds[which]))
		gateway := []*reconcilertest.Memory{s.kong, s.hap}[random.IntN(2)]
		switch random.IntN(4) {
		case 0:
			gateway.Break(random.IntN(20))
		case 1:
			gateway.Fail(nil)
		}
		pass(time.Duration(random.IntN(5000)) * time.Millisecond)
	}
	s.kong.Fail(nil)
	s.hap.Fail(nil)
	pass(40 * time.Minute) // grace times, flapping, and what the guard holds

	again := begin(t, func(o *Options) { o.Memory = memory.Clone() })
	whole := full()
	for _, world := range worlds {
		whole.Changed = append(whole.Changed, slices.Collect(maps.Values(world))...)
	}
	slices.SortFunc(whole.Changed, func(a, b snapshot.Instance) int { return strings.Compare(a.ID, b.ID) })
	again.source.say(whole)
	if diff := gocmp.Diff(again.kong.World(), s.kong.World()); diff != "" {
		t.Errorf("kong (-fresh start +walk):\n%s", diff)
	}
	if diff := gocmp.Diff(again.hap.World(), s.hap.World()); diff != "" {
		t.Errorf("haproxy (-fresh start +walk):\n%s", diff)
	}
	if ready, why := s.status.Ready(); !ready {
		t.Errorf("not ready at rest: %s", why)
	}
}

// burst changes up to 100 containers of one source, whose world it keeps.
func burst(random *rand.Rand, source int, world map[string]snapshot.Instance) snapshot.Delta {
	var delta snapshot.Delta
	pool := containers(names(100)...)
	random.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	for _, instance := range pool[:1+random.IntN(100)] {
		instance.ID = fmt.Sprintf("%x%s", source, instance.ID)
		instance.Labels["lockstep.service"] = instance.Name // copies of both sources
		instance.Labels["lockstep.paths"] = fmt.Sprintf("/%d", random.IntN(2))
		instance.Labels["lockstep.hosts"] = fmt.Sprintf("host%d.test", random.IntN(40))
		instance.Paused = random.IntN(3) == 0
		if _, runs := world[instance.ID]; runs && random.IntN(2) == 0 {
			delete(world, instance.ID)
			delta.Removed = append(delta.Removed, instance.ID)
			continue
		}
		world[instance.ID] = instance
		delta.Changed = append(delta.Changed, instance)
	}
	slices.SortFunc(delta.Changed, func(a, b snapshot.Instance) int { return strings.Compare(a.ID, b.ID) })
	slices.Sort(delta.Removed)
	return delta
}

// taken is a reconciler whose gateway another writer has taken from some moment
// on: nothing is tried, and each change says why.
type taken struct {
	reconcilers.Reconciler
	by *atomic.Pointer[v1.Problem]
}

func (r taken) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	by := r.by.Load()
	if by == nil {
		return r.Reconciler.Apply(ctx, p)
	}
	var outcomes []plan.Outcome
	for _, change := range p.Changes {
		outcomes = append(outcomes, plan.Outcome{Change: change, Problem: by})
	}
	return outcomes, *by
}

// TestConflictAboutTheGatewayIsNoRefusal: what was not tried because of the
// gateway is not taken for refused, and the gateway not for well.
func TestConflictAboutTheGatewayIsNoRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := &atomic.Pointer[v1.Problem]{}
		s := begin(t, func(o *Options) {
			o.Gateways[0].Reconciler = taken{Reconciler: o.Gateways[0].Reconciler, by: by}
		})
		s.source.say(full("web1"))
		by.Store(&v1.Problem{Reason: v1.Conflict, Message: "another lockstep writes here", Fix: "stop it"})
		s.source.say(snapshot.Delta{Changed: containers("web1", "web2")[1:]})
		pass(time.Minute)
		if g := s.status.Report().Gateways[0]; g.Reason != v1.Conflict || g.Pending != 1 {
			t.Errorf("the gateway is %s with %d pending, want Conflict with 1", g.Reason, g.Pending)
		}
		by.Store(nil)
		pass(11 * time.Second)
		if got := holds(s.kong); got != 2 {
			t.Errorf("the gateway holds %d services after it was free again, want 2", got)
		}
	})
}

// TestCommonTroubleIsNotForgottenByANarrowRound: as long as what everything
// needs is missing, rounds over some services don't make the gateway well.
func TestCommonTroubleIsNotForgottenByANarrowRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.Verb != "list" && strings.Contains(c.ID, "@unavailable") {
				return errors.New("no space left on device")
			}
			return nil
		})
		s.source.say(full("web1"))
		pass(time.Minute)
		s.source.say(snapshot.Delta{Changed: containers("web1", "web2")[1:]})
		if g := s.status.Report().Gateways[0]; g.Reason != v1.GatewayUnreachable || !strings.Contains(g.Error, "no space") {
			t.Errorf("the gateway is %s (%s) while what everything needs is missing", g.Reason, g.Error)
		}
	})
}

// TestNothingIsRememberedOfWhatIsGone: objects that fail and go leave nothing behind.
func TestNothingIsRememberedOfWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, nil)
		s.kong.Fail(func(c reconcilertest.Call) error {
			if c.Verb == "create" && strings.HasPrefix(c.ID, "server/") {
				return reconcilertest.ErrKind
			}
			return nil
		})
		s.source.say(full(names(30)...))
		s.source.say(gone(names(30)...))
		pass(20 * time.Minute) // a slow round
		if w := s.workers[0]; len(w.warned)+len(w.refused) > 0 {
			t.Errorf("%d warnings and %d refusals of what is gone are remembered", len(w.warned), len(w.refused))
		}
	})
}

// picky is a reconciler that can't express one instance.
type picky struct{ reconcilers.Reconciler }

func (p picky) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state, problems := p.Reconciler.Compile(scope, set, shared)
	for _, service := range set {
		for _, e := range service.Endpoints {
			if e.Instance == "web1" {
				problems = append(problems, v1.Problem{Reason: v1.NotExpressible, Object: v1.Key{Kind: v1.KindInstance, Name: e.ID}, Message: "no"})
			}
		}
	}
	return state, problems
}

// TestInexpressibleInstanceIsSaid: of the container itself, and not any more
// when it is gone.
func TestInexpressibleInstanceIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) { o.Gateways[0].Reconciler = picky{o.Gateways[0].Reconciler} })
		s.source.say(full("web1", "web2"))
		explanation, ok := s.status.Explain("web1")
		if !ok || explanation.Services[0].Instances[0].Verdicts[0].Reason != v1.NotExpressible {
			t.Errorf("explained as %+v", explanation)
		}
		s.source.say(gone("web1"))
		if problems := s.status.Report().Gateways[0].Problems; len(problems) > 0 {
			t.Errorf("still said of what is gone: %v", problems)
		}
	})
}
