package reconcilertest

import (
	"context"
	"errors"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

func memoryHarness(wrap func(*Reconciler) reconcilers.Reconciler) Harness {
	return Harness{New: func(testing.TB) *Gateway {
		m := NewMemory()
		return &Gateway{
			Open:   func() (reconcilers.Reconciler, error) { return wrap(m.Open("lockstep")), nil },
			World:  m.World,
			Writes: m.Writes,
			Plant: func() error {
				return errors.Join(
					m.Create(Thing{Kind: "backend", Name: "theirs", Owner: "somebody"}),
					m.Create(Thing{Kind: "server", Name: "theirs/1", Owner: "somebody", Parent: "theirs"}))
			},
			Strangers: func() string { return m.OwnedBy("somebody") },
			Break:     m.Break,
			Heal:      func() { m.Fail(nil) },
			Estrange: func(pick func(n int) int) (string, error) {
				things, err := m.List("lockstep")
				if err != nil || len(things) == 0 {
					return "there is nothing to take", err
				}
				taken := things[pick(len(things))]
				return "somebody takes " + taken.id(), m.Give(taken.Kind, taken.Name, "somebody")
			},
		}
	}}
}

func TestMemory(t *testing.T) {
	Run(t, memoryHarness(func(r *Reconciler) reconcilers.Reconciler { return r }))
}

// faulty is a reconciler with one defect.
type faulty struct {
	*Reconciler
	compile func(plan.State)
	observe func(plan.State)
	apply   func(plan.Plan) plan.Plan
	deaf    bool
}

func (f faulty) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state, problems := f.Reconciler.Compile(scope, set, shared)
	if f.compile != nil {
		f.compile(state)
	}
	return state, problems
}

func (f faulty) Observe(ctx context.Context, scope reconcilers.Scope) (plan.State, error) {
	state, err := f.Reconciler.Observe(ctx, scope)
	if err == nil && f.observe != nil {
		f.observe(state)
	}
	return state, err
}

func (f faulty) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if f.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if f.apply != nil {
		p = f.apply(p)
	}
	return f.Reconciler.Apply(ctx, p)
}

// TestSuiteCatchesDefects shows that each property fails for a reconciler that
// breaks it: a suite that passes everything proves nothing.
func TestSuiteCatchesDefects(t *testing.T) {
	volatile := 0
	tests := map[string]struct {
		property string
		defect   faulty
	}{
		"observe forgets a field": {"observed equals compiled", faulty{observe: func(s plan.State) {
			for _, o := range s {
				delete(o.Fields, "weight")
			}
		}}},
		"compile is never the same": {"second run writes nothing", faulty{compile: func(s plan.State) {
			volatile++
			for _, o := range s {
				o.Fields = map[string]string{"volatile": strings.Repeat("x", volatile)}
			}
		}}},
		"narrowed round adds what belongs to all": {"narrowed equals full", faulty{compile: func(s plan.State) {
			for key, o := range s {
				if o.Service != "" && o.Level == 1 {
					delete(s, key)
				}
				if len(s) < 8 {
					return
				}
			}
		}}},
		"a route can't be held": {"held route comes back", faulty{observe: func(s plan.State) {
			for _, o := range s {
				o.Hold = nil
			}
		}}},
		"deletes are dropped": {"emptied by an empty set", faulty{apply: func(p plan.Plan) plan.Plan {
			var kept plan.Plan
			for _, change := range p.Changes {
				if change.Op != plan.Delete {
					kept.Changes = append(kept.Changes, change)
				}
			}
			return kept
		}}},
		"the last change is dropped": {"partial failure is told", faulty{apply: func(p plan.Plan) plan.Plan {
			return plan.Plan{Changes: p.Changes[:len(p.Changes)-1]}
		}}},
		"deaf to the end of a context": {"cancel is honoured", faulty{deaf: true}},
		"nouns follow the order of a map": {"same input same plan", faulty{compile: func(s plan.State) {
			for _, o := range s {
				o.Noun = "the first one " + o.Noun
				return
			}
		}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := memoryHarness(func(r *Reconciler) reconcilers.Reconciler {
				defect := test.defect
				defect.Reconciler = r
				return defect
			})
			for _, p := range properties() {
				if p.name != test.property {
					continue
				}
				err := p.check(t.Context(), newBench(t, h), func() *bench { return newBench(t, h) })
				if err == nil || errors.Is(err, errSkip) {
					t.Fatalf("%q does not notice: %v", p.name, err)
				}
				return
			}
			t.Fatalf("no property is called %q", test.property)
		})
	}
}

// TestWalkCatchesLeftovers shows that the walk compares worlds.
func TestWalkCatchesLeftovers(t *testing.T) {
	h := memoryHarness(func(r *Reconciler) reconcilers.Reconciler {
		return faulty{Reconciler: r, observe: func(s plan.State) {
			for key, o := range s {
				if o.Fields["weight"] == "0" {
					delete(s, key) // drained servers are forgotten and stay behind
				}
			}
		}}
	})
	w := walk{bench: newBench(t, h), fleet: NewFleet(1), behind: true}
	if err := w.take(t.Context(), 250, func() *bench { return newBench(t, h) }); err == nil {
		t.Fatal("the walk does not notice what is left behind")
	}
}

func TestMemoryIsStrict(t *testing.T) {
	m := NewMemory()
	server := Thing{Kind: "server", Name: "a/1", Owner: "me", Parent: "a"}
	backend := Thing{Kind: "backend", Name: "a", Owner: "me"}
	steps := []struct {
		name string
		err  error
		want error
	}{
		{"child before its parent", m.Create(server), ErrNoParent},
		{"parent", m.Create(backend), nil},
		{"child", m.Create(server), nil},
		{"name twice", m.Create(server), ErrTaken},
		{"unknown kind", m.Create(Thing{Kind: "x", Name: "x", Parent: "a"}), ErrKind},
		{"parent with children", m.Delete("me", "backend", "a"), ErrChildren},
		{"somebody else's", m.Delete("you", "server", "a/1"), ErrNotOwner},
		{"somebody else's update", m.Update(Thing{Kind: "server", Name: "a/1", Owner: "you", Parent: "a"}), ErrNotOwner},
		{"absent", m.Delete("me", "server", "a/2"), ErrUnknown},
		{"absent update", m.Update(Thing{Kind: "server", Name: "a/2", Owner: "me", Parent: "a"}), ErrUnknown},
		{"update", m.Update(server), nil},
		{"delete", m.Delete("me", "server", "a/1"), nil},
	}
	for _, step := range steps {
		if !errors.Is(step.err, step.want) {
			t.Errorf("%s: got %v, want %v", step.name, step.err, step.want)
		}
	}
	if got := len(m.Calls()); got != len(steps) || m.Writes() != got {
		t.Errorf("recorded %d calls, %d writes, want %d of both", got, m.Writes(), len(steps))
	}
}
