package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// readers answer what a test wants.
func readers(ready bool) Readers {
	return Readers{
		Ready:  func() (bool, string) { return ready, "kong: nothing is applied yet" },
		Status: func() status.Report { return status.Report{Version: "1", Owner: "lockstep", Ready: ready} },
		Await: func(ctx context.Context, revision uint64) {
			if revision == 7 { // the one that is now
				<-ctx.Done()
			}
		},
		Explain: func(_ context.Context, ref string) (status.Explanation, error) {
			switch ref {
			case "web":
				return status.Explanation{Subject: ref}, nil
			case "broken":
				return status.Explanation{}, errors.New("docker is gone")
			}
			return status.Explanation{}, Unknown(fmt.Errorf("there is no container %q", ref))
		},
		Plan: func(context.Context) ([]GatewayPlan, error) {
			object := &plan.Object{Noun: "route web.default", Service: "web", Origin: v1.Origin{Container: "web-1"}}
			p := plan.Plan{Changes: []plan.Change{{Op: plan.Create, Key: v1.Key{Kind: "route", Name: "web.default"}, After: object}}}
			return []GatewayPlan{NewGatewayPlan(v1.Kong, p, nil, "")}, nil
		},
		Metrics: http.NotFoundHandler(),
	}
}

func TestAnswers(t *testing.T) {
	cases := []struct {
		method, path string
		ready        bool
		code         int
		body         string // a part of it
	}{
		{"GET", "/healthz", false, 200, "ok"},
		{"GET", "/readyz", true, 200, "ready"},
		{"GET", "/readyz", false, 503, "not ready: kong: nothing is applied yet"},
		{"GET", "/status", true, 200, `"owner":"lockstep"`},
		{"GET", "/plan", true, 200, `"sentence":"add route web.default","origin":{"container":"web-1"}`},
		{"GET", "/explain?subject=web", true, 200, `"subject":"web"`},
		{"GET", "/explain?subject=nobody", true, 404, `there is no container`},
		{"GET", "/explain?subject=broken", true, 503, `docker is gone`},
		{"GET", "/explain", true, 400, `the query lacks subject`},
		{"GET", "/status?after=6", true, 200, `"owner":"lockstep"`},
		{"GET", "/status?after=7&within=10ms", true, 200, `"owner":"lockstep"`},
		{"GET", "/status?after=7&within=1h", true, 400, `no time up to 30s`},
		{"GET", "/status?after=yesterday", true, 400, `no revision`},
		{"GET", "/explain?subject=web&after=6", true, 200, `"subject":"web"`},
		{"GET", "/explain?subject=web&after=-1", true, 400, `no revision`},
		{"POST", "/status", true, 405, ""},
		{"DELETE", "/plan", true, 405, ""},
		{"POST", "/confirm", true, 404, ""}, // changes nothing over TCP
	}
	for _, c := range cases {
		t.Run(c.method+c.path, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			New(readers(c.ready)).ServeHTTP(recorder, httptest.NewRequest(c.method, c.path, nil))
			body, err := io.ReadAll(recorder.Result().Body)
			if err != nil {
				t.Fatal(err)
			}
			if recorder.Code != c.code || !strings.Contains(string(body), c.body) {
				t.Errorf("got %d %s, want %d with %q", recorder.Code, body, c.code, c.body)
			}
		})
	}
}

// TestAnswersWait: who asks for what comes after a revision is answered when there
// is another one, or when the server ends.
func TestAnswersWait(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	recorder, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		New(readers(true)).ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/status?after=7", nil))
	}()
	select {
	case <-done:
		t.Fatal("it was answered though nothing changed")
	case <-time.After(50 * time.Millisecond):
	}
	end()
	<-done
	if recorder.Code != 200 {
		t.Errorf("got %d %s", recorder.Code, recorder.Body)
	}
}

func TestControl(t *testing.T) {
	confirmed, repaired := 0, 0
	handler := NewControl(Actions{Confirm: func() { confirmed++ }, Repair: func() { repaired++ }})
	for _, method := range []string{"GET", "POST"} {
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/confirm", nil))
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, "/repair", nil))
	}
	if diff := cmp.Diff([]int{1, 1}, []int{confirmed, repaired}); diff != "" {
		t.Errorf("only POST confirms and repairs (-want +got):\n%s", diff)
	}
}

// TestDrainRequests: what a daemon is asked for is checked before it is asked.
func TestDrainRequests(t *testing.T) {
	var asked []DrainRequest
	handler := NewControl(Actions{Drain: func(_ context.Context, r DrainRequest) (controller.Drained, error) {
		asked = append(asked, r)
		switch r.Container {
		case "web-1":
			return controller.Drained{Container: r.Container, ID: "4f1c", Services: []string{"web"}, Draining: true, Changed: true}, nil
		case "early":
			return controller.Drained{}, errors.New("what runs is not known yet")
		}
		return controller.Drained{}, Unknown(errors.New("no container is called that"))
	}})
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`{"container":"web-1","for":"5m","by":"alice"}`, 200, `"container":"web-1","id":"4f1c","services":["web"],"draining":true,"changed":true`},
		{`{"container":"web-1","undo":true}`, 200, `"changed":true`},
		{`{"container":"nobody"}`, 404, "no container is called that"},
		{`{"container":"early"}`, 503, "not known yet"},
		{`{"container":"web-1","for":"5"}`, 400, "no time from 1s to 24h"},
		{`{"container":"web-1","for":"25h"}`, 400, "no time from 1s to 24h"},
		{`{"container":"web-1","by":"` + strings.Repeat("a", 65) + `"}`, 400, "more than 64"},
		{`{}`, 400, "lacks container"},
		{`{"containers":"web-1"}`, 400, "unknown field"},
		{`web-1`, 400, "invalid"},
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/drain", strings.NewReader(c.body)))
		if recorder.Code != c.code || !strings.Contains(recorder.Body.String(), c.want) {
			t.Errorf("%s: got %d %s, want %d with %q", c.body, recorder.Code, recorder.Body, c.code, c.want)
		}
	}
	want := []DrainRequest{
		{Container: "web-1", For: "5m", By: "alice"}, {Container: "web-1", Undo: true}, {Container: "nobody"}, {Container: "early"},
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// TestLocalRefusesForeignNames: a page whose name points at our address gets
// nothing, by whatever Host its browser sends.
func TestLocalRefusesForeignNames(t *testing.T) {
	handler := Local(New(readers(true)), "box.lan")
	for host, code := range map[string]int{
		"127.0.0.1:9470": 200, "localhost:9470": 200, "LOCALHOST": 200, "[::1]:9470": 200, "[::1]": 200, "box.lan:9470": 200, "": 200,
		"evil.example:9470": 421, "evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421,
	} {
		request := httptest.NewRequest(http.MethodGet, "/status", nil)
		request.Host = host
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != code {
			t.Errorf("Host %q is answered with %d, want %d: %s", host, recorder.Code, code, recorder.Body)
		}
	}
}
