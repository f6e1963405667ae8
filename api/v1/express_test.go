package v1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInexpressible(t *testing.T) {
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
		"haproxy takes hosts and prefixes": {
			Route{Hosts: []string{"*.a", "a.*"}, Paths: []string{"/a"}, StripPath: true, Priority: 5}, HAProxy, nil,
			Route{Hosts: []string{"*.a", "a.*"}, Paths: []string{"/a"}, StripPath: true, Priority: 5},
		},
		"haproxy takes nothing else": {
			Route{Hosts: []string{"a"}, Paths: []string{"/", "~/a"}, Methods: []string{"GET"}, Headers: headers}, HAProxy,
			[]string{"headers", "methods", "paths"}, Route{Hosts: []string{"a"}, Paths: []string{"/"}},
		},
		"optional fields may be left out": {
			Route{Hosts: []string{"a"}, Methods: []string{"GET"}, Headers: headers, Optional: []string{"headers", "methods"}}, HAProxy, nil,
			Route{Hosts: []string{"a"}, Optional: []string{"headers", "methods"}},
		},
		"one optional, one not": {
			Route{Hosts: []string{"a"}, Methods: []string{"GET"}, Headers: headers, Optional: []string{"methods"}}, HAProxy, []string{"headers"},
			Route{Hosts: []string{"a"}, Optional: []string{"methods"}},
		},
		"of optional paths the plain ones stay": {
			Route{Paths: []string{"/a", "~/b"}, Optional: []string{"paths"}}, HAProxy, nil,
			Route{Paths: []string{"/a"}, Optional: []string{"paths"}},
		},
		"nothing left to match by": {
			Route{Methods: []string{"GET"}, Paths: []string{"~/b"}, Optional: []string{"methods", "paths"}}, HAProxy, []string{"methods", "paths"},
			Route{Optional: []string{"methods", "paths"}},
		},
		"an unknown gateway takes nothing": {
			Route{Hosts: []string{"a"}, StripPath: true}, "nginx", []string{"hosts", "preserve_host", "strip_path"},
			Route{PreserveHost: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := c.route
			if diff := cmp.Diff(c.want, Inexpressible(c.route, c.gateway, nil)); diff != "" {
				t.Errorf("inexpressible fields (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.cut, Expressible(c.route, c.gateway)); diff != "" {
				t.Errorf("what is left (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, c.route); diff != "" {
				t.Errorf("the route itself was changed:\n%s", diff)
			}
		})
	}
}
