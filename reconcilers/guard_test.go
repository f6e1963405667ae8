package reconcilers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// remove returns changes that remove services wholly: instance, route, service.
func remove(names ...string) []plan.Change {
	var out []plan.Change
	for _, name := range names {
		out = append(out,
			deletion("server", name+"/1", name, v1.Key{Kind: v1.KindInstance, Name: "1"}),
			deletion("route", name+".default", name, v1.Key{Kind: v1.KindRoute, Name: name + ".default"}),
			deletion("backend", name, name, v1.Key{Kind: v1.KindService, Name: name}))
	}
	return out
}

func deletion(kind v1.Kind, name, service string, owner v1.Key) plan.Change {
	key := v1.Key{Kind: kind, Name: name}
	return plan.Change{Op: plan.Delete, Key: key, Before: &plan.Object{Key: key, Service: service, Owner: owner, Noun: key.String(), Match: name + "?"}}
}

// removeRoute returns a change that removes one route of a service that stays.
func removeRoute(service, route string) plan.Change {
	change := deletion("route", service+"."+route, service, v1.Key{Kind: v1.KindRoute, Name: service + "." + route})
	change.Before.Fields = map[string]string{"backend": service}
	change.Before.Hold = &plan.Object{Key: change.Key, Service: service, Owner: change.Before.Owner, Noun: change.Before.Noun, Fields: map[string]string{"backend": "unavailable"}}
	return change
}

func addRoute(service, route, match string) plan.Change {
	key := v1.Key{Kind: "route", Name: service + "." + route}
	return plan.Change{Op: plan.Create, Key: key, After: &plan.Object{
		Key: key, Service: service, Owner: v1.Key{Kind: v1.KindRoute, Name: key.Name}, Noun: key.String(), Match: match}}
}

func some(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("s%02d", i))
	}
	return out
}

// sentences renders a filtered plan, what is held behind a "!".
func sentences(p plan.Plan) string {
	var b strings.Builder
	for _, change := range p.Changes {
		fmt.Fprintln(&b, change.Sentence())
	}
	for _, change := range p.Held {
		fmt.Fprintln(&b, "! "+change.Sentence())
	}
	return b.String()
}

// passes counts the services whose removal is let through.
func passes(p plan.Plan) int {
	return strings.Count("\n"+sentences(p), "\nremove backend/")
}

func TestGuard(t *testing.T) {
	all := Scope{}
	cases := []struct {
		name   string
		totals Totals // what stays
		remove int
		want   int // how many pass
	}{
		{"one of two is half", Totals{Services: 1}, 1, 1},
		{"two of three are more than half", Totals{Services: 1}, 2, 1},
		{"the only one is all", Totals{}, 1, 0},
		{"four of many pass", Totals{Services: 96}, 4, 4},
		{"five of many are too many", Totals{Services: 95}, 5, 4},
		{"all of twenty", Totals{}, 20, 4},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			guard := NewGuard(GuardOptions{})
			got := guard.Filter(noon, all, plan.Plan{Changes: remove(some(c.remove)...)}, nil, c.totals)
			if passes(got) != c.want {
				t.Errorf("%d pass, want %d:\n%s", passes(got), c.want, sentences(got))
			}
			if n := strings.Count("\n"+sentences(got), "\nremove server/"); n != c.remove {
				t.Errorf("%d dead instances go at once, want all %d", n, c.remove)
			}
			if held := len(guard.Held()); held != c.remove-c.want {
				t.Errorf("%d are reported as held, want %d", held, c.remove-c.want)
			}
		})
	}
}

