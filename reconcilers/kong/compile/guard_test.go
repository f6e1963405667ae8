package compile

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestGuardLetsServicesMove: to HAProxy and back services lose their upstreams and get them
// again, which is no removal; that of all services is.
func TestGuardLetsServicesMove(t *testing.T) {
	const many = 10
	compiled := func(via bool) plan.State {
		set := v1.Set{}
		for i := range many {
			name := fmt.Sprintf("web%d", i)
			s := &v1.Service{
				Name:      name,
				Routes:    []v1.Route{{Name: name + ".default", Hosts: []string{name + ".test"}}},
				Endpoints: []v1.Endpoint{{ID: name, Address: netip.MustParseAddrPort("192.0.2.1:80"), Weight: 1}},
			}
			if via {
				s.Via = v1.Via{Host: "127.0.0.1", Port: uint16(29000 + i)}
			}
			set[name] = s
		}
		state, problems := Compile(input(), set, v1.Shared{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return state
	}
	direct, chained, totals := compiled(false), compiled(true), reconcilers.Totals{Services: many, Routes: many}
	guard, now := reconcilers.NewGuard(reconcilers.GuardOptions{}), time.Now()
	for _, move := range []struct {
		from, to plan.State
		gone     int // upstreams and targets
	}{{direct, chained, 2 * many}, {chained, direct, 0}} {
		p := guard.Filter(now, reconcilers.Scope{}, plan.Diff(move.from, move.to), move.to, totals)
		gone := 0
		for _, change := range p.Changes {
			if change.Op == plan.Delete {
				gone++
			}
		}
		if len(p.Held) > 0 || gone != move.gone {
			t.Errorf("%d held, %d go, want none and %d", len(p.Held), gone, move.gone)
		}
	}
	guard.Filter(now, reconcilers.Scope{}, plan.Diff(direct, nil), nil, reconcilers.Totals{})
	if held := guard.Held(); len(held) != many-4 {
		t.Errorf("of %d services that go %d are held, want all but 4", many, len(held))
	}
}
