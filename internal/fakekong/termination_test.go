package fakekong

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// proxied sends one request to the proxy, without a network.
func proxied(t *testing.T, k *Kong, host string, header ...string) (int, string, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/a", nil)
	r.Host = host
	r.RequestURI = "/a"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	k.ProxyHandler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header().Get("Content-Type"), string(body)
}

// TestTermination: the plugin answers in the place of the upstream, that of a route before
// that of its service and that for all.
func TestTermination(t *testing.T) {
	k := start(t, Options{NoListen: true})
	must(t, k, "POST", "/services", object{"name": "s", "host": "nowhere.test"})
	for _, host := range []string{"a", "b"} {
		must(t, k, "POST", "/services/s/routes", object{"name": host, "hosts": []string{host + ".test"}, "tags": []string{"one"}})
	}
	must(t, k, "POST", "/plugins", object{"name": "request-termination", "config": object{"status_code": 403}})
	if status, _, body := proxied(t, k, "c.test"); status != 404 || !strings.Contains(body, "no Route matched") {
		t.Errorf("without a route: %d %s", status, body)
	}
	if status, kind, body := proxied(t, k, "a.test"); status != 403 || kind != jsonType || body != "" {
		t.Errorf("for all: %d %s %q", status, kind, body)
	}
	must(t, k, "POST", "/services/s/plugins", object{"name": "request-termination", "config": object{"message": "closed"}})
	if status, _, body := proxied(t, k, "a.test"); status != 503 || body != `{"message":"closed"}` {
		t.Errorf("of the service: %d %s", status, body)
	}
	must(t, k, "POST", "/routes/a/plugins", object{"name": "request-termination", "config": object{"status_code": 200, "body": "<p>", "content_type": "text/html", "trigger": "x-on"}})
	if status, kind, body := proxied(t, k, "a.test", "X-On", "1"); status != 200 || kind != "text/html" || body != "<p>" {
		t.Errorf("of the route: %d %s %s", status, kind, body)
	}
	must(t, k, "POST", "/routes/b/plugins", object{"name": "request-termination", "config": object{"status_code": 200, "message": "hello", "echo": true}})
	pids := map[float64]bool{}
	for range 4 {
		status, _, body := proxied(t, k, "b.test", "X-One", "two")
		var said struct {
			Message string
			Kong    struct {
				WorkerPID float64 `json:"worker_pid"`
			}
			Request struct{ Headers map[string]string }
			Route   struct{ Tags []string } `json:"matched_route"`
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil || status != 200 || said.Message != "hello" || said.Request.Headers["x-one"] != "two" || len(said.Route.Tags) != 1 {
			t.Fatalf("%d %s, %v", status, body, err)
		}
		pids[said.Kong.WorkerPID] = true
	}
	if len(pids) != 2 {
		t.Errorf("it is answered by the workers %v", pids)
	}
}

// TestTerminationOverHTTP2: Kong reads no body of such a request without a Content-Length.
func TestTerminationOverHTTP2(t *testing.T) {
	k := start(t, Options{NoListen: true})
	must(t, k, "POST", "/routes", object{"name": "a", "paths": []string{"/"}})
	must(t, k, "POST", "/routes/a/plugins", object{"name": "request-termination", "config": object{"status_code": 200, "echo": true}})
	server := httptest.NewUnstartedServer(k.ProxyHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	for method, want := range map[string]int{http.MethodGet: 500, http.MethodPost: 200} { // Go tells the length of the latter
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/?one=two", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(response.Body)
		if response.Body.Close(); err != nil || response.ProtoMajor != 2 || response.StatusCode != want {
			t.Errorf("%s: %s %s, %v", method, response.Proto, response.Status, err)
		}
		if want == 200 && !strings.Contains(string(said), `"query":{"one":"two"}`) {
			t.Errorf("it echoes %s", said)
		}
	}
}

// TestPluginDelay: routes and plugins take effect each after its own time.
func TestPluginDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, err := New(Options{NoListen: true, RouteDelay: time.Second, PluginDelay: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		must(t, k, "POST", "/routes", object{"name": "a", "hosts": []string{"a.test"}})
		must(t, k, "POST", "/routes/a/plugins", object{"name": "request-termination", "config": object{"status_code": 200}})
		for _, want := range []int{404, 503, 200} {
			if status, _, body := proxied(t, k, "a.test"); status != want {
				t.Errorf("%d, want %d: %s", status, want, body)
			}
			time.Sleep(1001 * time.Millisecond) //nolint:forbidigo // in a bubble
			synctest.Wait()
		}
	})
}
