package status

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/reconcilers"
)

// slow returns a store in which web is applied to a Kong that is asked, or not, what it serves.
func slow(asked bool) *Store {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Slow(v1.Kong, asked)
	s.Applied(v1.Kong, Round{Build: s.Desired(web()), Reason: v1.Serving, At: time.Unix(1, 0)})
	return s
}

// routeOf returns what is said of web's route, and whether web is served for all that is known.
func routeOf(t *testing.T, s *Store) (desired.Verdict, bool) {
	t.Helper()
	e, known := s.Explain("web-1")
	if !known || len(e.Services) != 1 {
		t.Fatalf("web-1 is explained as %+v", e)
	}
	served, _ := e.Reaches(GoalServing)
	return e.Services[0].Routes[0].Verdicts[0], served
}

// TestAcceptedIsNotServing: what is new is Starting until it is verified, what was there
// goes on, and nobody's wait ends before.
func TestAcceptedIsNotServing(t *testing.T) {
	for name, c := range map[string]struct {
		accepted map[string]Accepted
		known    reconcilers.Verification
		reason   v1.Reason
		says     string
		served   bool
	}{
		"nothing yet":  {nil, reconcilers.Verification{}, v1.Serving, "is being asked", false},
		"at the start": {nil, reconcilers.Verification{Accepted: 1}, v1.Serving, "is being asked", false},
		"all":          {nil, reconcilers.Verification{Accepted: 1, Verified: 1}, v1.Serving, "", true},
		"new route": {map[string]Accepted{"web": {2, map[string]bool{"web.default": true}}},
			reconcilers.Verification{Accepted: 2, Verified: 1, Within: 5 * time.Second}, v1.Starting, "don't serve it yet (they take up to 5s)", false},
		"other's route": {map[string]Accepted{"web": {2, map[string]bool{"web.other": true}}},
			reconcilers.Verification{Accepted: 2, Verified: 1}, v1.Serving, "as it was", false},
		"change":        {map[string]Accepted{"web": {2, nil}}, reconcilers.Verification{Accepted: 2, Verified: 1}, v1.Serving, "accepted a change", false},
		"other service": {map[string]Accepted{"api": {2, nil}}, reconcilers.Verification{Accepted: 2, Verified: 1}, v1.Serving, "", true},
		"verified":      {map[string]Accepted{"web": {2, nil}}, reconcilers.Verification{Accepted: 3, Verified: 2}, v1.Serving, "", true},
		"no answer": {map[string]Accepted{"web": {2, map[string]bool{"web.default": true}}},
			reconcilers.Verification{Accepted: 2, Verified: 1, Problem: "it is down", Fix: "start it"}, v1.Serving, "not known: it is down", false},
	} {
		for _, verifiedFirst := range []bool{false, true} { // the verifier may be quicker than the round
			s := slow(true)
			round := func() {
				s.Applied(v1.Kong, Round{Build: 1, Services: []string{"web"}, Reason: v1.Serving, Accepted: c.accepted, At: time.Unix(2, 0)})
			}
			if !verifiedFirst {
				round()
			}
			s.Verified(v1.Kong, c.known, time.Unix(3, 0))
			if verifiedFirst {
				round()
			}
			got, served := routeOf(t, s)
			if got.Reason != c.reason || !strings.Contains(got.Message, c.says) || (c.says == "") != (got.Message == "") || served != c.served || served != got.Accepted.IsZero() {
				t.Errorf("%s, verified first %t: %+v, served %t", name, verifiedFirst, got, served)
			}
			if got.Fix != c.known.Fix {
				t.Errorf("%s: the fix is %q", name, got.Fix)
			}
		}
	}
}

// TestNobodyAsks: without a proxy all is as it was, and said once.
func TestNobodyAsks(t *testing.T) {
	s := slow(false)
	s.Applied(v1.Kong, Round{Build: 1, Reason: v1.Serving, At: time.Unix(2, 0)})
	if got, served := routeOf(t, s); got.Reason != v1.Serving || got.Message != "" || !served {
		t.Errorf("%+v, served %t", got, served)
	}
	e, _ := s.Explain("web")
	if v := s.Report().Gateways[0].Verification; v == nil || !v.Off || len(e.Unasked) != 1 {
		t.Errorf("%+v, unasked %v", v, e.Unasked)
	}
}

// TestWaiting: services wait together, each for its own generation; what belongs to none is
// no service.
func TestWaiting(t *testing.T) {
	s := slow(true)
	s.Verified(v1.Kong, reconcilers.Verification{Accepted: 1, Verified: 1}, time.Unix(1, 0))
	for generation, service := range map[uint64]string{2: "web", 3: "api", 4: v1.EntityGroup} {
		s.Applied(v1.Kong, Round{Services: []string{service}, Reason: v1.Serving, Accepted: map[string]Accepted{service: {generation, nil}}, At: time.Unix(2, 0)})
	}
	for _, c := range []struct {
		verified uint64
		waiting  int
		others   bool
		at       time.Time
	}{{1, 2, true, time.Time{}}, {2, 1, true, time.Time{}}, {3, 0, true, time.Time{}}, {4, 0, false, time.Unix(5, 0)}} {
		s.Verified(v1.Kong, reconcilers.Verification{Accepted: 4, Verified: c.verified}, time.Unix(5, 0))
		if v := s.Report().Gateways[0].Verification; v.Waiting != c.waiting || v.Others != c.others || !v.Verified.Equal(c.at) {
			t.Errorf("verified %d: %+v", c.verified, v)
		}
	}
	s.Verified(v1.Kong, reconcilers.Verification{Accepted: 4, Verified: 4}, time.Unix(9, 0))
	if v := s.Report().Gateways[0].Verification; !v.Verified.Equal(time.Unix(5, 0)) {
		t.Errorf("told again, it is verified at %s", v.Verified)
	}
}