// TestGuardAddsUpOverAMinute takes services away one plan after the other.
func TestGuardAddsUpOverAMinute(t *testing.T) {
	guard := NewGuard(GuardOptions{})
	passed := 0
	for i := range 10 {
		at := noon.Add(time.Duration(i) * time.Second)
		p := guard.Filter(at, Scope{Services: []string{some(10)[i]}}, plan.Plan{Changes: remove(some(10)[i])}, nil, Totals{Services: 99 - i})
		passed += passes(p)
	}
	if passed != 4 {
		t.Errorf("%d passed within a minute, want 4", passed)
	}
	later := noon.Add(2 * time.Minute)
	if p := guard.Filter(later, Scope{Services: []string{"other"}}, plan.Plan{Changes: remove("other")}, nil, Totals{Services: 90}); passes(p) != 1 {
		t.Errorf("after the minute a single removal does not pass:\n%s", sentences(p))
	}
}

func TestGuardLetsGoAfterTenQuietMinutes(t *testing.T) {
	guard := NewGuard(GuardOptions{})
	p := plan.Plan{Changes: remove("a")}
	if got := guard.Filter(noon, Scope{}, p, nil, Totals{}); passes(got) != 0 {
		t.Fatalf("the only service went at once:\n%s", sentences(got))
	}
	if want := noon.Add(10 * time.Minute); !guard.Wake().Equal(want) {
		t.Errorf("wake at %s, want %s", guard.Wake(), want)
	}
	if got := guard.Filter(noon.Add(9*time.Minute), Scope{}, p, nil, Totals{}); passes(got) != 0 {
		t.Errorf("it went after nine minutes:\n%s", sentences(got))
	}
	// It was back for a moment: the ten minutes begin anew.
	guard.Filter(noon.Add(9*time.Minute), Scope{}, plan.Plan{}, nil, Totals{Services: 1})
	if got := guard.Filter(noon.Add(11*time.Minute), Scope{}, p, nil, Totals{}); passes(got) != 0 {
		t.Errorf("it went though it had been back:\n%s", sentences(got))
	}
	if got := guard.Filter(noon.Add(21*time.Minute), Scope{}, p, nil, Totals{}); passes(got) != 1 {
		t.Errorf("it did not go after ten quiet minutes:\n%s", sentences(got))
	}
	if held := guard.Held(); len(held) != 0 {
		t.Errorf("still held: %v", held)
	}
}

// TestGuardRemembersOutsideTheScope narrows to another service in between.
func TestGuardRemembersOutsideTheScope(t *testing.T) {
	guard := NewGuard(GuardOptions{})
	guard.Filter(noon, Scope{}, plan.Plan{Changes: remove("a")}, nil, Totals{})
	guard.Filter(noon.Add(time.Second), Scope{Services: []string{"b"}}, plan.Plan{Changes: []plan.Change{addRoute("b", "default", "m")}}, nil, Totals{Services: 1})
	if held := guard.Held(); len(held) != 1 || held[0].Owner.Name != "a" {
		t.Errorf("held: %v, want the service a", held)
	}
	guard.Confirm()
	if got := guard.Filter(noon.Add(2*time.Second), Scope{}, plan.Plan{Changes: remove("a")}, nil, Totals{Services: 1}); passes(got) != 1 {
		t.Errorf("a confirmed removal does not pass:\n%s", sentences(got))
	}
}

