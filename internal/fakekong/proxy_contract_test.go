package fakekong

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recordedSet is a set of routes with the requests that a real Kong proxied, or its refusal of the routes.
type recordedSet struct {
	Case      string
	Routes    []map[string]any
	Refused   string
	Exchanges []struct {
		Request struct {
			Method, Path string
			Headers      map[string]string
		}
		Response map[string]any
	}
}

// TestRecordedProxying sends the recorded requests through the proxy itself, over the
// wire: each set of routes is pushed, each route has a server of its own behind it.
func TestRecordedProxying(t *testing.T) {
	k := start(t, Options{Mode: DBLess})
	servers := map[string]*httptest.Server{}
	requests := 0
	for _, set := range exchanges[recordedSet](t, "routing.jsonl") {
		var services []any
		for _, r := range set.Routes {
			name := text(r["name"])
			if servers[name] == nil {
				servers[name] = echo(t, name)
			}
			address := servers[name].URL + text(r["_service_path"])
			delete(r, "_service_path")
			services = append(services, object{"name": "for-" + name, "url": address, "routes": []any{r}})
		}
		status, body := push(t, k, object{"_format_version": "3.0", "services": services})
		if set.Refused != "" {
			var want, got any
			unmarshal(t, []byte(set.Refused), &want)
			unmarshal(t, body, &got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: refusal (-Kong +ours):\n%s", set.Case, diff)
			}
			continue
		}
		if status != http.StatusCreated {
			t.Fatalf("%s: push: %d %s", set.Case, status, body)
		}
		for _, x := range set.Exchanges {
			got := send(t, k, x.Request.Method, x.Request.Path, x.Request.Headers)
			if name, ok := got["route"].(string); ok && got["upstream_host"] == strings.TrimPrefix(servers[name].URL, "http://") {
				got["upstream_host"] = "127.0.0.1:18999" // the recorded service
			}
			if diff := cmp.Diff(x.Response, got); diff != "" {
				t.Errorf("%s: %s %s %v (-Kong +ours):\n%s", set.Case, x.Request.Method, x.Request.Path, x.Request.Headers, diff)
			}
			requests++
		}
	}
	t.Logf("%d requests proxied", requests)
}

// echo answers what it got, and the route that it stands behind.
func echo(t *testing.T, route string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(object{"route": route, "upstream_path": r.RequestURI, "upstream_host": r.Host})
	}))
	t.Cleanup(s.Close)
	return s
}

// push sends a whole configuration.
func push(t *testing.T, k *Kong, config object) (int, []byte) {
	t.Helper()
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post(k.AdminURL+"/config", "application/json", strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

// send writes a request to the proxy letter by letter, as Go's client would not.
func send(t *testing.T, k *Kong, method, path string, headers map[string]string) map[string]any {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(k.ProxyURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nConnection: close\r\n", method, path)
	for name, value := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	if _, err := io.WriteString(conn, b.String()+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := map[string]any{"route": nil, "upstream_path": nil, "upstream_host": nil}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK && len(body) > 0 {
		unmarshal(t, body, &out)
	}
	out["status"] = float64(resp.StatusCode)
	return out
}
