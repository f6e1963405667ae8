package kong

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/wire"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// TestNothingSecretIsShown plants secrets in every place that a request has
// and looks for them in errors and logs.
func TestNothingSecretIsShown(t *testing.T) {
	const secret = "planted-secret"
	var log bytes.Buffer
	faults := map[string]wire.Func{
		"refused":   func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"not Kong":  func(*http.Request) (*http.Response, error) { return wire.Reply(200, `<html>`), nil },
		"forbidden": func(*http.Request) (*http.Response, error) { return wire.Reply(401, `{"message":"Unauthorized"}`), nil },
		"broken":    func(*http.Request) (*http.Response, error) { return wire.Reply(500, `{"message":"oops"}`), nil },
		"redirect": func(*http.Request) (*http.Response, error) {
			return wire.Reply(302, ``, "Location", "http://elsewhere.test"), nil
		},
		"net.OpError": func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("no route")}
		},
	}
	for name, w := range faults {
		t.Run(name, func(t *testing.T) {
			o := options("http://admin:" + secret + "@kong.test:8001/base/")
			o.Token = func() (v1.Secret, error) { return v1.NewSecret(secret), nil }
			o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			asked := false
			o.Transport = wire.Func(func(r *http.Request) (*http.Response, error) {
				asked = true
				if _, password, _ := r.BasicAuth(); password != secret || r.Header.Get("Kong-Admin-Token") != secret {
					t.Error("the secrets don't reach Kong")
				}
				if r.URL.Host != "kong.test:8001" || !strings.HasPrefix(r.URL.Path, "/base/") {
					t.Errorf("asked %s", r.URL.Redacted())
				}
				return w(r)
			})
			r := open(t, o)
			_, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
			if !asked || err == nil {
				t.Fatalf("asked: %t, error: %v", asked, err)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, err)+log.String(), secret) {
				t.Errorf("a secret is shown: %v\n%s", err, log.String())
			}
			if reasonOf(err) != v1.GatewayUnreachable || !strings.Contains(err.Error(), "kong.test:8001") {
				t.Errorf("the error does not say what is wrong: %v", err)
			}
		})
	}
	for _, url := range []string{"ftp://a:" + secret + "@b", "http://a:" + secret + "@b:port", "kong:8001"} {
		if _, err := New(Options{AdminURLs: []string{url}, Owner: "o", Writer: "w"}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]Options{
		"--kong-admin-url": {Owner: "o", Writer: "w"},
		"owner":            {AdminURLs: []string{"http://k"}, Owner: "a.b", Writer: "w"},
		"writer":           {AdminURLs: []string{"http://k"}, Owner: "o", Writer: "a,b"},
	} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKongIsDown(t *testing.T) {
	url := nobody(t)
	r := open(t, options(url))
	_, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if reasonOf(err) != v1.GatewayUnreachable {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{url, "connection refused", "--kong-admin-url"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q: %v", want, err)
		}
	}
}

// TestNextNode: with several addresses of a cluster, the next is asked when one is down.
func TestNextNode(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.AdminURLs = []string{nobody(t), k.AdminURL}
	registry := prometheus.NewRegistry()
	o.Registerer = registry
	r := open(t, o)
	settled(t, r, setOf(service("a", 1)))
	const once = "# HELP lockstep_kong_retries_total Admin API requests that were sent again.\n# TYPE lockstep_kong_retries_total counter\nlockstep_kong_retries_total 1\n"
	if err := testutil.GatherAndCompare(registry, strings.NewReader(once), "lockstep_kong_retries_total"); err != nil {
		t.Errorf("want the one retry that found the node that is up: %v", err)
	}
	if n, err := testutil.GatherAndCount(registry, "lockstep_kong_requests_total"); err != nil || n == 0 {
		t.Errorf("%d series of requests, %v", n, err)
	}
}

// TestNextNodeOfAFailingOne: a node whose database is gone, or that hangs, keeps nothing
// from being done by another one of the same cluster.
func TestNextNodeOfAFailingOne(t *testing.T) {
	for name, fault := range map[string]fakekong.Fault{
		"hangs":       {Hang: true},
		"answers 503": {Status: http.StatusServiceUnavailable, Body: `{"message":"no database"}`},
	} {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{})
			ill, err := fakekong.New(fakekong.Options{AdminOf: k.AdminURL}) // a second node over the same database
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(ill.Close)
			end := &ending{Transport: &http.Transport{}}
			o := options(ill.AdminURL)
			o.AdminURLs, o.Transport = []string{ill.AdminURL, k.AdminURL}, end
			r := open(t, o)
			settled(t, r, setOf(service("a", 1)))
			ill.Hook(func(req *http.Request) fakekong.Fault {
				if fault.Hang {
					end.patience(req)
				}
				return fault
			})
			for range 2 { // the first may fail, and has the other node asked from then on
				_, _, err = round(t.Context(), r, setOf(service("a", 1, 2)))
			}
			if err != nil || !strings.Contains(k.World(), "10.0.0.2:80") {
				t.Errorf("%v:\n%s", err, k.World())
			}
			ill.Forget()
			if p := settled(t, r, setOf(service("a", 1, 2))); !p.Empty() || len(ill.Requests()) > 0 {
				t.Errorf("again: %s, and %d requests to the node that is ill", sentences(p), len(ill.Requests()))
			}
		})
	}
}

func TestOneNodeWithoutDatabase(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	o := options(k.AdminURL)
	o.AdminURLs = []string{k.AdminURL, k.AdminURL + "/"}
	_, err := open(t, o).Observe(t.Context(), reconcilers.Scope{})
	if reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "name nodes without a database") {
		t.Errorf("got %v", err)
	}
}

// TestBrokenDatabaseStopsTheRest: when Kong answers 500 to everything, not
// every change is tried to the end.
func TestBrokenDatabaseStopsTheRest(t *testing.T) {
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.Concurrency = 1
	r := open(t, o)
	settled(t, r, v1.Set{})
	var writes atomic.Int64
	k.Hook(func(req *http.Request) fakekong.Fault {
		if fakekong.Writing(req) {
			writes.Add(1)
			return fakekong.Fault{Status: 500}
		}
		return fakekong.Fault{}
	})
	set := v1.Set{}
	for n := range byte(20) {
		s := service(fmt.Sprintf("s%d", n), n)
		set[s.Name] = s
	}
	_, outcomes, err := round(t.Context(), r, set)
	if err != nil || len(outcomes) != 80 {
		t.Fatalf("%d outcomes, %v", len(outcomes), err)
	}
	if got := int(writes.Load()); got > patienceWith5xx*o.Attempts {
		t.Errorf("%d tries", got)
	}
}

// TestGroupWithMembers: Kong Enterprise answers for a consumer group with what is in it.
func TestGroupWithMembers(t *testing.T) {
	o := options("http://kong.test")
	o.Transport = wire.Func(func(*http.Request) (*http.Response, error) {
		return wire.Reply(200, `{"consumer_group": {"id": "one", "name": "gold", "tags": null}, "consumers": [], "plugins": []}`), nil
	})
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	body, err := (&batch{Reconciler: r}).find(t.Context(), &entity.Record{Row: entity.RowOf(r.rows, "consumer_group")}, "gold")
	if err != nil || body["id"] != "one" || body["name"] != "gold" {
		t.Errorf("found is %v, %v", body, err)
	}
}
