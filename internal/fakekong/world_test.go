package fakekong

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWorld(t *testing.T) {
	k := start(t, Options{NoListen: true})
	must(t, k, "POST", "/upstreams", object{"name": "up.test", "id": "11111111-1111-4111-8111-111111111111", "slots": 100})
	must(t, k, "POST", "/upstreams/up.test/targets", object{"target": "10.0.0.1:80", "weight": 7, "tags": []string{"x"}})
	must(t, k, "PUT", "/services/web", object{"host": "up.test"})
	must(t, k, "PUT", "/routes/r", object{"service": object{"name": "web"}, "paths": []string{"/"}})
	must(t, k, "POST", "/services/web/plugins", object{"name": "cors", "config": object{"origins": []string{"*"}}})
	want := `service web
  connect_timeout: 60000
  enabled: true
  host: "up.test"
  name: "web"
  port: 80
  protocol: "http"
  read_timeout: 60000
  retries: 5
  write_timeout: 60000
route r
  https_redirect_status_code: 426
  name: "r"
  path_handling: "v0"
  paths: ["/"]
  preserve_host: false
  protocols: ["http","https"]
  regex_priority: 0
  request_buffering: true
  response_buffering: true
  service: "web"
  strip_path: true
plugin cors, service web
  config: {"credentials":false,"methods":["GET","HEAD","PUT","PATCH","POST","DELETE","OPTIONS","TRACE","CONNECT"],"origins":["*"],"preflight_continue":false,"private_network":false}
  enabled: true
  name: "cors"
  protocols: ["grpc","grpcs","http","https"]
  service: "web"
upstream up.test
  algorithm: "round-robin"
  hash_fallback: "none"
  hash_on: "none"
  hash_on_cookie_path: "/"
  name: "up.test"
  slots: 100
  use_srv_name: false
target upstream up.test, 10.0.0.1:80
  tags: ["x"]
  target: "10.0.0.1:80"
  upstream: "up.test"
  weight: 7
`
	if diff := cmp.Diff(want, k.World("id", "healthchecks")); diff != "" {
		t.Errorf("world (-want +got):\n%s", diff)
	}
}

// TestPathIndependentWorld: the same entities by other ways are the same text.
func TestPathIndependentWorld(t *testing.T) {
	a, b := start(t, Options{NoListen: true}), start(t, Options{NoListen: true})
	for i := range 3 {
		must(t, a, "PUT", fmt.Sprintf("/services/s%d", i), object{"host": "h"})
	}
	for i := 3; i > 0; i-- {
		must(t, b, "PUT", fmt.Sprintf("/services/s%d", i), object{"host": "other"})
		must(t, b, "PUT", fmt.Sprintf("/services/s%d", i-1), object{"host": "h"})
	}
	must(t, b, "DELETE", "/services/s3", nil)
	for i := range 3 {
		must(t, b, "PATCH", fmt.Sprintf("/services/s%d", i), object{"host": "h"})
	}
	if diff := cmp.Diff(a.World("id"), b.World("id")); diff != "" {
		t.Errorf("worlds differ:\n%s", diff)
	}
	if a.World() == b.World() {
		t.Error("made-up ids don't show in World()")
	}
}

func TestPages(t *testing.T) {
	k := start(t, Options{NoListen: true})
	for i := range 23 {
		must(t, k, "PUT", fmt.Sprintf("/services/s%d", i), object{"host": "h", "tags": []string{"x", fmt.Sprint(i % 2)}})
	}
	for query, want := range map[string]int{"size=5": 23, "size=23": 23, "size=1000": 23, "size=3&tags=x,1": 11, "size=4&tags=0/1": 23} {
		seen := map[string]bool{}
		for next := "/services?" + query; next != ""; {
			page := must(t, k, "GET", next, nil)
			next = text(page["next"])
			if u, err := url.Parse(next); err != nil || next != "" && u.Query().Get("offset") != page["offset"] {
				t.Fatalf("%s: next is %q, offset %q", query, next, page["offset"])
			}
			for _, e := range rowsOf(page) {
				seen[text(e["id"])] = true
			}
		}
		if len(seen) != want {
			t.Errorf("%s: %d services on all pages, want %d", query, len(seen), want)
		}
	}
}

func TestTaggedListsWithoutDatabase(t *testing.T) {
	k := start(t, Options{Mode: DBLess})
	service := object{"name": "a", "host": "a.test", "tags": []string{"x"}}
	push(t, k, object{"_format_version": "3.0", "services": []any{service}})
	if got := must(t, k, "GET", "/services?tags=x", nil); len(rowsOf(got)) != 1 {
		t.Errorf("got %v", got)
	}
	service["routes"] = []any{object{"name": "r", "paths": []string{"/"}}}
	push(t, k, object{"_format_version": "3.0", "services": []any{service}})
	if code, _ := ask(t, k, "GET", "/services?tags=x", nil); code != 500 {
		t.Errorf("%d although a route has no tags", code)
	}
}

func TestCheckHash(t *testing.T) {
	k := start(t, Options{Mode: DBLess, NoListen: true})
	config := object{"config": `{"_format_version": "3.0", "services": [{"name": "a", "host": "a.test"}]}`}
	for i, want := range []int{201, 304, 304} {
		if code, _ := ask(t, k, "POST", "/config?check_hash=1", config); code != want {
			t.Errorf("push %d as text: %d", i, code)
		}
	}
	asJSON := object{"_format_version": "3.0", "services": []any{object{"name": "a", "host": "a.test"}}}
	for i := range 2 {
		if code, _ := ask(t, k, "POST", "/config?check_hash=1", asJSON); code != 201 {
			t.Errorf("push %d as JSON: %d", i, code)
		}
	}
	if code, out := ask(t, k, "POST", "/config", object{"_format_version": "3.0", "_info": object{}}); code != 400 {
		t.Errorf("_info: %d %v", code, out)
	}
}
