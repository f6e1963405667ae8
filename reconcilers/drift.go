package reconcilers

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// DriftPolicy names the kinds of a gateway's objects of which changes by others are
// reported and left as they are. Those of every other kind are repaired.
type DriftPolicy map[v1.Kind]bool

// Witness is implemented by a reconciler that can tell what others changed: we are the
// one writer, so what is not as we left it was changed by somebody else.
type Witness interface {
	// Left returns the objects within the scope as we left them before the gateway was
	// last read, and without those of which it is not sure; nil when nothing was read
	// since it last answered for all, or when nobody can say who wrote what is there.
	Left(scope Scope) plan.State
}

// Kin is implemented by an adapter's own form of an object (plan.Object.Native), for
// what somebody did to one object and to others along with it.
type Kin interface {
	// Identity is by what the gateway itself knows the object, whatever else of it was changed.
	Identity() string
	// Parents are the objects that must be there for this one.
	Parents() []v1.Key
	// Vital reports whether it must be repaired at once, whatever the policy is, when
	// others changed these fields, or took it away (nil): what it closes could be open.
	Vital(fields []string) bool
}

// Drift keeps back the changes that would undo what somebody else did to the objects of
// some kinds, for as long as the same is desired of them. Nothing is kept back that
// removes: what is not desired goes. It remembers across plans of one gateway, and is
// owned by one goroutine.
type Drift struct {
	policy DriftPolicy
	known  map[v1.Key]*drifted
	asked  map[v1.Key]bool // never kept back
}

// drifted is one object that somebody else changed.
type drifted struct {
	service  string
	as       v1.Key   // the key under which it is observed now; zero: it is gone
	what     []string // fields
	since    time.Time
	observed string // digests
	desired  string
	goes     bool // it is to be repaired
}

// NewDrift returns one that knows of nothing yet.
func NewDrift(policy DriftPolicy) *Drift {
	return &Drift{policy: policy, known: map[v1.Key]*drifted{}}
}

// Watches reports whether anything can be kept back at all.
func (d *Drift) Watches() bool { return len(d.policy) > 0 }

// Repair has everything repaired that is kept back now, with the next plan.
func (d *Drift) Repair() {
	for _, o := range d.known {
		o.goes = true
	}
}

// Ask has nothing kept back of some objects from now on, in place of those of the Ask
// before: somebody wants them as they are desired, whoever changed them.
func (d *Drift) Ask(keys ...v1.Key) {
	d.asked = make(map[v1.Key]bool, len(keys))
	for _, key := range keys {
		d.asked[key] = true
	}
}

// Look is what is known of the gateway when a plan is filtered.
type Look struct {
	Now   time.Time
	Scope Scope
	// Left is what Witness says; nil: nothing new can be told from our own changes.
	Left plan.State
	// Empty says that the gateway holds nothing of ours: it is another one, or was emptied.
	Empty bool
}

// covers reports whether a plan shows all that concerns a service.
func (l Look) covers(service string) bool {
	return l.Scope.All() || slices.Contains(l.Scope.Services, service)
}

// Filter returns the plan less the changes that are kept back; these are in Reported.
func (d *Drift) Filter(look Look, p plan.Plan) plan.Plan {
	if !d.Watches() {
		return p
	}
	if look.Empty && look.Scope.All() {
		clear(d.known)
		look.Left = nil
	}
	s := d.sift(look, p)
	out := plan.Plan{Held: p.Held}
	for _, change := range p.Changes { // creates and updates first, parents before children
		switch {
		case change.Op != plan.Delete:
			if reported := s.keepsBack(change); reported != nil {
				out.Reported = append(out.Reported, *reported)
				continue
			}
		case s.stays[change.Key]:
			continue
		}
		out.Changes = append(out.Changes, change)
	}
	maps.DeleteFunc(d.known, func(key v1.Key, o *drifted) bool { // it is as desired again
		return !s.seen[key] && look.covers(o.service)
	})
	return out
}

// sifting is one plan being filtered.
type sifting struct {
	*Drift
	look   Look
	strays map[string]*plan.Object
	seen   map[v1.Key]bool   // known ones that the plan would change
	gone   map[v1.Key]v1.Key // what the gateway lacks and is not made, and what of that somebody removed
	stays  map[v1.Key]bool   // observed under another key, and kept back
}

