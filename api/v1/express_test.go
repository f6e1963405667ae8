package v1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInexpressible(t *testing.T) {
	const slow = "~/(a+)+b"
	headers := map[string][]string{"X": {"1"}}
	for name, c := range map[string]struct {
		route   Route
		gateway Gateway
		want    []string
		cut     Route // what Expressible makes of it
	}{
		"kong takes all": {
			Route{Hosts: []string{"a"}, Paths: []string{"/", "~/a"}, Methods: []string{"GET"}, Headers: headers}, Kong, nil,
			Route{Hosts: []string{"a"}, Paths: []string{"/", "~/a"}, Methods: []string{"GET"}, Headers: headers},
		},
		"haproxy takes all that is quick to match": {
			Route{Hosts: []string{"*.a", "a.*"}, Paths: []string{"/a", "~/a"}, Methods: []string{"GET"}, Headers: headers, StripPath: true, Priority: 5}, HAProxy, nil,
			Route{Hosts: []string{"*.a", "a.*"}, Paths: []string{"/a", "~/a"}, Methods: []string{"GET"}, Headers: headers, StripPath: true, Priority: 5},
		},
		"haproxy takes nothing else": {
			Route{Hosts: []string{"a"}, Paths: []string{"/", "~/a", slow}, Methods: []string{"GET"}, Headers: headers}, HAProxy,
			[]string{"paths"}, Route{Hosts: []string{"a"}, Paths: []string{"/", "~/a"}, Methods: []string{"GET"}, Headers: headers},
		},
		"an optional field may be left out": {
			Route{Hosts: []string{"a"}, Paths: []string{slow}, Optional: []string{"paths"}}, HAProxy, nil,
			Route{Hosts: []string{"a"}, Optional: []string{"paths"}},
		},
		"one optional, one not": {
			Route{Hosts: []string{"a"}, Paths: []string{slow}, Optional: []string{"methods"}}, HAProxy, []string{"paths"},
			Route{Hosts: []string{"a"}, Optional: []string{"methods"}},
		},
		"of optional paths the others stay": {
			Route{Paths: []string{"/a", slow}, Optional: []string{"paths"}}, HAProxy, nil,
			Route{Paths: []string{"/a"}, Optional: []string{"paths"}},
		},
		"nothing left to match by": {
			Route{Paths: []string{slow}, Optional: []string{"paths"}}, HAProxy, []string{"paths"},
			Route{Optional: []string{"paths"}},
		},
		"maps and lists are left out alike": {
			Route{Methods: []string{"GET"}, Headers: headers, PreserveHost: true, Optional: []string{"headers", "methods"}}, "nginx", []string{"headers", "methods"},
			Route{PreserveHost: true, Optional: []string{"headers", "methods"}},
		},
		"an unknown gateway takes nothing": {
			Route{Hosts: []string{"a"}, StripPath: true}, "nginx", []string{"hosts", "preserve_host", "strip_path"},
			Route{PreserveHost: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.route
			if diff := cmp.Diff(c.want, Inexpressible(&c.route, c.gateway, nil)); diff != "" {
				t.Errorf("inexpressible fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.cut, Expressible(&c.route, c.gateway)); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, c.route); diff != "" {
				t.Errorf("the route itself was changed:\n%s", diff)
			}
		})
	}
}

func TestLeftOut(t *testing.T) {
	const slow = "~/(v[0-9]+/)+users"
	limit := []Plugin{{Name: "rate-limiting", Enabled: true, Optional: true}, {Name: "cors", Optional: true}}
	optional := []string{"paths"}
	for name, c := range map[string]struct {
		route   Route
		gateway Gateway
		want    []string
	}{
		"kong takes all":            {Route{Paths: []string{slow}, Optional: optional}, Kong, nil},
		"what is left out in part":  {Route{Paths: []string{slow, "/users"}, Optional: optional}, HAProxy, []string{"paths=" + slow, "plugins.rate-limiting"}},
		"what is left out as whole": {Route{Hosts: []string{"a"}, Paths: []string{slow}, Optional: optional}, HAProxy, []string{"paths", "plugins.rate-limiting"}},
		"a plugin of both":          {Route{Hosts: []string{"a"}, Plugins: limit[:1]}, HAProxy, []string{"plugins.rate-limiting"}},
	} {
		if diff := cmp.Diff(c.want, LeftOut(&c.route, c.gateway, limit)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got := LeftOutOfService(&Service{}, HAProxy); got != nil {
		t.Errorf("of nothing HAProxy leaves out %q", got)
	}
	connects := Service{HealthCheck: HealthCheck{Check: CheckTCP, CheckPassive: 5}}
	if diff := cmp.Diff([]string{"check", "check_passive"}, LeftOutOfService(&connects, Kong)); diff != "" {
		t.Errorf("a check that Kong never asks (-want +got):\n%s", diff)
	}
	if got := ExpressibleService(&connects, Kong).HealthCheck; got.Check != "" || got.CheckPassive != 0 {
		t.Errorf("Kong would ask %+v", got)
	}
}
