package compile

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/hop"
)

// TestUnprovenIsNotServed: what Kong and HAProxy can't prove to each other is not served
// without the proof.
func TestUnprovenIsNotServed(t *testing.T) {
	keys, err := hop.Make([]string{"127.0.0.1", "haproxy"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 60) + ".test"
	for name, c := range map[string]struct {
		keys   *hop.Keys
		change func(*v1.Service, *v1.Route)
		served bool
	}{
		"a host":                  {keys, func(_ *v1.Service, r *v1.Route) { r.Hosts = []string{"web.test", "*.web.test"} }, true},
		"any host":                {keys, func(_ *v1.Service, r *v1.Route) { r.Paths = []string{"/"} }, true},
		"without keys":            {nil, func(_ *v1.Service, r *v1.Route) { r.Paths = []string{"/"} }, false},
		"gRPC":                    {keys, func(s *v1.Service, r *v1.Route) { s.Protocol, r.Paths = v1.GRPC, []string{"/"} }, false},
		"a name that is too long": {keys, func(_ *v1.Service, r *v1.Route) { r.Hosts = []string{long} }, false},
		"an underscore":           {keys, func(_ *v1.Service, r *v1.Route) { r.Hosts = []string{"my_service"} }, false},
		"an address":              {keys, func(_ *v1.Service, r *v1.Route) { r.Hosts = []string{"web.test", "10.0.0.5"} }, false},
		"one that HAProxy bears":  {keys, func(_ *v1.Service, r *v1.Route) { r.Hosts = []string{"127.0.0.1"} }, true},
		"none of these is sent on": {keys, func(_ *v1.Service, r *v1.Route) {
			r.Hosts, r.PreserveHost = []string{"10.0.0.5", long}, false
		}, true},
	} {
		s := &v1.Service{
			Name: "web", Via: v1.Via{Host: "127.0.0.1", Port: 29000, TLS: true}, Routes: []v1.Route{{Name: "web.default", PreserveHost: true}},
			Endpoints: []v1.Endpoint{{ID: "a", Address: netip.MustParseAddrPort("10.0.0.1:80"), Weight: 1}},
		}
		c.change(s, &s.Routes[0])
		in := input()
		in.Hop = c.keys
		state, problems := Compile(in, v1.Set{"web": s}, v1.Shared{})
		if c.served != (len(problems) == 0) || !c.served && (problems[0].Reason != v1.NotExpressible || problems[0].Fix == "") {
			t.Errorf("%s: problems are %v", name, problems)
		}
		route := state[v1.Key{Kind: v1.KindRoute, Name: "web.default"}]
		if (route != nil) != c.served {
			t.Errorf("%s: the route is %v", name, route)
		}
		made := state[v1.Key{Kind: v1.KindService, Name: "web"}]
		if made != nil && (made.Fields["protocol"] != `"https"` && made.Fields["protocol"] != "https" || made.Fields["tls_verify"] != "true" || made.Fields["client_certificate"] == "") {
			t.Errorf("%s: in the clear: %v", name, made.Fields)
		}
	}
}
