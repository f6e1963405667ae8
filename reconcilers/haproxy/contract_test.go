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
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/contract"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
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
		Priority     int                 `json:"regex_priority"`
		ID           string              `json:"id"`
		Redirect     int                 `json:"https_redirect_status_code"`
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

// contractOmissions are sets of routes that can't be asked for, with the reason.
func contractOmissions() map[string]string {
	const path, port, header, normal = "no field gives a service a path of its own", "no field names a port in a host",
		"no field takes a regular expression for a header", "Kong refuses these routes as well"
	return map[string]string{
		"strip with service path": path, "service path with slash": path, "path handling v1": path,
		"host with port": port, "header regex": header, "percent in paths": normal,
	}
}

// TestRoutesAsKong renders routes for a real HAProxy and compares its answers
// with those that a real Kong gave. Sets with a route that HAProxy can't
// express are left out: such a route is served nowhere here.
func TestRoutesAsKong(t *testing.T) {
	t.Parallel()
	file, err := os.Open(contract.Find(t, "routing.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b, _ := secured(t)
	if err := b.r.askProgram(t.Context()); err != nil {
		t.Fatal(err)
	}
	namesHost := b.r.can().namesHost
	var echoes []string // one for each route of a set
	exceptions, omissions, used := contractExceptions(), contractOmissions(), map[string]bool{}
	sets, left, asked, agreed := 0, 0, 0, 0
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		var c contractCase
		if err := json.Unmarshal(scanner.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for len(echoes) < len(c.Routes) {
			echoes = append(echoes, echo(t, len(echoes)))
		}
		set, why := c.services(t, echoes)
		if (why == "") != (omissions[c.Case] == "") {
			t.Errorf("%s: left out because of %q, expected %q", c.Case, why, omissions[c.Case])
		}
		if why != "" {
			left++
			continue
		}
		sets++
		b.set = set
		for _, service := range set {
			service.Routes[0].PreserveHost = service.Routes[0].PreserveHost || !namesHost
		}
		b.r.reloads.SetLimit(1000) // one set after the other, each a new world
		b.r.reloads.SetBurst(1000)
		c.load(b)
		for _, exchange := range c.Exchanges {
			asked++
			got := b.raw(exchange.Request.Method, exchange.Request.Path, exchange.Request.Headers)
			want := "404"
			if exchange.Response.Route != nil {
				i := c.index(t, *exchange.Response.Route)
				host := strings.Replace(deref(exchange.Response.Host), "127.0.0.1:18999", echoes[i], 1)
				want = fmt.Sprintf("200 %d %s %s", i, deref(exchange.Response.Path), host)
			} else if exchange.Request.Method == http.MethodHead && exchange.Response.Status == http.StatusOK {
				want, got = "200", got[:3] // the recording saw no body that told more
			} else if exchange.Response.Status != 404 {
				want = fmt.Sprint(exchange.Response.Status)
			}
			name := c.Case + ": " + exchange.Request.Method + " " + exchange.Request.Path + " " + exchange.Request.Headers["Host"]
			if !namesHost { // the Host alone is another
				got, want = withoutHost(got), withoutHost(want)
			}
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
	t.Logf("%d sets of routes, %d of %d requests answered as Kong did; %d sets can't be asked for", sets, agreed, asked, left)
	if asked == 0 {
		t.Fatal("no request was asked")
	}
}

// echo returns the address of a server that tells what it got.
func echo(t *testing.T, i int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Seen", fmt.Sprintf("%d %s %s", i, r.RequestURI, r.Host))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// index returns the place of a route in the set.
func (c *contractCase) index(t *testing.T, name string) int {
	t.Helper()
	for i, r := range c.Routes {
		if r.Name == name {
			return i
		}
	}
	t.Fatalf("%s has no route %s", c.Case, name)
	return -1
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// load brings HAProxy to the set, with what Kong's routes had and ours can't
// ask for: their own ids, the order of their paths, and regex_priority.
func (c *contractCase) load(b *bench) {
	b.t.Helper()
	wanted, problems := b.r.Compile(reconcilers.Scope{}, b.set, v1.Shared{})
	if len(problems) > 0 {
		b.t.Fatalf("%s: %v", c.Case, problems)
	}
	ids := uuid.NewSHA1(uuid.MustParse("fd02801f-0957-4a15-a55a-c8d9606f30b5"), []byte("routes"))
	for i, recorded := range c.Routes {
		key := v1.Key{Kind: object.KindRoute, Name: fmt.Sprintf("r%03d.default", i)}
		have, ok := wanted[key].Native.(*routemap.Route)
		if !ok {
			b.t.Fatalf("%s: no %s", c.Case, key)
		}
		if have.ID = recorded.ID; have.ID == "" {
			have.ID = uuid.NewSHA1(ids, []byte(recorded.Name)).String()
		}
		have.Paths, have.RegexPriority = recorded.Paths, recorded.Priority
	}
	observed, err := b.r.Observe(b.t.Context(), reconcilers.Scope{Fresh: true})
	if err != nil {
		b.t.Fatal(err)
	}
	outcomes, err := b.r.Apply(b.t.Context(), plan.Diff(observed, wanted))
	if err != nil {
		b.t.Fatalf("%s: %v", c.Case, err)
	}
	for _, outcome := range outcomes {
		if outcome.Problem != nil && outcome.Problem.Reason != v1.Draining {
			b.t.Fatalf("%s: %v", c.Case, outcome.Problem)
		}
	}
}

// services makes a service of each route, or says why one can't be expressed.
func (c *contractCase) services(t *testing.T, addresses []string) (v1.Set, string) {
	t.Helper()
	set := v1.Set{}
	for i, r := range c.Routes {
		d := v1.Route{
			Hosts: slices.Sorted(slices.Values(r.Hosts)), Paths: slices.Sorted(slices.Values(r.Paths)), Methods: r.Methods, Headers: r.Headers,
			// Kong's own defaults, not ours.
			Protocols: r.Protocols, HTTPSRedirectStatusCode: r.Redirect,
			StripPath: r.StripPath == nil || *r.StripPath, PreserveHost: r.PreserveHost != nil && *r.PreserveHost,
		}
		switch {
		case r.ServicePath != "" || r.PathHandling != "":
			return nil, "a service with a path, for which there is no field"
		}
		for _, host := range d.Hosts {
			if strings.Contains(host, ":") {
				return nil, "a host with a port, for which there is no field"
			}
		}
		d.Name = fmt.Sprintf("r%03d.default", i)
		if _, why := compiled(d); why != "" {
			return nil, why
		}
		name := fmt.Sprintf("r%03d", i)
		set[name] = &v1.Service{Name: name, Routes: []v1.Route{d}, Endpoints: []v1.Endpoint{endpoint(t, "e", addresses[i])}}
	}
	return set, ""
}

// withoutHost takes the Host off "status, server, path, host".
func withoutHost(answer string) string {
	words := strings.Fields(answer)
	return strings.Join(words[:min(3, len(words))], " ")
}

// raw sends a request as it stands and returns "status, server, path, host".
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
	return "200 " + response.Header.Get("Seen")
}