func TestGuardTurnsAHeldRouteTo503(t *testing.T) {
	guard := NewGuard(GuardOptions{})
	change := removeRoute("a", "old")
	got := guard.Filter(noon, Scope{}, plan.Plan{Changes: []plan.Change{change}}, nil, Totals{Services: 1})
	want := "change route/a.old: backend a → unavailable\n! remove route/a.old\n"
	if diff := cmp.Diff(want, sentences(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Seen again in that form, there is nothing left to do to it.
	change.Before.Fields = change.Before.Hold.Fields
	got = guard.Filter(noon.Add(time.Second), Scope{}, plan.Plan{Changes: []plan.Change{change}}, nil, Totals{Services: 1})
	if diff := cmp.Diff("! remove route/a.old\n", sentences(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGuardLetsReplacedRoutesGo: what another route replaces is no removal.
func TestGuardLetsReplacedRoutesGo(t *testing.T) {
	for name, replacement := range map[string]plan.Change{
		"by another route of the service": addRoute("a", "new", "elsewhere"),
		"by a route with the same match":  addRoute("b", "default", "a.old?"),
	} {
		t.Run(name, func(t *testing.T) {
			guard := NewGuard(GuardOptions{})
			got := guard.Filter(noon, Scope{}, plan.Plan{Changes: []plan.Change{replacement, removeRoute("a", "old")}}, nil, Totals{Services: 1, Routes: 1})
			if len(got.Held) != 0 || len(got.Changes) != 2 {
				t.Errorf("a replaced route is held:\n%s", sentences(got))
			}
		})
	}
}

// TestGuardCountsNoPartOfWhatStays: services that lose a part, and one of them its route too.
func TestGuardCountsNoPartOfWhatStays(t *testing.T) {
	changes, desired := []plan.Change{removeRoute("s00", "old")}, plan.State{}
	for _, name := range some(10) {
		service := v1.Key{Kind: v1.KindService, Name: name}
		key := v1.Key{Kind: "service", Name: name}
		desired[key] = &plan.Object{Key: key, Service: name, Owner: service}
		changes = append(changes, deletion("upstream", name, name, service))
	}
	guard := NewGuard(GuardOptions{})
	got := guard.Filter(noon, Scope{}, plan.Plan{Changes: changes}, desired, Totals{Services: 10, Routes: 1})
	if len(got.Held) != 0 || len(got.Changes) != len(changes) {
		t.Errorf("a part of a service is held:\n%s", sentences(got))
	}
	if spent := len(guard.Memory().Passed); spent != 1 {
		t.Errorf("%d are counted, want the route alone", spent)
	}
	// The same is held along with its service.
	changes = append(changes, remove(some(10)...)...)
	got = guard.Filter(noon, Scope{}, plan.Plan{Changes: changes}, nil, Totals{})
	if n := strings.Count(sentences(got), "! remove upstream/"); n != 7 || passes(got) != 3 {
		t.Errorf("%d upstreams are held and %d services pass, want 7 and 3:\n%s", n, passes(got), sentences(got))
	}
}

// TestCloneForgetsApart filters on a copy and finds the original untouched.
func TestCloneForgetsApart(t *testing.T) {
	guard := NewGuard(GuardOptions{})
	guard.Clone().Filter(noon, Scope{}, plan.Plan{Changes: remove(some(4)...)}, nil, Totals{Services: 96})
	if got := guard.Filter(noon, Scope{}, plan.Plan{Changes: remove(some(4)...)}, nil, Totals{Services: 96}); passes(got) != 4 {
		t.Errorf("a look spent the budget:\n%s", sentences(got))
	}
}

// TestGuardLetsGoUntilItIsGone: what was confirmed, or held for long enough, is
// not held again when the gateway fails at just that moment.
func TestGuardLetsGoUntilItIsGone(t *testing.T) {
	all := Scope{}
	removal := plan.Plan{Changes: remove(some(20)...)}
	for name, letGo := range map[string]func(*Guard) time.Time{
		"confirmed": func(g *Guard) time.Time { g.Confirm(); return noon.Add(time.Minute) },
		"quiet":     func(*Guard) time.Time { return noon.Add(11 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			guard := NewGuard(GuardOptions{})
			guard.Filter(noon, all, removal, nil, Totals{})
			now := letGo(guard)
			for try := range 3 { // the gateway makes none of the removals
				if p := guard.Filter(now.Add(time.Duration(try)*time.Second), all, removal, nil, Totals{}); len(p.Held) > 0 {
					t.Fatalf("try %d: held again:\n%s", try, sentences(p))
				}
				if held, wake := guard.Held(), guard.Wake(); len(held) > 0 || !wake.IsZero() {
					t.Fatalf("try %d: %d are said to be held until %s", try, len(held), wake)
				}
			}
			guard.Filter(now.Add(time.Minute), all, plan.Plan{}, nil, Totals{Services: 20}) // they are wanted again
			if p := guard.Filter(now.Add(2*time.Minute), all, removal, nil, Totals{}); passes(p) != 4 {
				t.Errorf("another mass removal is let through:\n%s", sentences(p))
			}
		})
	}
}

// TestGuardWaitsForTheSources: a source that is not there says nothing, so the
// quiet time does not run.
func TestGuardWaitsForTheSources(t *testing.T) {
	guard := NewGuard(GuardOptions{})
	removal := plan.Plan{Changes: remove(some(20)...)}
	guard.Filter(noon, Scope{}, removal, nil, Totals{})
	guard.Doubt(noon.Add(9 * time.Minute))
	if p := guard.Filter(noon.Add(11*time.Minute), Scope{}, removal, nil, Totals{}); passes(p) > 4 {
		t.Errorf("let go though a source was away:\n%s", sentences(p))
	}
	if p := guard.Filter(noon.Add(19*time.Minute), Scope{}, removal, nil, Totals{}); len(p.Held) > 0 {
		t.Errorf("held longer than the quiet time:\n%s", sentences(p))
	}
}

// TestOneNewRouteReplacesOneOldOne: a service that gets one new route and loses
// ten has lost nine.
func TestOneNewRouteReplacesOneOldOne(t *testing.T) {
	changes := []plan.Change{addRoute("web", "new", "new")}
	for i := range 10 {
		changes = append(changes, removeRoute("web", fmt.Sprintf("r%d", i)))
	}
	p := NewGuard(GuardOptions{}).Filter(noon, Scope{}, plan.Plan{Changes: changes}, nil, Totals{Services: 100, Routes: 100})
	if len(p.Held) != 5 { // one is replaced, four pass
		t.Errorf("%d routes are held, want 5:\n%s", len(p.Held), sentences(p))
	}
	// Ten routes whose parts change are not removed at all.
	for i := range 10 {
		changes = append(changes, addRoute("web", fmt.Sprintf("r%d", i), fmt.Sprintf("other%d", i)))
	}
	p = NewGuard(GuardOptions{}).Filter(noon, Scope{}, plan.Plan{Changes: changes}, plan.Apply(nil, changes), Totals{Services: 100, Routes: 100})
	if len(p.Held) != 0 {
		t.Errorf("%d routes that only change are held:\n%s", len(p.Held), sentences(p))
	}
}

// TestGuardOutlivesTheDaemon: a restart gives no fresh budget, keeps what is held
// and begins its quiet time anew.
func TestGuardOutlivesTheDaemon(t *testing.T) {
	names := some(20)
	before := NewGuard(GuardOptions{})
	first := before.Filter(noon, Scope{}, plan.Plan{Changes: remove(names...)}, nil, Totals{})
	if passes(first) != 4 {
		t.Fatalf("%d pass at first, want 4", passes(first))
	}
	after := NewGuard(GuardOptions{})
	after.Remember(noon.Add(5*time.Minute), before.Memory())
	if diff := cmp.Diff(before.Memory(), after.Memory()); diff != "" {
		t.Errorf("the memory changed on the way (-before +after):\n%s", diff)
	}
	rest := plan.Plan{Changes: remove(names[4:]...)}
	if got := after.Filter(noon.Add(6*time.Minute), Scope{}, rest, nil, Totals{}); passes(got) != 0 {
		t.Errorf("%d more pass after a restart, want none", passes(got))
	}
	if got := after.Filter(noon.Add(14*time.Minute), Scope{}, rest, nil, Totals{}); passes(got) != 0 {
		t.Errorf("%d pass before ten minutes since the restart", passes(got))
	}
	if got := after.Filter(noon.Add(15*time.Minute), Scope{}, rest, nil, Totals{}); passes(got) != 16 {
		t.Errorf("%d pass after ten quiet minutes, want 16", passes(got))
	}
}
