package haproxy

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestGuardLetsWaysFromKongGo: services that Kong reaches at ports no more lose their ways,
// and where their routes want the containers' addresses as host, a second backend. That is no
// removal; that of all services is.
func TestGuardLetsWaysFromKongGo(t *testing.T) {
	const many = 10
	r, err := New(Options{
		Mode: Managed, Owner: "lockstep", Binds: []string{"127.0.0.1:8080"}, Dir: filepath.Join(t.TempDir(), "lockstep"),
		StatsSocket: "/run/stats.sock", MasterSocket: "/run/master.sock", Spares: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	compiled := func(via bool) plan.State {
		set := v1.Set{}
		for i := range many {
			name := fmt.Sprintf("web%d", i)
			set[name] = &v1.Service{Name: name, Routes: []v1.Route{{Name: name + ".default", Hosts: []string{name + ".test"}, PreserveHost: i > 0}}}
			if via {
				set[name].Via = v1.Via{Host: "127.0.0.1", Port: uint16(29000 + i)}
			}
		}
		state, problems := r.Compile(reconcilers.Scope{Services: []string{"web0"}}, set, v1.Shared{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return state
	}
	direct, chained, totals := compiled(false), compiled(true), reconcilers.Totals{Services: many, Routes: many}
	guard, now := reconcilers.NewGuard(reconcilers.GuardOptions{}), time.Now()
	p := guard.Filter(now, reconcilers.Scope{}, plan.Diff(chained, direct), direct, totals)
	if len(p.Held) > 0 || len(p.Changes) != many+1 {
		t.Errorf("held are %d of %d changes, want none of %d:\n%s", len(p.Held), len(p.Changes), many+1, sentences(p))
	}
	guard.Filter(now, reconcilers.Scope{}, plan.Diff(chained, nil), nil, reconcilers.Totals{})
	if held := guard.Held(); len(held) != many-4 {
		t.Errorf("of %d services that go %d are held, want all but 4", many, len(held))
	}
}
