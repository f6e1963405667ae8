package fakekong

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// serveUpstream makes a service with a route for everything, over an upstream with these targets.
func serveUpstream(t *testing.T, k *Kong, upstream object, weights map[string]int) {
	t.Helper()
	upstream["name"] = "up.test"
	must(t, k, "POST", "/upstreams", upstream)
	for _, address := range slices.Sorted(maps.Keys(weights)) {
		must(t, k, "POST", "/upstreams/up.test/targets", object{"target": address, "weight": weights[address]})
	}
	must(t, k, "POST", "/services", object{"name": "s", "host": "up.test"})
	must(t, k, "POST", "/services/s/routes", object{"name": "r", "paths": []string{"/"}, "strip_path": false})
}

func addressOf(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// deadAddress is one that refuses connections.
func deadAddress(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(nil)
	s.Close()
	return addressOf(s)
}

func TestWeights(t *testing.T) {
	k := start(t, Options{})
	a, b, c := echo(t, "a"), echo(t, "b"), echo(t, "c")
	serveUpstream(t, k, object{}, map[string]int{addressOf(a): 30, addressOf(b): 10, addressOf(c): 0})
	got := map[string]int{}
	for range 40 {
		_, body := get(t, k.ProxyURL+"/x")
		var answer struct{ Route string }
		unmarshal(t, []byte(body), &answer)
		got[answer.Route]++
	}
	if diff := cmp.Diff(map[string]int{"a": 30, "b": 10}, got); diff != "" {
		t.Errorf("requests by target (-want +got):\n%s", diff)
	}
}

func TestNoTarget(t *testing.T) {
	k := start(t, Options{})
	serveUpstream(t, k, object{}, map[string]int{"127.0.0.1:9": 0})
	code, body := get(t, k.ProxyURL+"/")
	if code != 503 || !strings.Contains(body, `"failure to get a peer from the ring-balancer"`) {
		t.Errorf("%d %s", code, body)
	}
}

func TestUnhealthyTarget(t *testing.T) {
	k := start(t, Options{})
	a, b := echo(t, "a"), echo(t, "b")
	checks := object{"passive": object{"unhealthy": object{"tcp_failures": 1}}}
	serveUpstream(t, k, object{"healthchecks": checks}, map[string]int{addressOf(a): 1, addressOf(b): 1})
	must(t, k, "PUT", "/upstreams/up.test/targets/"+addressOf(a)+"/unhealthy", nil)
	for range 4 {
		if _, body := get(t, k.ProxyURL+"/"); !strings.Contains(body, `"route":"b"`) {
			t.Errorf("an unhealthy target answered: %s", body)
		}
	}
	health := must(t, k, "GET", "/upstreams/up.test/health", nil)
	states := map[string]int{}
	for _, target := range rowsOf(health) {
		states[text(target["health"])]++
	}
	if diff := cmp.Diff(map[string]int{"HEALTHY": 1, "UNHEALTHY": 1}, states); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
}

func TestRetriesPassOverDeadTargets(t *testing.T) {
	k := start(t, Options{})
	a := echo(t, "a")
	serveUpstream(t, k, object{}, map[string]int{addressOf(a): 1, deadAddress(t): 1000})
	for _, method := range []string{"GET", "POST"} {
		r, err := http.NewRequest(method, k.ProxyURL+"/", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d although a target is alive", method, resp.StatusCode)
		}
	}
	must(t, k, "PATCH", "/services/s", object{"retries": 0})
	if code, _ := get(t, k.ProxyURL+"/"); code != 502 {
		t.Errorf("%d without retries", code)
	}
}

func TestUpstreamSees(t *testing.T) {
	seen := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	t.Cleanup(server.Close)
	k := start(t, Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "web.test:8080" {
			t.Errorf("dials %s", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, addressOf(server))
	}})
	must(t, k, "POST", "/services", object{"name": "web", "url": "http://web.test:8080/base"})
	must(t, k, "POST", "/services/web/routes", object{"name": "r", "paths": []string{"/shop"}})
	r, err := http.NewRequest("GET", k.ProxyURL+"/shop/cart?a=1;b", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "shop.test"
	r.Header.Set("X-Forwarded-For", "192.0.2.1")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	got := <-seen
	want := map[string]string{
		"uri": "/base/cart?a=1;b", "Host": "web.test:8080", "X-Forwarded-For": "192.0.2.1, 127.0.0.1", "X-Forwarded-Proto": "http",
		"X-Forwarded-Host": "shop.test", "X-Forwarded-Path": "/shop/cart?a=1;b", "X-Forwarded-Prefix": "/shop", "X-Real-Ip": "127.0.0.1",
		"Via": "1.1 kong/3.9.1",
	}
	is := map[string]string{"uri": got.RequestURI, "Host": got.Host}
	for name := range want {
		if is[name] == "" {
			is[name] = got.Header.Get(name)
		}
	}
	if diff := cmp.Diff(want, is); diff != "" {
		t.Errorf("the upstream sees (-want +got):\n%s", diff)
	}
	if resp.Header.Get("X-Kong-Request-Id") == "" || resp.Header.Get("Via") != via {
		t.Errorf("the client sees %v", resp.Header)
	}
}

func TestLateRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := start(t, Options{NoListen: true, RouteDelay: 5 * time.Second})
		status := func() int {
			w := httptest.NewRecorder()
			k.ProxyHandler().ServeHTTP(w, httptest.NewRequest("GET", "http://x.test/", nil))
			return w.Code
		}
		must(t, k, "PUT", "/routes/r", object{"paths": []string{"/"}})
		pass(5*time.Second - 1)
		if got := status(); got != 404 {
			t.Errorf("%d before the delay is over", got)
		}
		pass(1)
		if got := status(); got != 503 {
			t.Errorf("%d after the delay", got)
		}
		must(t, k, "DELETE", "/routes/r", nil)
		if got := status(); got != 503 {
			t.Errorf("%d right after the deletion", got)
		}
		pass(5 * time.Second)
		if got := status(); got != 404 {
			t.Errorf("%d long after the deletion", got)
		}
	})
}

// pass lets the time of a synctest bubble go on, and then all that waited for it.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestManyAtOnce is for the race detector: writers, readers and clients of the proxy together.
func TestManyAtOnce(t *testing.T) {
	k := start(t, Options{})
	a := echo(t, "a")
	serveUpstream(t, k, object{}, map[string]int{addressOf(a): 1})
	var wg sync.WaitGroup
	for i := range 8 {
		name := "n" + string(rune('a'+i))
		wg.Go(func() {
			for range 10 {
				body, err := json.Marshal(object{"paths": []string{"/" + name}, "service": object{"name": "s"}})
				if err != nil {
					t.Error(err)
					return
				}
				r := httptest.NewRequest("PUT", "/routes/"+name, strings.NewReader(string(body)))
				k.AdminHandler().ServeHTTP(httptest.NewRecorder(), r)
				resp, err := http.Get(k.ProxyURL + "/" + name)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Errorf("%s: %d", name, resp.StatusCode)
				}
				_, _, _ = k.World(), k.Requests(), k.Writes()
			}
		})
	}
	wg.Wait()
}
