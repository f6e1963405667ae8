package status

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
)

// web is a service of two containers that is desired on kong.
func web() desired.Result {
	serving := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Serving}}
	starting := []desired.Verdict{{Gateway: v1.Kong, Reason: v1.Starting}}
	return desired.Result{
		Sets: map[v1.Gateway]v1.Set{v1.Kong: {"web": &v1.Service{Name: "web"}}},
		Standings: map[string]*desired.Standing{"web": {
			Service: "web",
			Instances: []desired.InstanceStanding{
				{ID: "aaaaaaaaaaaa1111", Container: "web-1", Verdicts: serving},
				{ID: "bbbbbbbbbbbb2222", Container: "web-2", Verdicts: serving},
				{ID: "cccccccccccc3333", Container: "web-3", Verdicts: starting},
			},
			Routes: []desired.RouteStanding{{Route: v1.Route{Name: "web.default"}, Verdicts: serving}},
		}},
		Refused: map[string][]v1.Problem{"dddddddddddd4444": {{Reason: v1.InvalidLabel, Origin: v1.Origin{Container: "oops"}}}},
	}
}

// reasons returns what is said of each container on kong.
func reasons(s *Store) map[string]v1.Reason {
	out := map[string]v1.Reason{}
	for _, instance := range s.Report().Services[0].Instances {
		out[instance.Container] = instance.Verdicts[0].Reason
	}
	return out
}

func TestDesiredIsServedOnlyWhenTaken(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Sources([]source.State{{Name: "docker", Loaded: true}})
	build := s.Desired(web())
	if got := reasons(s)["web-1"]; got != v1.Starting {
		t.Errorf("before the first round web-1 is %s, want Starting", got)
	}
	s.Applied(v1.Kong, Round{Build: build, Reason: v1.GatewayUnreachable, Error: "connection refused"})
	if got := reasons(s)["web-1"]; got != v1.GatewayUnreachable {
		t.Errorf("with kong down web-1 is %s, want GatewayUnreachable", got)
	}
	if ready, _ := s.Ready(); ready {
		t.Error("ready with kong down")
	}
	s.Applied(v1.Kong, Round{Build: build, Reason: v1.Serving, At: time.Unix(1, 0), Problems: map[string][]v1.Problem{
		"web": {{Reason: v1.GatewayRejected, Object: v1.Key{Kind: v1.KindInstance, Name: "web/bbbbbbbbbbbb"}, Message: "no"}},
	}})
	got := reasons(s)
	if got["web-1"] != v1.Serving || got["web-2"] != v1.GatewayRejected || got["web-3"] != v1.Starting {
		t.Errorf("after the round: %v", got)
	}
	if ready, why := s.Ready(); !ready {
		t.Errorf("not ready: %s", why)
	}
}

// TestPendingSurvivesAnOlderRound: a round that began before a build does not
// speak for it.
func TestPendingSurvivesAnOlderRound(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	first := s.Desired(web())
	second := s.Desired(web())
	s.Applied(v1.Kong, Round{Build: first, Reason: v1.Serving, At: time.Unix(1, 0), Services: []string{"web"}})
	if got := s.Report().Gateways[0].Pending; got != 1 {
		t.Errorf("%d pending after the older round, want 1", got)
	}
	s.Applied(v1.Kong, Round{Build: second, Reason: v1.Serving, At: time.Unix(2, 0), Services: []string{"web"}})
	if got := s.Report().Gateways[0].Pending; got != 0 {
		t.Errorf("%d pending after the newer round, want 0", got)
	}
}

func TestExplainFinds(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Desired(web())
	for ref, instances := range map[string]int{"web": 3, "web-2": 1, "bbbb": 1, "bbbbbbbbbbbb2222": 1, "bbb": 0, "nobody": 0} {
		explanation, ok := s.Explain(ref)
		if ok != (instances > 0) {
			t.Errorf("%q: found %t", ref, ok)
			continue
		}
		if ok && len(explanation.Services[0].Instances) != instances {
			t.Errorf("%q: %d instances, want %d", ref, len(explanation.Services[0].Instances), instances)
		}
	}
	if explanation, ok := s.Explain("oops"); !ok || len(explanation.Problems) != 1 {
		t.Errorf("the refused container: %+v, %t", explanation, ok)
	}
}

