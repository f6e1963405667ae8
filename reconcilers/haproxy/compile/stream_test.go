package compile

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
)

// TestPassthroughDenied: labels get no TLS where the operator has not said so, and no
// name that HAProxy could not look up.
func TestPassthroughDenied(t *testing.T) {
	named := func(names ...string) v1.Service {
		return v1.Service{Protocol: v1.TLSPassthrough, Routes: []v1.Route{{Name: "a.default", SNIs: names}}}
	}
	made, problems := compiled(Input{Owner: "lockstep"}, named("one.test"))
	if made != nil || len(problems) != 1 || problems[0].Reason != v1.PolicyDenied || !strings.Contains(problems[0].Fix, "--haproxy-tls-passthrough") {
		t.Errorf("made %+v, problems: %v", made, problems)
	}
	in := Input{Owner: "lockstep", TLSPassthrough: true}
	if made, problems := compiled(in, named("one.test", "*.two.test")); made == nil || len(problems) > 0 || !slices.Equal(made.SNIs, []string{"*.two.test", "one.test"}) {
		t.Errorf("made %+v, problems: %v", made, problems)
	}
	for _, name := range []string{"*", "*.", "a.*", "*.*.test", "a|n", "*.a.b.c.d.e.f.g", "", strings.Repeat("a", 300)} {
		if made, problems := compiled(in, named(name)); made != nil || len(problems) != 1 || problems[0].Reason != v1.NotExpressible {
			t.Errorf("%q: made %+v, problems: %v", name, made, problems)
		}
	}
	for _, route := range []v1.Route{{Listen: []int{80}}, {SNIs: []string{"a.test"}, Listen: []int{80}}, {Hosts: []string{"a.test"}}} {
		route.Name = "a.default"
		if made, problems := compiled(in, v1.Service{Protocol: v1.TLSPassthrough, Routes: []v1.Route{route}}); made != nil || len(problems) != 1 {
			t.Errorf("%v: made %+v, problems: %v", route, made, problems)
		}
	}
}

// TestPorts: labels get the ports that the operator has named and nobody else has, and no route
// that takes no port comes to take requests.
func TestPorts(t *testing.T) {
	free, taken := bind.Address{Port: 5672}, bind.Address{Port: 5432}
	in := Input{
		Owner: "lockstep", Ports: []bind.Address{free, taken}, Taken: map[bind.Address]string{taken: "port 5432 is somebody's"},
		Listeners: map[int]string{8443: "internal"},
	}
	for _, test := range []struct {
		listen []int
		reason v1.Reason
		words  string
	}{
		{[]int{5672}, "", ""},
		{[]int{22, 5672}, v1.PolicyDenied, "port 22"},
		{[]int{5432}, v1.Conflict, "somebody's"},
		{[]int{8443}, v1.Conflict, "the Listener internal"},
		{nil, v1.NotExpressible, "needs ports"},
	} {
		made, problems := compiled(in, v1.Service{Protocol: v1.TCP, Routes: []v1.Route{{Name: "a.default", Listen: test.listen}}})
		if (made != nil) != (test.reason == "") || len(problems) > 1 {
			t.Errorf("%v: made %+v, problems: %v", test.listen, made, problems)
		}
		for _, problem := range problems {
			if problem.Reason != test.reason || !strings.Contains(problem.Message, test.words) || problem.Fix == "" {
				t.Errorf("%v: %+v", test.listen, problem)
			}
		}
	}
}
