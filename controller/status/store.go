package status

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
)

// Store collects and answers.
type Store struct {
	version, owner, writer string
	order                  []v1.Gateway

	mu        sync.Mutex
	sources   []source.State
	standings map[string]*desired.Standing
	former    map[string]formerRoute // by the route's name
	refused   map[string][]v1.Problem
	listeners []v1.Listener           // never changed in place
	entities  []v1.Entity             // in Kong's own words; likewise
	waiting   map[string][]v1.Problem // by service
	gateways  map[v1.Gateway]*gateway
	unsaved   map[string]Unsaved // by the part of the state directory
	build     int                // counts builds
	revision  uint64             // counts changes, from a number that no other run of the program counts from
	changed   chan struct{}      // closed and replaced at each change
}

// gateway is what is known of one gateway.
type gateway struct {
	reason   v1.Reason
	err      string
	applied  time.Time
	changes  int
	applying *Applying      // nil: nothing that takes long
	pending  map[string]int // by service: the number of the build that changed it
	told     told           // what it was last told of each service, and took
	held     []Held
	problems map[string][]v1.Problem // by service
	hints    []string
	serving  serving
}

// New returns an empty store for the configured gateways, in their order.
func New(version, owner string, gateways []v1.Gateway) *Store {
	s := &Store{
		version: version, owner: owner, order: gateways,
		standings: map[string]*desired.Standing{},
		former:    map[string]formerRoute{},
		refused:   map[string][]v1.Problem{},
		waiting:   map[string][]v1.Problem{},
		gateways:  map[v1.Gateway]*gateway{},
		unsaved:   map[string]Unsaved{},
		changed:   make(chan struct{}),
		revision:  rand.Uint64N(1<<52) + 1, // within what every reader of JSON keeps exact
	}
	for _, name := range gateways {
		s.gateways[name] = &gateway{reason: v1.Starting, pending: map[string]int{}, problems: map[string][]v1.Problem{}}
	}
	return s
}

// Writes notes the id by which gateways know this daemon. It comes before all else.
func (s *Store) Writes(id string) { s.writer = id }

// Sources notes how the sources are doing.
func (s *Store) Sources(states []source.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reflect.DeepEqual(s.sources, states) { // a round in which nothing happened
		return
	}
	s.sources = states
	s.tell()
}

// Desired notes what a build changed and returns the build's number, which
// goes with the change to the workers and comes back in Round.Build.
func (s *Store) Desired(result desired.Result) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.build++
	for name, standing := range result.Standings {
		s.supersede(name, standing)
		if standing == nil {
			delete(s.standings, name)
			continue
		}
		s.standings[name] = standing
	}
	takeIn(s.refused, result.Refused)
	takeIn(s.waiting, result.Waiting)
	if result.Shared != nil {
		s.listeners, s.entities = result.Shared.Listeners, result.Shared.Entities
	}
	for name, set := range result.Sets {
		for service := range set {
			s.gateways[name].pending[service] = s.build
		}
	}
	// What is no instance of anything comes and goes as well.
	if len(result.Standings)+len(result.Refused)+len(result.Waiting)+len(result.Sets) > 0 || result.Shared != nil {
		s.tell()
	}
	return s.build
}

// takeIn takes in problems that changed; none of something means no longer.
func takeIn(into, changed map[string][]v1.Problem) {
	maps.Copy(into, changed)
	maps.DeleteFunc(into, func(_ string, problems []v1.Problem) bool { return len(problems) == 0 })
}

// declaredListeners returns the Listeners that are declared.
func (s *Store) declaredListeners() []v1.Listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listeners
}

// declaredEntities returns what is declared in Kong's own words.
func (s *Store) declaredEntities() []v1.Entity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entities
}

// Round is what a gateway's worker reports after a round.
type Round struct {
	Services []string // the services that the round covered; nil means all
	Build    int      // the newest build that the round covered
	Reason   v1.Reason
	Error    string
	Changes  int
	Held     []Held
	Problems map[string][]v1.Problem // by service; "" for what belongs to none
	Accepted map[string]Accepted     // by service: what the gateway serves only a while after
	Told     v1.Set                  // what the gateway was told to hold of the services that the round covered; others are passed over
	At       time.Time
}

// Applied notes what became of a gateway's round.
func (s *Store) Applied(name v1.Gateway, round Round) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gateways[name]
	g.reason, g.err, g.held, g.applying = round.Reason, round.Error, round.Held, nil
	g.changes += round.Changes
	g.serving.accept(round.Accepted, round.At)
	if round.Reason == v1.Serving {
		g.applied = round.At
		g.told.take(round)
		if round.Services == nil {
			clear(g.problems)
		}
		for _, service := range round.Services {
			delete(g.problems, service)
		}
		maps.Copy(g.problems, round.Problems)
		maps.DeleteFunc(g.pending, func(service string, build int) bool {
			return build <= round.Build && (round.Services == nil || slices.Contains(round.Services, service))
		})
	}
	s.forget()
	s.tell()
}

// Hints notes which flags would spare a gateway changes.
func (s *Store) Hints(name v1.Gateway, hints []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateways[name].hints = hints
	s.tell()
}

