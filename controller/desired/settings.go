package desired

import (
	"encoding/json"
	"reflect"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
)

// service is a group of instances with one key.
type service struct {
	name      string
	members   map[string]member     // by container id
	decider   member                // the copy whose labels decide, or one where none of them bear any; valid while there are members
	labels    v1.Service            // as the labels of the copies decide; defaults when there are none
	said      *v1.Declared          // what manifests say; nil when nothing
	declared  *v1.Declared          // the same, withheld where policies refuse it
	static    []member              // the endpoints among that
	settings  v1.Service            // both together, or what it is pinned to; valid while the service exists
	asked     v1.Service            // both together
	decisions []v1.Decision         // who of the two decides which setting, where a manifest declares the service
	pin       *ledger.Pin           // what it is pinned to; nil: nothing
	oldest    time.Time             // when the oldest member was created; zero in the grace time
	until     time.Time             // end of the grace time of its labels; zero while there are members
	problems  []v1.Problem          // copies that disagree, and with the manifest
	kept      bool                  // its labels ask for something new, which waits for a policy
	waiting   []v1.Problem          // plugins of manifests that wait for it, or for a route of it
	rolledBy  v1.Origin             // whose rollout it is; zero when there is none
	sets      map[v1.Gateway]v1.Set // the service itself, and those of its versions that requests pick
	standing  *Standing
}

// member is one container's part in a service.
type member struct {
	container *container
	part      *v1.DeclaredService
}

// settle decides the settings of a service, keeps or ends its grace time, and
// puts its routes up for claiming.
func (b *Builder) settle(now time.Time, name string, result *Result) {
	s := b.service(name)
	remembered, known := b.memory.Services.Lookup(name)
	s.kept = false
	members := b.inOrder(s)
	if s.decider = (member{}); len(members) > 0 {
		s.decider = members[0]
	}
	switch {
	case s.labelled():
		b.decide(s, members)
		b.keep(s, remembered, known)
		delete(b.leaving, name)
		if !known || !remembered.Until.IsZero() || !sameSettings(remembered.Settings, s.labels) {
			b.memory.Services.Set(name, ledger.Service{Settings: s.labels})
		}
	case !b.expelled[name] && b.lingers(now, s):
	case s.rooted():
		b.forget(s)
		s.labels = v1.NewService(name)
	default:
		b.forget(s)
		b.delist(now, s)
		b.await(s, result)
		result.Settled[name] = nil
		return
	}
	s.overlay()
	b.hold(s)
	b.enlist(now, s)
	b.await(s, result)
	result.Settled[name] = b.settled(s)
}

// enlist makes known what a service that is settled needs besides itself: the
// matches that it claims, its port behind Kong, the Kong nodes before it.
func (b *Builder) enlist(now time.Time, s *service) {
	b.settlePort(now, s.name, b.wishOf(s)) // first, for the ways in depend on it
	b.welcome(now, s)
	b.claims.put(b.claimants(s), s.name)
	b.hosts.put(s.name, s.settings.Routes)
	delete(b.edges, s.name)
	if b.role(&s.settings, v1.HAProxy).behind == v1.Kong {
		b.edges[s.name] = true
	}
}

// delist takes back what enlist made known.
func (b *Builder) delist(now time.Time, s *service) {
	b.claims.drop(s.name)
	b.hosts.put(s.name, nil)
	b.settlePort(now, s.name, noPort)
	delete(b.newcomers, s.name)
	delete(b.edges, s.name)
}

// lingers reports whether a service without containers is in its grace time, and
// has what its labels asked for last hold on.
func (b *Builder) lingers(now time.Time, s *service) bool {
	remembered, known := b.memory.Services.Lookup(s.name)
	if !known {
		return false
	}
	grace := remembered.Settings.Grace
	if s.declared != nil {
		merged, _ := s.declared.Over(remembered.Settings)
		grace = merged.Grace
	}
	if pin, pinned := b.memory.Pins.Lookup(s.name); pinned {
		grace = pin.Settings.Grace
	}
	// An end that lies further away than the grace time is long was written by a
	// clock that has been set back since.
	if end := now.Add(grace).UTC(); remembered.Until.IsZero() || remembered.Until.After(end) {
		remembered.Until = end
		b.memory.Services.Set(s.name, remembered)
	}
	if !remembered.Until.After(now) {
		return false
	}
	s.labels, s.until, s.oldest, s.problems, s.rolledBy = remembered.Settings, remembered.Until, time.Time{}, nil, v1.Origin{}
	b.leaving[s.name] = remembered.Until
	return true
}

// forget ends what the labels of a service ask for; when nothing else declares it,
// assemble then says that it is gone.
func (b *Builder) forget(s *service) {
	b.memory.Services.Delete(s.name)
	delete(b.leaving, s.name)
	s.labels, s.settings, s.asked, s.pin = v1.Service{}, v1.Service{}, v1.Service{}, nil
	s.until, s.oldest, s.problems, s.rolledBy = time.Time{}, time.Time{}, nil, v1.Origin{}
}

// has reports whether a container is a member of the service.
func (s *service) has(m member) bool {
	_, is := s.members[m.container.instance.ID]
	return is
}

// labelled reports whether labels of a container that is there name the service: then
// they have a say in what it asks for.
func (s *service) labelled() bool { return len(s.members) > 0 && s.decider.labelled() }

// sameSettings reports whether two decisions ask the gateways for the same.
func sameSettings(a, b v1.Service) bool { return len(differing(a, b)) == 0 }

// differing returns the names of the fields in which two declarations differ,
// leaving origins out, sorted. It compares what they look like in JSON, so that
// a new field can't be forgotten here.
func differing(a, b v1.Service) []string {
	a, b = a.Unplaced(), b.Unplaced()
	if reflect.DeepEqual(a, b) {
		return nil
	}
	mine, theirs := spelled(a), spelled(b)
	var names []string
	for name, value := range mine {
		if theirs[name] != value {
			names = append(names, name)
		}
	}
	for name := range theirs {
		if _, ok := mine[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// spelled returns a service's top-level fields as JSON text by name.
func spelled(s v1.Service) map[string]string {
	text, err := json.Marshal(s)
	fields := map[string]json.RawMessage{}
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil { // a Service always has a JSON form; said rather than lost if it ever had not
		return map[string]string{"json": err.Error()}
	}
	out := make(map[string]string, len(fields))
	for name, value := range fields {
		out[name] = string(value)
	}
	return out
}
