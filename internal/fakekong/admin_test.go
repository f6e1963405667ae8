package fakekong

import (
	"strings"
	"testing"
	"time"
)

// TestStrictness holds, without the recording, the answers that clients trip over.
func TestStrictness(t *testing.T) {
	const one, two = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	k := start(t, Options{NoListen: true})
	authority := issued(t, time.Hour, true)
	for _, c := range []struct {
		method, path string
		body         any
		status       int
		code         float64 // 0: none
	}{
		{"PUT", "/services/" + one, object{"name": "a", "host": "h", "retries": 9}, 200, 0},
		{"PUT", "/services/" + one, object{"name": "a", "host": "h"}, 200, 0}, // retries are 5 again, see below
		{"PUT", "/services/" + two, object{"name": "a", "host": "h"}, 409, 5},
		{"POST", "/services", object{"id": one, "name": "b", "host": "h"}, 400, 3},
		{"POST", "/services", object{"name": "b"}, 400, 2},
		{"POST", "/services", object{"name": "b", "host": "h", "odd": 1}, 400, 2},
		{"PATCH", "/services/missing", object{"retries": 1}, 404, 6},
		{"DELETE", "/services/missing", nil, 204, 0},
		{"POST", "/routes", object{"name": "r", "service": object{"name": "a"}, "paths": []string{"/"}}, 201, 0},
		{"POST", "/routes", object{"name": "r2", "service": object{"id": two}, "paths": []string{"/"}}, 400, 4},
		{"POST", "/routes", object{"name": "r2", "paths": []string{"/a%20b"}}, 400, 2},
		{"POST", "/routes", object{"name": "r2", "paths": []string{"~/("}}, 400, 2},
		{"DELETE", "/services/a", nil, 400, 4},
		{"DELETE", "/routes/r", nil, 204, 0},
		{"DELETE", "/services/a", nil, 204, 0},
		{"POST", "/upstreams", object{"name": "u"}, 201, 0},
		{"PUT", "/upstreams/u/targets/" + one, object{"target": "10.0.0.1:80"}, 404, 0},
		{"POST", "/upstreams/u/targets", object{"id": one, "target": "10.0.0.1:80"}, 201, 0},
		{"POST", "/upstreams/u/targets", object{"id": one, "target": "10.0.0.1:80"}, 400, 3},
		{"POST", "/upstreams/u/targets", object{"id": two, "target": "10.0.0.1:80"}, 409, 5},
		{"PUT", "/upstreams/u/targets/" + one, object{"target": "10.0.0.2:80"}, 200, 0},
		{"GET", "/upstreams/u/targets/10.0.0.2:80", nil, 200, 0},
		{"DELETE", "/upstreams/u/targets/10.0.0.9:80", nil, 404, 0},
		{"GET", "/targets", nil, 404, 0},
		{"DELETE", "/upstreams/u", nil, 204, 0},
		{"GET", "/services?tags=a,b/c", nil, 400, 11},
		{"GET", "/services?size=0", nil, 400, 9},
		{"GET", "/consumer_groups", nil, 404, 0},
		{"POST", "/plugins", object{"name": "nope"}, 400, 2},
		{"PUT", "/consumers/bob", object{}, 200, 0},
		{"POST", "/consumers/bob/key-auth", object{"key": "k"}, 201, 0},
		{"PUT", "/consumers/amy", object{}, 200, 0},
		{"DELETE", "/consumers/amy/key-auth/k", nil, 404, 0}, // it is bob's
		{"DELETE", "/consumers/bob/key-auth/none", nil, 404, 0},
		{"DELETE", "/consumers/bob", nil, 204, 0},
		{"POST", "/routes", object{"protocols": []string{"tls_passthrough"}, "snis": []string{"a.*.test"}}, 400, 2},
		{"POST", "/routes", object{"protocols": []string{"tls_passthrough"}, "snis": []string{"*.*.test"}}, 400, 2},
		{"PUT", "/routes/pass", object{"protocols": []string{"tls_passthrough"}, "snis": []string{"*.a.test", "a.*"}}, 200, 0},
		{"DELETE", "/routes/pass", nil, 204, 0},
		{"POST", "/ca_certificates", object{"id": one, "cert": authority}, 201, 0},
		{"POST", "/ca_certificates", object{"cert": authority + authority}, 400, 2},
		{"POST", "/ca_certificates", object{"cert": issued(t, time.Hour, false)}, 400, 2},
		{"POST", "/ca_certificates", object{"cert": issued(t, -time.Hour, true)}, 400, 2},
		{"PUT", "/services/tls", object{"host": "h", "protocol": "https", "ca_certificates": []string{one}}, 200, 0},
		{"DELETE", "/ca_certificates/" + one, nil, 400, 19},
		{"DELETE", "/services/tls", nil, 204, 0},
		{"DELETE", "/ca_certificates/" + one, nil, 204, 0},
		{"DELETE", "/consumers/amy", nil, 204, 0},
		{"GET", "/key-auths/k", nil, 404, 0},
		{"POST", "/config", object{"_format_version": "3.0"}, 400, 0},
	} {
		status, out := ask(t, k, c.method, c.path, c.body)
		if code, _ := out["code"].(float64); status != c.status || code != c.code {
			t.Errorf("%s %s: %d %v, want %d with code %v", c.method, c.path, status, out, c.status, c.code)
		}
		if retries := out["retries"]; status == 200 && retries != nil && strings.Contains(c.path, one) {
			if body, _ := c.body.(object); body["retries"] == nil && retries != 5.0 {
				t.Errorf("a replaced service kept its retries: %v", retries)
			}
		}
	}
	if w := k.World(); w != "" {
		t.Errorf("left over:\n%s", w)
	}
}

// TestPasswordsAreHashedAgain: whoever writes back what was read changes it.
func TestPasswordsAreHashedAgain(t *testing.T) {
	const id = "11111111-1111-4111-8111-111111111111"
	k := start(t, Options{NoListen: true})
	must(t, k, "PUT", "/consumers/bob", object{})
	path := "/consumers/bob/basic-auth/" + id
	first := must(t, k, "PUT", path, object{"username": "bob", "password": "pw"})["password"]
	if tagged := must(t, k, "PATCH", path, object{"tags": []string{"a"}})["password"]; tagged != first {
		t.Errorf("a tag makes %v of %v", tagged, first)
	}
	if again := must(t, k, "PUT", path, object{"username": "bob", "password": first})["password"]; again == first || first == "pw" {
		t.Errorf("%v became %v", first, again)
	}
}

// TestReadOnlyWithoutDatabase holds how writes are refused.
func TestReadOnlyWithoutDatabase(t *testing.T) {
	k := start(t, Options{Mode: DBLess})
	push(t, k, object{"_format_version": "3.0", "services": []any{object{"name": "a", "host": "h"}}})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "/services", 405}, {"PUT", "/services/a", 405}, {"PATCH", "/services/a", 405}, {"DELETE", "/services/a", 405},
		{"DELETE", "/services/b", 204}, {"PATCH", "/services/b", 404}, {"DELETE", "/config", 405},
	} {
		if status, out := ask(t, k, c.method, c.path, object{"name": "a", "host": "h"}); status != c.status {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, out)
		}
	}
	before := k.World()
	if status, _ := push(t, k, object{"_format_version": "3.0", "services": []any{object{"name": "b"}}}); status != 400 || k.World() != before {
		t.Errorf("a bad configuration: %d, and the world is\n%s", status, k.World())
	}
}