func (d *Drift) sift(look Look, p plan.Plan) *sifting {
	s := &sifting{Drift: d, look: look, strays: map[string]*plan.Object{}, seen: map[v1.Key]bool{}, gone: map[v1.Key]v1.Key{}, stays: map[v1.Key]bool{}}
	for key, o := range d.known { // a narrow plan does not show them
		if !o.goes && !look.covers(o.service) {
			s.leaves(key, o)
		}
	}
	for _, change := range p.Changes {
		if kin, ok := change.Object().Native.(Kin); ok && change.Op == plan.Delete {
			s.strays[kin.Identity()] = change.Before
		}
	}
	return s
}

// leaves notes how an object is found that is left as somebody changed it.
func (s *sifting) leaves(key v1.Key, o *drifted) {
	switch o.as {
	case v1.Key{}:
		s.gone[key] = key
	case key: // what is desired of it no longer goes, though somebody changed it
	default:
		s.stays[o.as] = true
	}
}

// forget lets an object be made as it is desired, and what waits for it.
func (s *sifting) forget(key v1.Key) {
	delete(s.known, key)
	delete(s.gone, key)
}

// keepsBack decides on a change that makes or changes an object, and returns what is
// reported of it when it is kept back, else nil.
func (s *sifting) keepsBack(change plan.Change) *plan.Reported {
	kin, ok := change.After.Native.(Kin)
	if s.asked[change.Key] {
		s.forget(change.Key)
		return nil
	}
	if !ok || change.After.Service == "" { // what belongs to no service is for all of them
		return nil
	}
	for _, parent := range kin.Parents() {
		cause, gone := s.gone[parent]
		if !gone {
			continue
		}
		if change.Op == plan.Create {
			s.gone[change.Key] = cause
		}
		s.seen[change.Key] = true
		return &plan.Reported{Change: change, Since: s.known[cause].since, Waits: cause}
	}
	found := s.found(change, kin)
	o := s.judge(found)
	if o == nil || kin.Vital(found.Fields) {
		s.forget(change.Key)
		return nil
	}
	s.seen[change.Key] = true
	if o.goes {
		return nil
	}
	s.leaves(change.Key, o)
	return &plan.Reported{Change: found, Since: o.since, What: o.what}
}

// found is a change as what somebody did: the gateway may show the same object under
// another key. A target is told apart by its address: another one is another target.
func (s *sifting) found(change plan.Change, kin Kin) plan.Change {
	stray := s.strays[kin.Identity()]
	if change.Op != plan.Create || stray == nil || change.Key.Kind == v1.KindTarget {
		return change
	}
	return plan.Change{Op: plan.Update, Key: change.Key, Before: stray, After: change.After, Fields: stray.Differs(change.After)}
}

// judge returns what is known of an object that somebody else changed; nil when nobody
// did, when something else is desired than what they changed, or when it is none that
// is kept back.
func (s *sifting) judge(found plan.Change) *drifted {
	desired := digest(found.After)
	o := s.known[found.Key]
	if o != nil && o.desired != desired {
		return nil
	}
	if o == nil {
		left := s.look.Left[found.Key]
		if !s.policy[found.Key.Kind] || left == nil || len(left.Differs(found.After)) > 0 {
			return nil
		}
		o = &drifted{service: found.After.Service, since: s.look.Now, desired: desired}
		s.known[found.Key] = o
	}
	if o.observed == "" || s.look.Scope.All() { // a narrow look may not show where it is
		o.observed, o.as, o.what = digest(found.Before), v1.Key{}, found.Fields
		if found.Before != nil {
			o.as = found.Before.Key
		}
	}
	return o
}

// digest is the same for objects with equal fields; that of none is told from all.
func digest(o *plan.Object) string {
	if o == nil {
		return "none"
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(o.Fields)) {
		fmt.Fprintf(sum, "%q=%q\n", name, o.Fields[name])
	}
	return hex.EncodeToString(sum.Sum(nil))[:32]
}