// TestEmptyListsAreLists checks that what has no members is printed as a list all the same.
func TestEmptyListsAreLists(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	for range 2 {
		printed, err := json.Marshal(s.Report())
		if err != nil || bytes.Contains(printed, []byte("null")) {
			t.Errorf("%s, %v", printed, err)
		}
		s.Desired(desired.Result{Standings: map[string]*desired.Standing{"web": {Service: "web"}}}) // without instances and routes
	}
}

func TestChangedTellsOnce(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	changed := s.Changed()
	select {
	case <-changed:
		t.Fatal("told before anything changed")
	default:
	}
	s.Desired(web())
	<-changed
}

// TestExplainTellsOfWhatIsHeld: a service that is gone but kept back by the
// guard is not unknown.
func TestExplainTellsOfWhatIsHeld(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Applied(v1.Kong, Round{Reason: v1.Serving, At: time.Unix(1, 0), Held: []Held{
		{Owner: v1.Key{Kind: v1.KindService, Name: "gone"}, Sentence: "remove service gone", Until: time.Unix(600, 0)},
		{Owner: v1.Key{Kind: v1.KindRoute, Name: "web.old"}, Sentence: "remove route web.old", Until: time.Unix(600, 0)},
	}})
	s.Desired(web())
	for ref, want := range map[string]string{"gone": "what routes it has answer 503 until", "web": "it answers 503 until"} { // a service is no route
		explanation, ok := s.Explain(ref)
		if !ok || len(explanation.Problems) != 1 || explanation.Problems[0].Reason != v1.HeldByGuard || !strings.Contains(explanation.Problems[0].Message, want) {
			t.Errorf("%s is explained as %+v, %t; want HeldByGuard", ref, explanation, ok)
		}
	}
}

// TestGatewayThatIsLostAfterwards: what was applied stays said as served, with
// a word on the gateway.
func TestGatewayThatIsLostAfterwards(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Applied(v1.Kong, Round{Build: s.Desired(web()), Reason: v1.Serving, At: time.Unix(1, 0)})
	s.Applied(v1.Kong, Round{Reason: v1.GatewayUnreachable, Error: "connection refused"})
	verdict := s.Report().Services[0].Instances[0].Verdicts[0]
	if verdict.Reason != v1.Serving || verdict.Message != "as last applied; now GatewayUnreachable: connection refused" {
		t.Errorf("the verdict is %+v", verdict)
	}
}

// TestExplainEntity: what is said of an entity in Kong's own words, and of what
// belongs to it, is found by its name.
func TestExplainEntity(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	about := func(name string) v1.Problem {
		return v1.Problem{Reason: v1.Conflict, Object: v1.Key{Kind: v1.KindEntity, Name: name}, Message: name}
	}
	s.Applied(v1.Kong, Round{Reason: v1.Serving, At: time.Unix(1, 0), Problems: map[string][]v1.Problem{v1.EntityGroup: {
		about("consumer/alice"), about("acl/alice/staff"), about("plugin/consumer/alice/cors"), about("consumer/alice2"), about("alice/else"),
	}}})
	if explanation, ok := s.Explain("alice"); !ok || len(explanation.Problems) != 3 {
		t.Errorf("%+v, %t; want the three of alice", explanation, ok)
	}
	if explanation, ok := s.Explain("ali"); ok {
		t.Errorf("the beginning of a name is explained as %+v", explanation)
	}
}

// TestNothingHappened: a round in which nothing happened that is told wakes nobody.
func TestNothingHappened(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	states := []source.State{{Name: "docker", Loaded: true, Problems: []v1.Problem{{Message: "no"}}}}
	s.Sources(states)
	first := s.Desired(web())
	changed := s.Changed()
	s.Sources([]source.State{{Name: "docker", Loaded: true, Problems: []v1.Problem{{Message: "no"}}}})
	if again := s.Desired(desired.Result{}); again <= first {
		t.Errorf("the build after %d is %d", first, again)
	}
	select {
	case <-changed:
		t.Error("whoever waits was woken")
	default:
	}
	s.Desired(desired.Result{Refused: map[string][]v1.Problem{"dddddddddddd4444": nil}})
	select {
	case <-changed:
	default:
		t.Error("whoever waits was not woken")
	}
}
