package fakekong

import (
	"testing"
	"time"
)

// TestWorkspaces: what is in one workspace is in no other; ids and authorities are those of all.
func TestWorkspaces(t *testing.T) {
	const one, two, three = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
	k := start(t, Options{NoListen: true, Workspaces: []string{"team"}})
	for _, c := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/", nil, 200},
		{"GET", "/team/kong", nil, 200},
		{"GET", "/default/kong", nil, 200},
		{"GET", "/kong", nil, 404},
		{"GET", "/team", nil, 404},
		{"GET", "/nobody/services", nil, 404},
		{"GET", "/team/status", nil, 200},
		{"GET", "/team/schemas/services", nil, 200},
		{"PUT", "/services/" + one, object{"name": "a", "host": "h"}, 200},
		{"PUT", "/team/services/" + two, object{"name": "a", "host": "h"}, 200}, // names are each workspace's own
		{"PUT", "/team/services/" + three, object{"name": "a", "host": "h"}, 409},
		{"PUT", "/team/services/" + one, object{"name": "b", "host": "h"}, 400}, // ids are not
		{"POST", "/team/services", object{"id": one, "name": "b", "host": "h"}, 400},
		{"GET", "/team/services/" + one, nil, 404},
		{"GET", "/default/services/" + one, nil, 200},
		{"POST", "/team/routes", object{"paths": []string{"/"}, "service": object{"id": one}}, 400},
		{"DELETE", "/team/services/" + one, nil, 204}, // as what is not there
		{"POST", "/team/ca_certificates", object{"id": one, "cert": issued(t, time.Hour, true)}, 201},
		{"GET", "/ca_certificates/" + one, nil, 200},
		{"DELETE", "/ca_certificates/" + one, nil, 204},
		{"DELETE", "/team/services/a", nil, 204},
		{"GET", "/services/a", nil, 200},
	} {
		if status, out := ask(t, k, c.method, c.path, c.body); status != c.status {
			t.Errorf("%s %s: %d %v, want %d", c.method, c.path, status, out, c.status)
		}
	}
}