// Changed returns a channel that is closed at the next change.
func (s *Store) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Await returns when the revision is no longer the one given, or when ctx ends.
func (s *Store) Await(ctx context.Context, revision uint64) {
	for {
		s.mu.Lock()
		now, changed := s.revision, s.changed
		s.mu.Unlock()
		if now != revision {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// tell wakes whoever waits for a change.
func (s *Store) tell() {
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}

// Ready reports whether every source is loaded and every gateway holds what
// is desired; why names the first that does not.
func (s *Store) Ready() (ready bool, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready()
}

func (s *Store) ready() (bool, string) {
	if unready := s.unready(); len(unready) > 0 {
		return false, unready[0].Text
	}
	return true, ""
}

// Pending reports whether a gateway has yet to be told of some service.
func (s *Store) Pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gateways {
		if len(g.pending) > 0 {
			return true
		}
	}
	return false
}

// Unproven reports whether a gateway that is asked is not known to serve all that it accepted.
func (s *Store) Unproven() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gateways {
		if g.serving.unproven() {
			return true
		}
	}
	return false
}

// Known reports whether it was worked out at least once what there should be.
func (s *Store) Known() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.build > 0
}

// Compared reports whether every gateway was looked at, whatever came of it.
func (s *Store) Compared() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.gateways {
		if g.reason != v1.Serving && g.reason != v1.Paused {
			return false
		}
	}
	return true
}

// listed returns a list that is printed as one, and not as null, when it is empty.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// pending returns the gateways that have yet to be told of a service.
func (s *Store) pending(service string) []v1.Gateway {
	var out []v1.Gateway
	for _, name := range s.order {
		if g := s.gateways[name]; g.pending[service] > 0 || g.applied.IsZero() {
			out = append(out, name)
		}
	}
	return out
}

// merge returns a standing in which each verdict says what really became of
// it: what is desired is served only when the gateway took it.
func (s *Store) merge(standing *desired.Standing) desired.Standing {
	out := *standing
	out.Instances = listed(slices.Clone(standing.Instances))
	for i := range out.Instances {
		key := v1.Key{Kind: v1.KindInstance, Name: out.Instances[i].ID}
		out.Instances[i].Verdicts = s.verdicts(out.Service, key, out.Instances[i].Verdicts)
	}
	out.Routes = listed(slices.Clone(standing.Routes))
	for i := range out.Routes {
		key := v1.Key{Kind: v1.KindRoute, Name: out.Routes[i].Name}
		out.Routes[i].Verdicts = s.verdicts(out.Service, key, out.Routes[i].Verdicts)
	}
	return out
}

func (s *Store) verdicts(service string, key v1.Key, desiredVerdicts []desired.Verdict) []desired.Verdict {
	out := slices.Clone(desiredVerdicts)
	for i, verdict := range out {
		if verdict.Reason != v1.Serving {
			continue
		}
		g := s.gateways[verdict.Gateway]
		out[i] = g.overrule(service, key, verdict, g.told.holds(service, key, verdict.Through))
		if front := cmp.Or(verdict.From, verdict.Gateway); out[i].Reason == v1.Serving {
			out[i] = s.gateways[front].unverified(front, service, key, out[i])
		}
		if behind := s.gateways[verdict.Through]; behind != nil && out[i].Reason == v1.Serving {
			out[i] = behind.overrule(service, key, out[i], behind.told.takesOver(service, key))
			if out[i].Reason != v1.Serving {
				out[i].Message = fmt.Sprintf("behind it, at %s: %s", verdict.Through, out[i].Message)
			}
		}
	}
	return out
}

// overrule says why the gateway does not serve what it should. told says that it was told
// of it at least once.
func (g *gateway) overrule(service string, key v1.Key, verdict desired.Verdict, told bool) desired.Verdict {
	for _, problem := range g.problems[service] {
		concerns := problem.Object == key || problem.Object.Kind == v1.KindService ||
			key.Kind == v1.KindInstance && problem.Object.Kind == v1.KindInstance && sameInstance(key.Name, problem.Object.Name)
		if concerns {
			verdict.Reason, verdict.Message, verdict.Fix = problem.Reason, problem.Message, problem.Fix
			return verdict
		}
	}
	if g.reason != v1.Serving && g.pending[service] > 0 || g.applied.IsZero() {
		verdict.Reason, verdict.Message = g.reason, cmp.Or(besides(g.reason, g.err), "not applied yet")
		return verdict
	}
	switch {
	case g.pending[service] > 0 && !told:
		verdict.Reason, verdict.Message = v1.Starting, "not applied yet"
	case g.pending[service] > 0:
		verdict.Message = "being applied"
	case g.reason != v1.Serving:
		verdict.Message = asLastApplied(g.reason, g.err)
	}
	return verdict
}

// sameInstance reports whether an object's name means a container: it is an
// endpoint id, which is the beginning of the container's id, perhaps after the
// service's name and a slash.
func sameInstance(containerID, object string) bool {
	endpoint := object[strings.LastIndexByte(object, '/')+1:]
	return endpoint != "" && strings.HasPrefix(containerID, endpoint)
}
