package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
)

// TestObjectRequests: what adopt, release and prune are asked is checked before it is
// done, and nothing of it is to be had over the interface that only answers.
func TestObjectRequests(t *testing.T) {
	var asked []any
	adopt := func(_ context.Context, r AdoptRequest) ([]controller.Adopted, error) {
		asked = append(asked, r)
		switch {
		case len(r.Names) > 0 && r.Names[0] == "nobody":
			return nil, Unknown(errors.New("nothing is in the way of nobody"))
		case len(r.Names) > 0 && r.Names[0] == "paused":
			return nil, errors.New("kong is paused")
		}
		return []controller.Adopted{{Gateway: v1.Kong, Name: "kong:service/a", ID: "1", Done: !r.Preview}}, nil
	}
	handler := NewControl(Actions{Adopt: adopt, Release: adopt, Prune: func(_ context.Context, r PruneRequest) ([]Pruned, error) {
		asked = append(asked, r)
		return []Pruned{{Gateway: v1.Kong, Removed: []Removal{}}}, nil
	}})
	long := `"by":"` + strings.Repeat("a", 65) + `"`
	for _, c := range []struct {
		path, body string
		code       int
		want       string
	}{
		{"/adopt", `{"names":["a"],"ids":["1"],"by":"alice"}`, 200, `"name":"kong:service/a","id":"1","sentence":"","done":true`},
		{"/adopt", `{"preview":true}`, 200, `"done":false`},
		{"/adopt", `{"names":["nobody"]}`, 404, "in the way of nobody"},
		{"/adopt", `{"names":["paused"]}`, 503, "kong is paused"},
		{"/adopt", `{` + long + `}`, 400, "more than 64"},
		{"/adopt", `{"name":"a"}`, 400, "unknown field"},
		{"/release", `{"names":["kong:service/a"]}`, 200, `"done":true`},
		{"/release", `{}`, 400, "lacks names"},
		{"/prune", `{"objects":["service/a"]}`, 200, `[{"gateway":"kong","removed":[]}]`},
		{"/prune", `{` + long + `}`, 400, "more than 64"},
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body)))
		if recorder.Code != c.code || !strings.Contains(recorder.Body.String(), c.want) {
			t.Errorf("%s %s: got %d %s, want %d with %q", c.path, c.body, recorder.Code, recorder.Body, c.code, c.want)
		}
		recorder = httptest.NewRecorder()
		New(readers(true)).ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body)))
		if recorder.Code != http.StatusNotFound {
			t.Errorf("%s over the interface that only answers: %d", c.path, recorder.Code)
		}
	}
	want := []any{
		AdoptRequest{Names: []string{"a"}, IDs: []string{"1"}, By: "alice"}, AdoptRequest{Preview: true}, AdoptRequest{Names: []string{"nobody"}},
		AdoptRequest{Names: []string{"paused"}}, AdoptRequest{Names: []string{"kong:service/a"}}, PruneRequest{Objects: []string{"service/a"}},
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}
