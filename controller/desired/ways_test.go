package desired

import (
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestUnfit: by default nothing goes through the chain that Kong alone would serve and the
// chain would not, which is another thing over TLS.
func TestUnfit(t *testing.T) {
	t.Parallel()
	route := func(preserve bool, hosts ...string) []v1.Route {
		return []v1.Route{{PreserveHost: preserve, Hosts: hosts}}
	}
	for name, c := range map[string]struct {
		service     v1.Service
		plain, over string // part of what is said; "" where it goes
	}{
		"hosts":                   {v1.Service{Routes: route(true, "web.test", "*.web.test")}, "", ""},
		"no hosts":                {v1.Service{Routes: route(true)}, "", "without hosts"},
		"no hosts, and none sent": {v1.Service{Routes: route(false)}, "", ""},
		"an address":              {v1.Service{Routes: route(true, "web.test", "10.0.0.5")}, "", "an address"},
		"an underscore":           {v1.Service{Routes: route(true, "my_shop")}, "", "letters, digits"},
		"https":                   {v1.Service{Protocol: v1.HTTPS, Routes: route(true, "web.test")}, "there is no TLS", "other authorities"},
		"gRPC":                    {v1.Service{Protocol: v1.GRPC, Routes: route(true, "web.test")}, "", "speaks gRPC"},
		"source":                  {v1.Service{Balancing: v1.Balancing{Balance: v1.BalanceSource}}, "balance=source", "balance=source"},
	} {
		for i, want := range []string{c.plain, c.over} {
			chain := Chain{TLS: i == 1}
			if why := chain.unfit(&c.service); (why == "") != (want == "") || !strings.Contains(why, want) {
				t.Errorf("%s, over TLS %v: said is %q, want %q", name, chain.TLS, why, want)
			}
		}
	}
}

// TestHopIsTold: where the two speak TLS, both sides are told to, and people that they do.
func TestHopIsTold(t *testing.T) {
	t.Parallel()
	for _, over := range []bool{false, true} {
		b := &Builder{options: Options{Chain: Chain{Host: "edge", First: 1, Last: 1, TLS: over}}}
		said := b.through(Verdict{Gateway: v1.HAProxy, Reason: v1.Serving, Address: "10.0.0.1:80"}, v1.Kong, &v1.Service{Via: v1.Via{Host: "edge", Port: 1, TLS: over}})
		if strings.Contains(said.How, "at edge:1 over TLS, proven to each other") != over {
			t.Errorf("over TLS %v: %s", over, said.How)
		}
	}
}
