package status

import (
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
)

// TestReportHoldsUpNobody: while it is worked out what is said of services, a gateway's round is
// noted, and the report tells of the moment before.
func TestReportHoldsUpNobody(t *testing.T) {
	s := New("1", "lockstep", []v1.Gateway{v1.Kong})
	s.Desired(web())
	report := s.report(func(v *Store, standing *desired.Standing) desired.Standing {
		noted := make(chan struct{})
		go func() {
			defer close(noted)
			s.Applied(v1.Kong, Round{Reason: v1.Serving, Build: 1, At: time.Now(), Changes: 3, Problems: map[string][]v1.Problem{standing.Service: {{Message: "m"}}}})
			s.Desired(desired.Result{Standings: map[string]*desired.Standing{standing.Service: nil}})
		}()
		select {
		case <-noted:
		case <-time.After(time.Minute):
			t.Fatal("the round waits for the report")
		}
		return v.merge(standing)
	})
	if g := report.Gateways[0]; g.Changes != 0 || g.Pending != 1 || len(report.Services) != 1 || report.Services[0].Pending == nil {
		t.Errorf("the report is of two moments: %+v, %+v", g, report.Services)
	}
	if now := s.Report(); now.Gateways[0].Changes != 3 || len(now.Services) != 0 {
		t.Errorf("what came meanwhile is lost: %+v", now)
	}
}
