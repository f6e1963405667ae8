package controller

import (
	"context"
	"testing"
	"testing/synctest"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// late is a gateway that serves what it accepts when a test says so.
type late struct {
	reconcilers.Reconciler
	asks     bool
	accepted uint64
	served   chan uint64
	ended    bool
}

func (l *late) Apply(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	outcomes, err := l.Reconciler.Apply(ctx, p)
	l.accepted++
	for i := range outcomes {
		if key := outcomes[i].Change.Key; l.asks && outcomes[i].Problem == nil && key.Kind == v1.KindRoute {
			outcomes[i].Generation, outcomes[i].Opens = l.accepted, outcomes[i].Change.Op == plan.Create
		}
	}
	return outcomes, err
}

func (l *late) Verifies() bool { return l.asks }

func (l *late) Verify(ctx context.Context, tell func(reconcilers.Verification)) error {
	defer func() { l.ended = true }()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case g := <-l.served:
			tell(reconcilers.Verification{Accepted: g, Verified: g})
		}
	}
}

// TestServingIsVerified: what a gateway accepted is Serving when it was verified, and
// another gateway's word counts for itself. The verifier ends with the controller.
func TestServingIsVerified(t *testing.T) {
	l := &late{asks: true}
	synctest.Test(t, func(t *testing.T) {
		l.served = make(chan uint64)
		s := begin(t, func(o *Options) {
			l.Reconciler = o.Gateways[0].Reconciler
			o.Gateways[0].Reconciler = l
		})
		reached := func(name string) (v1.Reason, v1.Reason, bool) {
			e, _ := s.status.Explain(name)
			if len(e.Services) != 1 {
				t.Fatalf("%s is explained as %+v", name, e)
			}
			ok, _ := e.Reaches(status.GoalServing)
			verdicts := e.Services[0].Routes[0].Verdicts
			return verdicts[0].Reason, verdicts[1].Reason, ok
		}
		s.source.say(full("web"))
		if kong, hap, ok := reached("web"); kong != v1.Starting || hap != v1.Serving || ok {
			t.Errorf("accepted: %s on kong, %s on haproxy, reached %t", kong, hap, ok)
		}
		l.served <- 1
		synctest.Wait()
		if kong, hap, ok := reached("web"); kong != v1.Serving || hap != v1.Serving || !ok {
			t.Errorf("verified: %s on kong, %s on haproxy, reached %t", kong, hap, ok)
		}
		s.source.say(snapshot.Delta{Changed: containers("web", "api")[1:]})
		if kong, _, ok := reached("api"); kong != v1.Starting || ok {
			t.Errorf("the next: %s on kong, reached %t", kong, ok)
		}
		if kong, _, ok := reached("web"); kong != v1.Serving || !ok {
			t.Errorf("beside the next: %s on kong, reached %t", kong, ok)
		}
		l.served <- 2
		synctest.Wait()
		if kong, _, ok := reached("api"); kong != v1.Serving || !ok {
			t.Errorf("the next verified: %s on kong, reached %t", kong, ok)
		}
	})
	if !l.ended {
		t.Error("the verifier goes on after the controller")
	}
}

// TestNobodyVerifies: a gateway that nobody asks is taken at its word.
func TestNobodyVerifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) {
			o.Gateways[0].Reconciler = &late{Reconciler: o.Gateways[0].Reconciler}
		})
		s.source.say(full("web"))
		e, _ := s.status.Explain("web")
		if ok, missing := e.Reaches(status.GoalServing); !ok || len(e.Unasked) != 1 {
			t.Errorf("missing %q, unasked %v", missing, e.Unasked)
		}
	})
}
