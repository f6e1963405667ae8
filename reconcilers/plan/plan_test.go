package plan_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// random returns a state of up to n objects over few names, so that two such
// states share some.
func random(seed uint64, n int) plan.State {
	r := rand.New(rand.NewPCG(seed, 1))
	state := plan.State{}
	for range r.IntN(n + 1) {
		kind, name := fmt.Sprintf("kind%d", r.IntN(3)), fmt.Sprintf("name%d", r.IntN(20))
		o := &plan.Object{Key: v1.Key{Kind: v1.Kind(kind), Name: name}, Level: r.IntN(4), Noun: kind + " " + name, Fields: map[string]string{}}
		for range r.IntN(4) {
			o.Fields[fmt.Sprintf("field%d", r.IntN(4))] = fmt.Sprint(r.IntN(3))
		}
		state[o.Key] = o
	}
	return state
}

func text(p plan.Plan) string {
	var b strings.Builder
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%d %s\n", c.Object().Level, c.Sentence())
	}
	return b.String()
}

func fields(s plan.State) map[v1.Key]map[string]string {
	out := map[v1.Key]map[string]string{}
	for key, o := range s {
		out[key] = o.Fields
	}
	return out
}

func TestDiffProperties(t *testing.T) {
	for seed := range uint64(500) {
		a, b := random(seed, 30), random(seed+1000, 30)
		if p := plan.Diff(a, a); !p.Empty() {
			t.Fatalf("seed %d: Diff(a, a) is not empty:\n%s", seed, text(p))
		}
		p := plan.Diff(a, b)
		if diff := cmp.Diff(fields(b), fields(plan.Apply(a, p.Changes))); diff != "" {
			t.Fatalf("seed %d: Apply(a, Diff(a, b)) is not b (-b +got):\n%s", seed, diff)
		}
		if again := plan.Diff(plan.Apply(a, p.Changes), b); !again.Empty() {
			t.Fatalf("seed %d: a second plan is not empty:\n%s", seed, text(again))
		}
		for range 5 {
			if diff := cmp.Diff(text(p), text(plan.Diff(random(seed, 30), random(seed+1000, 30)))); diff != "" {
				t.Fatalf("seed %d: the same states give another plan:\n%s", seed, diff)
			}
		}
		ordered(t, seed, p)
	}
}

// ordered checks the order that changes must have to be made one by one.
func ordered(t *testing.T, seed uint64, p plan.Plan) {
	t.Helper()
	for i := 1; i < len(p.Changes); i++ {
		before, now := p.Changes[i-1], p.Changes[i]
		switch {
		case before.Op == plan.Delete && now.Op != plan.Delete:
			t.Fatalf("seed %d: a delete comes before %q", seed, now.Sentence())
		case now.Op == plan.Delete && before.Op == plan.Delete && before.Object().Level < now.Object().Level:
			t.Fatalf("seed %d: a parent goes before its child: %q", seed, now.Sentence())
		case now.Op != plan.Delete && before.Object().Level > now.Object().Level:
			t.Fatalf("seed %d: a child comes before its parent: %q", seed, now.Sentence())
		}
	}
}

func TestApplyLeavesItsInputAlone(t *testing.T) {
	a, b := random(1, 30), random(2, 30)
	before := len(a)
	plan.Apply(a, plan.Diff(a, b).Changes)
	if diff := cmp.Diff(fields(random(1, 30)), fields(a)); diff != "" || len(a) != before {
		t.Errorf("Apply changed its input:\n%s", diff)
	}
}

func TestSentences(t *testing.T) {
	server := func(f map[string]string) *plan.Object {
		return &plan.Object{Key: v1.Key{Kind: "server", Name: "shop.web/1"}, Level: 1, Noun: "server web-1 (172.17.0.4:8080) of shop.web", Fields: f}
	}
	backend := &plan.Object{Key: v1.Key{Kind: "backend", Name: "shop.web"}, Noun: "backend shop.web"}
	old := &plan.Object{Key: v1.Key{Kind: "backend", Name: "old"}, Noun: "backend old"}
	oldServer := &plan.Object{Key: v1.Key{Kind: "server", Name: "old/1"}, Level: 1, Noun: "server old-1 of old"}
	state := func(objects ...*plan.Object) plan.State {
		s := plan.State{}
		if err := s.Add(objects...); err != nil {
			t.Fatal(err)
		}
		return s
	}
	observed := state(server(map[string]string{"weight": "100", "address": "172.17.0.4:8080", "gone": "x"}), old, oldServer)
	desired := state(server(map[string]string{"weight": "0", "address": "172.17.0.4:8080", "check": "on"}), backend)
	want := `0 add backend shop.web
1 change server web-1 (172.17.0.4:8080) of shop.web: check (none) → on, gone x → (none), weight 100 → 0
1 remove server old-1 of old
0 remove backend old
`
	if diff := cmp.Diff(want, text(plan.Diff(observed, desired))); diff != "" {
		t.Errorf("sentences (-want +got):\n%s", diff)
	}
	itself := func(digest string) *plan.Object {
		return &plan.Object{Noun: "HAProxy itself", Fields: map[string]string{"frontends and settings": digest}, Opaque: []string{"frontends and settings"}}
	}
	change := plan.Change{Op: plan.Update, Before: itself("1f"), After: itself("2e"), Fields: []string{"frontends and settings"}}
	if got, want := change.Sentence(), "change HAProxy itself: frontends and settings differ from what is asked for"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAddRefusesAKeyTwice(t *testing.T) {
	o := &plan.Object{Key: v1.Key{Kind: "server", Name: "a"}}
	if err := (plan.State{}).Add(o, o); err == nil || !strings.Contains(err.Error(), "server/a") {
		t.Errorf("got %v, want an error that names server/a", err)
	}
}
