package kong

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// large is a set of n services with a route, an upstream and four targets each.
func large(n int) v1.Set {
	set := v1.Set{}
	for i := range n {
		s := service(fmt.Sprintf("s%d", i))
		for j := range 4 {
			s.Endpoints = append(s.Endpoints, v1.Endpoint{
				ID: fmt.Sprintf("%06d%d", i, j), Weight: 100,
				Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), byte(j)}), 80),
			})
		}
		set[s.Name] = s
	}
	return set
}

// TestManyServicesTakeFewRequests counts what a thousand services take; how long that
// is, make bench-kong tells.
func TestManyServicesTakeFewRequests(t *testing.T) {
	const services = 1000
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.MarkAge = time.Minute // the mark's own read is told apart below
	r := open(t, o)
	set := large(services)
	settled(t, r, set)
	if want := services*(3+4) + 2; k.Writes() != want { // what belongs to none; upstream, service, route; targets
		t.Errorf("from nothing: %d writes, want %d", k.Writes(), want)
	}
	k.Forget()
	if p := settled(t, r, set); !p.Empty() {
		t.Errorf("an unchanged world is to be changed: %s", p.Changes[0].Sentence())
	}
	want := map[string]int{"GET /upstreams/ID/targets": services}
	for _, row := range entity.Table() {
		if row.Path != "" && row.Within == "" && r.facts.Kinds[row.Kind] != nil {
			want["GET /"+row.Path] = 1
		}
	}
	want["GET /services"], want["GET /upstreams"] = 2, 2 // with what belongs to none, one more than a page holds
	if diff := cmp.Diff(want, asked(k)); diff != "" {
		t.Errorf("the slow comparison (-want +got):\n%s", diff)
	}
	k.Forget()
	observed, err := r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	desired, _ := r.Compile(reconcilers.Scope{}, set, v1.Shared{})
	if _, err := r.Apply(t.Context(), plan.Diff(observed, desired)); err != nil || len(k.Requests()) > 0 {
		t.Errorf("between two slow comparisons an unchanged world takes %v, %v", asked(k), err)
	}
	set["s7"].Endpoints[0].Weight = 50
	narrow(t, r, set["s7"])
	if diff := cmp.Diff(map[string]int{"PATCH /upstreams/ID/targets/ID": 1}, asked(k)); diff != "" {
		t.Errorf("one changed target (-want +got):\n%s", diff)
	}
	k.Forget()
	r.mark.read = time.Time{}
	set["s7"].Endpoints[0].Weight = 51
	narrow(t, r, set["s7"])
	if diff := cmp.Diff(map[string]int{"GET /upstreams/ID": 1, "PATCH /upstreams/ID/targets/ID": 1}, asked(k)); diff != "" {
		t.Errorf("one changed target, when the mark was read long ago (-want +got):\n%s", diff)
	}
}

// narrow takes a round over one service.
func narrow(tb testing.TB, r *Reconciler, s *v1.Service) {
	tb.Helper()
	scope := reconcilers.Scope{Services: []string{s.Name}}
	desired, _ := r.Compile(scope, setOf(s), v1.Shared{})
	observed, err := r.Observe(tb.Context(), scope)
	if err != nil {
		tb.Fatal(err)
	}
	outcomes, err := r.Apply(tb.Context(), plan.Diff(observed, desired))
	if err != nil {
		tb.Fatal(err)
	}
	if problem := first(outcomes); problem != nil {
		tb.Fatal(problem)
	}
}
