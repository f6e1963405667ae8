package controller

import (
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// heard is a reconciler that notes what it is told of what belongs to no service.
type heard struct {
	reconcilers.Reconciler
	mu    sync.Mutex
	calls []compiled
}

type compiled struct {
	scope    reconcilers.Scope
	services int
	shared   v1.Shared
}

func (h *heard) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	h.mu.Lock()
	h.calls = append(h.calls, compiled{scope, len(set), shared})
	h.mu.Unlock()
	return h.Reconciler.Compile(scope, set, shared)
}

func (h *heard) last() (compiled, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls[len(h.calls)-1], len(h.calls)
}

// TestSharedReachesEveryGateway: what belongs to no service goes to a gateway when
// it changes, together with all services and without a fresh look, and stays for
// what comes after; a service that is declared goes there alone.
func TestSharedReachesEveryGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &heard{}
		s := begin(t, func(o *Options) {
			h.Reconciler = o.Gateways[1].Reconciler
			o.Gateways[1].Reconciler = h
		})
		first := full("web", "api")
		first.Shared = &v1.Shared{Certificates: []v1.Certificate{{Name: "one"}}}
		s.source.say(first)
		if got, _ := h.last(); len(got.shared.Certificates) != 1 || got.services != 2 {
			t.Fatalf("at first it is told %+v", got)
		}
		s.source.say(snapshot.Delta{Shared: &v1.Shared{Certificates: []v1.Certificate{{Name: "one"}, {Name: "two"}}}})
		got, _ := h.last()
		if len(got.shared.Certificates) != 2 || !got.scope.All() || got.scope.Fresh || got.services != 2 {
			t.Errorf("of a new certificate it is told %+v", got)
		}
		s.source.say(snapshot.Delta{Shared: &v1.Shared{Certificates: []v1.Certificate{
			{Name: "one"}, {Name: "theirs", Gateways: []v1.Gateway{v1.Kong}}, {Name: "two", Gateways: []v1.Gateway{v1.HAProxy}},
		}}})
		got, n := h.last()
		var names []string
		for _, c := range got.shared.Certificates {
			names = append(names, c.Name)
		}
		if diff := cmp.Diff([]string{"one", "two"}, names); diff != "" {
			t.Errorf("certificates that are for it (-want +got):\n%s", diff)
		}
		declared, problems := v1.DecodeService("legacy", v1.Origin{File: "m.yaml", Line: 3, Column: 18}, []v1.Written{{Key: "paths", Value: "/legacy"}}, nil)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		s.source.say(snapshot.Delta{Declared: map[string]*v1.Declared{"legacy": &declared}})
		got, after := h.last()
		if after != n+1 || len(got.shared.Certificates) != 2 || len(got.scope.Services) != 1 || got.scope.Services[0] != "legacy" {
			t.Errorf("of a new service it is told %+v in %d calls", got, after-n)
		}
		s.source.say(snapshot.Delta{Declared: map[string]*v1.Declared{"legacy": nil}})
		if got, _ := h.last(); got.services != 0 || len(got.scope.Services) != 1 {
			t.Errorf("of a service that is gone it is told %+v", got)
		}
	})
}
