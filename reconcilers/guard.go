package reconcilers

import (
	"maps"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// GuardOptions say how many services and routes may be removed without asking.
// The zero value of a field means its default.
type GuardOptions struct {
	// Share is the greatest part of all services, or of all routes, whose removal
	// passes within Window; default 0.5.
	Share float64
	// Count is how many removals, of both together, are already too many within
	// Window; default 5.
	Count int
	// Window is the sliding time over which removals add up; default one minute.
	Window time.Duration
	// Quiet is how long a held removal must have been wanted without a break,
	// by sources that were there to say so, until it goes; default ten minutes.
	Quiet time.Duration
}

// Guard holds back the removal of services and routes when too many would go
// at once, because then a mistake is likelier than a wish. Instances are never
// held: a service whose removal is held has none and answers 503. A held route
// is turned to answer 503 as well. Additions are never held. A route that
// another one replaces (the same service gets a new one for it, or somebody
// gets its match) is no removal, and no more is that of a part of what stays: of the
// upstream in Kong of a service that is reached through HAProxy now, say.
//
// A Guard remembers across plans of one gateway; it is owned by one goroutine.
type Guard struct {
	options GuardOptions
	passed  map[v1.Key]time.Time // removals that passed freely, and when
	held    map[v1.Key]*hold     // by owner
}

// hold is one removal that is kept back.
type hold struct {
	service  string    // the service that the owner is or belongs to
	sentence string    // what would be done
	since    time.Time // since when the removal has been wanted without a break
	// goes is set when the removal was confirmed or was wanted for long enough. It
	// stays set until the removal is made, so that a gateway that fails just then
	// does not bring it back before the guard.
	goes bool
}

// Totals are how many services and routes are desired on the gateway; what is
// about to be removed is not among them.
type Totals struct{ Services, Routes int }

// NewGuard returns a guard that has seen nothing yet.
func NewGuard(options GuardOptions) *Guard {
	if options.Share == 0 {
		options.Share = 0.5
	}
	if options.Count == 0 {
		options.Count = 5
	}
	if options.Window == 0 {
		options.Window = time.Minute
	}
	if options.Quiet == 0 {
		options.Quiet = 10 * time.Minute
	}
	return &Guard{options: options, passed: map[v1.Key]time.Time{}, held: map[v1.Key]*hold{}}
}

// Filter returns the plan less the removals that are held. scope is what the
// plan covers: removals held outside of it stay held. desired is what it leads to.
func (g *Guard) Filter(now time.Time, scope Scope, p plan.Plan, desired plan.State, totals Totals) plan.Plan {
	wanted := removals(p, desired)
	g.release(scope, wanted)
	g.slide(now)
	g.choose(now, wanted, totals)
	if len(g.held) == 0 {
		return p
	}
	var out plan.Plan
	for _, change := range p.Changes {
		if change.Op != plan.Delete || !g.holds(change.Before) {
			out.Changes = append(out.Changes, change)
			continue
		}
		out.Held = append(out.Held, change)
		if turned, ok := g.turn(change); ok {
			out.Changes = append(out.Changes, turned)
		}
	}
	return out
}

// Confirm lets everything go that is held now, with the next plan.
func (g *Guard) Confirm() {
	for _, h := range g.held {
		h.goes = true
	}
}

// Doubt says that until then a source was not there to say what it wants: the quiet
// time of what was held by then begins anew.
func (g *Guard) Doubt(until time.Time) {
	for _, h := range g.held {
		if h.since.Before(until) {
			h.since = until
		}
	}
}

// Wake returns when the next held removal goes by itself; zero when none is held.
func (g *Guard) Wake() time.Time {
	var wake time.Time
	for _, h := range g.held {
		if at := h.since.Add(g.options.Quiet); !h.goes && (wake.IsZero() || at.Before(wake)) {
			wake = at
		}
	}
	return wake
}

// Held is one removal that is kept back.
type Held struct {
	Owner    v1.Key
	Sentence string    // what would be done
	Until    time.Time // when it is done by itself
}

// Held returns what is kept back, services first, each by name.
func (g *Guard) Held() []Held {
	out := make([]Held, 0, len(g.held))
	for owner, h := range g.held {
		if h.goes {
			continue
		}
		out = append(out, Held{Owner: owner, Sentence: h.sentence, Until: h.since.Add(g.options.Quiet)})
	}
	slices.SortFunc(out, func(a, b Held) int { return servicesFirst(a.Owner, b.Owner) })
	return out
}

// Clone returns a guard that remembers the same and forgets apart, to see what
// Filter would do.
func (g *Guard) Clone() *Guard {
	clone := &Guard{options: g.options, passed: maps.Clone(g.passed), held: map[v1.Key]*hold{}}
	for owner, h := range g.held {
		copied := *h
		clone.held[owner] = &copied
	}
	return clone
}

// release forgets holds that the plan no longer wants, where it would say so.
func (g *Guard) release(scope Scope, wanted []removal) {
	still := make(map[v1.Key]bool, len(wanted))
	for _, w := range wanted {
		still[w.owner] = true
	}
	for owner, h := range g.held {
		if !still[owner] && (scope.All() || slices.Contains(scope.Services, h.service)) {
			delete(g.held, owner)
		}
	}
}

// slide forgets what passed before the window.
func (g *Guard) slide(now time.Time) {
	for owner, at := range g.passed {
		if now.Sub(at) >= g.options.Window {
			delete(g.passed, owner)
		}
	}
}

// choose sorts what is wanted into passed and held.
func (g *Guard) choose(now time.Time, wanted []removal, totals Totals) {
	going := map[v1.Kind]int{}
	for _, w := range wanted {
		if _, counted := g.passed[w.owner]; !counted {
			going[w.owner.Kind]++
		}
	}
	spent := map[v1.Kind]int{}
	for owner := range g.passed {
		spent[owner.Kind]++
	}
	base := map[v1.Kind]int{
		v1.KindService: totals.Services + going[v1.KindService] + spent[v1.KindService],
		v1.KindRoute:   totals.Routes + going[v1.KindRoute] + spent[v1.KindRoute],
	}
	for _, w := range wanted {
		if h := g.held[w.owner]; h != nil {
			h.goes = h.goes || now.Sub(h.since) >= g.options.Quiet
			continue
		}
		if _, counted := g.passed[w.owner]; counted {
			continue
		}
		kind := w.owner.Kind
		if len(g.passed)+1 < g.options.Count && float64(spent[kind]+1) <= g.options.Share*float64(base[kind]) {
			g.passed[w.owner] = now
			spent[kind]++
			continue
		}
		g.held[w.owner] = &hold{service: w.service, sentence: w.sentence, since: now}
	}
}

// holds reports whether the removal of an object is kept back: that of its
// owner is, or it is a route of a service that is. Instances always go.
func (g *Guard) holds(o *plan.Object) bool {
	if o.Owner.Kind == v1.KindInstance {
		return false
	}
	return g.keeps(o.Owner) || g.keeps(v1.Key{Kind: v1.KindService, Name: o.Service})
}

// keeps reports whether the removal of an owner itself is kept back.
func (g *Guard) keeps(owner v1.Key) bool {
	h := g.held[owner]
	return h != nil && !h.goes
}

// turn makes a held route of a living service answer 503.
func (g *Guard) turn(change plan.Change) (plan.Change, bool) {
	before := change.Before
	if before.Hold == nil || !g.keeps(before.Owner) {
		return plan.Change{}, false
	}
	fields := before.Differs(before.Hold)
	if len(fields) == 0 {
		return plan.Change{}, false
	}
	return plan.Change{Op: plan.Update, Key: change.Key, Before: before, After: before.Hold, Fields: fields}, true
}
