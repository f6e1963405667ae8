package routing_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/lockstep/lockstep/internal/contract"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// recording is one set of routes with the requests that a real Kong answered.
type recording struct {
	Case   string
	Routes []struct {
		ID            string              `json:"id"`
		Name          string              `json:"name"`
		Protocols     []string            `json:"protocols"`
		Methods       []string            `json:"methods"`
		Hosts         []string            `json:"hosts"`
		Paths         []string            `json:"paths"`
		SNIs          []string            `json:"snis"`
		Headers       map[string][]string `json:"headers"`
		RegexPriority int                 `json:"regex_priority"`
		StripPath     *bool               `json:"strip_path"`
		PreserveHost  bool                `json:"preserve_host"`
		Redirect      int                 `json:"https_redirect_status_code"`
		ServicePath   string              `json:"_service_path"`
	}
	Refused   string
	Exchanges []struct {
		Request struct {
			Method, Path string
			Headers      map[string]string
		}
		Response struct {
			Status       int
			Route        *string
			UpstreamPath *string `json:"upstream_path"`
			UpstreamHost *string `json:"upstream_host"`
		}
	}
}

// verdict is what a recorded answer tells about a decision.
type verdict struct {
	Status   int
	Route    string
	Path     string
	KeptHost string // the Host of the request, where the upstream got it
}

// service is the address of the recorded services: the upstream's Host unless the route keeps the request's.
const service = "127.0.0.1:18999"

func TestRecordedRouting(t *testing.T) {
	requests := 0
	for _, rec := range recordings(t) {
		t.Run(rec.Case, func(t *testing.T) {
			if rec.Refused != "" {
				refused(t, rec)
				return
			}
			table, err := routing.New(routesOf(rec))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range rec.Exchanges {
				header := http.Header{}
				for name, value := range x.Request.Headers {
					header.Set(name, value)
				}
				d := table.Decide(routing.Request{
					Method: x.Request.Method, Host: x.Request.Headers["Host"], Target: x.Request.Path, Header: header,
				})
				want, got := recorded(x.Response.Status, x.Response.Route, x.Response.UpstreamPath, x.Response.UpstreamHost), verdict{Status: d.Status}
				if d.Status == 0 {
					got = verdict{Status: 200, Route: d.Route.Name, Path: d.Target}
					if d.Route.PreserveHost {
						got.KeptHost = x.Request.Headers["Host"]
					}
				}
				if x.Request.Method == http.MethodHead && want.Route == "" {
					got = verdict{Status: got.Status} // the recording saw no body that told more
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s %v (-Kong +ours):\n%s", x.Request.Method, x.Request.Path, x.Request.Headers, diff)
				}
				requests++
			}
		})
	}
	t.Logf("%d requests decided", requests)
}

func recorded(status int, route, path, host *string) verdict {
	v := verdict{Status: status}
	if route != nil {
		v.Route = *route
	}
	if path != nil {
		v.Path = *path
	}
	if host != nil && *host != service {
		v.KeptHost = *host
	}
	return v
}

// refused checks that a set that Kong didn't take has a path out of normal form.
func refused(t *testing.T, rec recording) {
	t.Helper()
	for _, r := range rec.Routes {
		for _, p := range r.Paths {
			if routing.Normalize(p) != p {
				return
			}
		}
	}
	t.Errorf("Kong refuses these routes: %s", rec.Refused)
}

func routesOf(rec recording) []routing.Route {
	space := uuid.NewSHA1(uuid.MustParse("fd02801f-0957-4a15-a55a-c8d9606f30b5"), []byte("routes"))
	var out []routing.Route
	for _, r := range rec.Routes {
		id := r.ID
		if id == "" {
			id = uuid.NewSHA1(space, []byte(r.Name)).String()
		}
		out = append(out, routing.Route{
			ID: id, Name: r.Name, Protocols: r.Protocols, Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths, SNIs: r.SNIs,
			Headers: r.Headers, RegexPriority: r.RegexPriority, StripPath: r.StripPath == nil || *r.StripPath,
			PreserveHost: r.PreserveHost, Redirect: r.Redirect, ServicePath: r.ServicePath,
		})
	}
	return out
}

// recordings reads the recording beside the repository, or skips the test.
func recordings(t *testing.T) []recording {
	t.Helper()
	data, err := os.ReadFile(contract.Find(t, "routing.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var out []recording
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}
