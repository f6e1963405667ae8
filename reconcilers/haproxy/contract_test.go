package haproxy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// contractCase is one set of routes, and what a real Kong made of requests.
type contractCase struct {
	Case   string `json:"case"`
	Routes []struct {
		Name         string              `json:"name"`
		Hosts        []string            `json:"hosts"`
		Paths        []string            `json:"paths"`
		Methods      []string            `json:"methods"`
		Headers      map[string][]string `json:"headers"`
		Protocols    []string            `json:"protocols"`
		StripPath    *bool               `json:"strip_path"`
		PreserveHost *bool               `json:"preserve_host"`
		ServicePath  string              `json:"_service_path"`
		PathHandling string              `json:"path_handling"`
	} `json:"routes"`
	Exchanges []struct {
		Request struct {
			Headers map[string]string `json:"headers"`
			Method  string            `json:"method"`
			Path    string            `json:"path"`
		} `json:"request"`
		Response struct {
			Route  *string `json:"route"`
			Status int     `json:"status"`
			Path   *string `json:"upstream_path"`
			Host   *string `json:"upstream_host"`
		} `json:"response"`
	} `json:"exchanges"`
}

// contractExceptions are requests that HAProxy answers otherwise, with the reason.
func contractExceptions() map[string]string {
	return map[string]string{
		"no host header variants: GET http://a.test/x b.test": "HAProxy itself refuses a request whose URL and Host name different hosts (RFC 9112, 3.2.2)",
	}
}

// TestRoutesAsKong renders routes for a real HAProxy and compares its answers
// with those that a real Kong gave. Sets with a route that HAProxy can't
// express are left out: such a route is served nowhere here.
func TestRoutesAsKong(t *testing.T) {
	dir := os.Getenv("KONG_CONTRACT_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "kong-contract")
	}
	file, err := os.Open(filepath.Join(dir, "routing.jsonl"))
	if err != nil {
		t.Skipf("Kong's recorded answers are not here (KONG_CONTRACT_DIR): %v", err)
	}
	defer file.Close()
	b := managed(t)
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Seen-Path", r.RequestURI)
		w.Header().Set("Seen-Host", r.Host)
	}))
	t.Cleanup(echo.Close)
	address := echo.Listener.Addr().String()
	exceptions, used := contractExceptions(), map[string]bool{}
	sets, left, asked, agreed := 0, 0, 0, 0
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var c contractCase
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		set, ok := c.services(t, address)
		if !ok {
			left++
			continue
		}
		sets++
		b.set = set
		b.r.reloads.SetLimit(1000) // one set after the other, each a new world
		b.r.reloads.SetBurst(1000)
		b.sync()
		for _, exchange := range c.Exchanges {
			asked++
			got := b.raw(exchange.Request.Method, exchange.Request.Path, exchange.Request.Headers)
			want := "404"
			if exchange.Response.Route != nil {
				host := strings.Replace(deref(exchange.Response.Host), "127.0.0.1:18999", address, 1)
				want = fmt.Sprintf("200 %s %s", deref(exchange.Response.Path), host)
			} else if exchange.Response.Status != 404 {
				want = fmt.Sprint(exchange.Response.Status)
			}
			name := c.Case + ": " + exchange.Request.Method + " " + exchange.Request.Path + " " + exchange.Request.Headers["Host"]
			if got == want {
				agreed++
				continue
			}
			used[name] = true
			if exceptions[name] == "" {
				t.Errorf("%s: got %q, Kong %q", name, got, want)
			}
		}
	}
	if err := scanner.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range exceptions {
		if !used[name] {
			t.Errorf("the exception %q is none", name)
		}
	}
	t.Logf("%d sets of routes, %d of %d requests answered as Kong did; %d sets hold a route that HAProxy can't express", sets, agreed, asked, left)
	if asked == 0 {
		t.Fatal("no request was asked")
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// services makes a service of each route; false when one can't be expressed.
func (c *contractCase) services(t *testing.T, address string) (v1.Set, bool) {
	t.Helper()
	set := v1.Set{}
	for i, r := range c.Routes {
		d := v1.Route{
			Hosts: slices.Sorted(slices.Values(r.Hosts)), Paths: slices.Sorted(slices.Values(r.Paths)), Methods: r.Methods, Headers: r.Headers,
			// Kong's own defaults, not ours.
			StripPath: r.StripPath == nil || *r.StripPath, PreserveHost: r.PreserveHost != nil && *r.PreserveHost,
		}
		if r.ServicePath != "" || r.PathHandling != "" || len(r.Protocols) > 0 {
			return nil, false
		}
		for _, host := range d.Hosts {
			if strings.Contains(host, ":") {
				return nil, false
			}
		}
		d.Name = fmt.Sprintf("r%03d.default", i)
		if field, _ := inexpressible(&d); field != "" || checkRoute(&d) != nil {
			return nil, false
		}
		name := fmt.Sprintf("r%03d", i)
		set[name] = &v1.Service{Name: name, Routes: []v1.Route{d}, Endpoints: []v1.Endpoint{endpoint(t, "e", address)}}
	}
	return set, true
}

// raw sends a request as it stands and returns "status path host".
func (b *bench) raw(method, path string, headers map[string]string) string {
	b.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	var request strings.Builder
	fmt.Fprintf(&request, "%s %s HTTP/1.1\r\n", method, path)
	for name, value := range headers {
		fmt.Fprintf(&request, "%s: %s\r\n", name, value)
	}
	request.WriteString("Connection: close\r\n\r\n")
	if _, err := io.WriteString(conn, request.String()); err != nil {
		b.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Sprint(response.StatusCode)
	}
	return fmt.Sprintf("200 %s %s", response.Header.Get("Seen-Path"), response.Header.Get("Seen-Host"))
}
