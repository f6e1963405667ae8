package kong

import (
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
)

// TestSecuredServicesAreTaken: Kong's own rules take what is made of services that
// speak TLS or gRPC, it is found again as it was written, and it changes both ways.
func TestSecuredServicesAreTaken(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		k := start(t, fakekong.Options{Mode: mode})
		r := open(t, options(k.AdminURL))
		for _, protocol := range []v1.Protocol{v1.HTTPS, v1.GRPC, v1.HTTP, v1.GRPCS, v1.HTTPS} {
			s := service("web", 1)
			s.Protocol, s.TLSUnverified = protocol, protocol == v1.GRPCS
			if s.Check = v1.CheckHTTP; protocol.RPC() {
				s.Check = v1.CheckTCP
			}
			settled(t, r, setOf(s))
			writes := k.Writes()
			settled(t, open(t, options(k.AdminURL)), setOf(s))
			if k.Writes() != writes {
				t.Errorf("%v: %s is written again though nothing changed", mode, protocol)
			}
		}
	}
}

// TestCheckOfSecuredTargets: Kong asks containers over TLS as well whether they are well.
func TestCheckOfSecuredTargets(t *testing.T) {
	s := service("web", 1)
	s.Protocol, s.Check = v1.HTTPS, v1.CheckHTTP
	made, ok := upstream("web", s, nil)
	active, isMap := made.Healthchecks["active"].(map[string]any)
	if !ok || !isMap || active["type"] != "https" || active["https_verify_certificate"] != false {
		t.Errorf("the check is %v", made.Healthchecks)
	}
}

// TestUnverifiableIsNotServed: where Kong can't verify a container, it does not send it
// anything.
func TestUnverifiableIsNotServed(t *testing.T) {
	r := open(t, options(nobody(t)))
	for name, change := range map[string]func(*v1.Service){
		"gRPC": func(s *v1.Service) { s.Protocol = v1.GRPCS },
		"address": func(s *v1.Service) {
			s.Protocol = v1.HTTPS
			s.Routes[0].PreserveHost = false
		},
	} {
		s := service("web", 1)
		change(s)
		state, problems := r.Compile(reconcilers.Scope{Services: []string{"web"}}, setOf(s), v1.Shared{})
		if len(problems) != 1 || problems[0].Reason != v1.NotExpressible || problems[0].Fix == "" {
			t.Errorf("%s: problems are %v", name, problems)
		}
		for key := range state {
			if key.Kind == kindRoute {
				t.Errorf("%s: the route %s is served", name, key)
			}
		}
	}
}
