package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/history"
)

// TestHistoryRequests: what a history is asked for is checked before it is asked.
func TestHistoryRequests(t *testing.T) {
	var asked []HistoryQuery
	handler := New(Readers{Metrics: http.NotFoundHandler(), History: func(q HistoryQuery) ([]history.Generation, error) {
		asked = append(asked, q)
		switch q.Generation {
		case 9:
			return nil, Unknown(errors.New("no such generation: 9"))
		case 8:
			return nil, errors.New("this daemon keeps no history")
		}
		return []history.Generation{{Number: 7, Changes: []history.Change{{Service: "web", Operation: history.Added}}}}, nil
	}})
	for _, c := range []struct {
		query string
		code  int
		want  string
	}{
		{"", 200, `[{"generation":7,`},
		{"?service=web&limit=1", 200, `"service":"web","operation":"added"`},
		{"?generation=7", 200, `"generation":7`},
		{"?generation=9", 404, "no such generation"},
		{"?generation=8", 503, "keeps no history"},
		{"?generation=0", 400, "no number from 1"},
		{"?generation=-1", 400, "no number from 1"},
		{"?limit=0", 400, "no number from 1 to 1000"},
		{"?limit=1001", 400, "no number from 1 to 1000"},
		{"?limit=many", 400, "no number from 1 to 1000"},
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/history"+c.query, nil))
		if recorder.Code != c.code || !strings.Contains(recorder.Body.String(), c.want) {
			t.Errorf("%q: got %d %s, want %d with %q", c.query, recorder.Code, recorder.Body, c.code, c.want)
		}
	}
	want := []HistoryQuery{{Limit: 50}, {Service: "web", Limit: 1}, {Generation: 7, Limit: 50}, {Generation: 9, Limit: 50}, {Generation: 8, Limit: 50}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

// TestRollbackRequests: an order that says both or nothing is refused, and nothing of
// it is to be had over the interface that only answers.
func TestRollbackRequests(t *testing.T) {
	var asked []RollbackRequest
	handler := NewControl(Actions{Rollback: func(_ context.Context, r RollbackRequest) ([]controller.RolledBack, error) {
		asked = append(asked, r)
		switch r.Generation {
		case 9:
			return nil, Unknown(errors.New("no such generation: 9"))
		case 8:
			return nil, errors.New("this daemon keeps no history")
		}
		return []controller.RolledBack{{Service: "web", Generation: r.Generation, Changed: true}}, nil
	}})
	for _, c := range []struct {
		body string
		code int
		want string
	}{
		{`{"generation":7,"services":["web"],"by":"alice"}`, 200, `[{"service":"web","generation":7,"changed":true}]`},
		{`{"release":true,"preview":true}`, 200, `[{"service":"web","changed":true}]`},
		{`{"generation":9}`, 404, "no such generation"},
		{`{"generation":8}`, 503, "keeps no history"},
		{`{}`, 400, "either generation, from 1, or release"},
		{`{"generation":7,"release":true}`, 400, "either generation, from 1, or release"},
		{`{"generation":-7}`, 400, "cannot unmarshal"},
		{`{"generation":7,"by":"` + strings.Repeat("a", 65) + `"}`, 400, "more than 64"},
		{`{"generations":7}`, 400, "unknown field"},
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/rollback", strings.NewReader(c.body)))
		if recorder.Code != c.code || !strings.Contains(recorder.Body.String(), c.want) {
			t.Errorf("%s: got %d %s, want %d with %q", c.body, recorder.Code, recorder.Body, c.code, c.want)
		}
	}
	want := []RollbackRequest{
		{Generation: 7, Services: []string{"web"}, By: "alice"}, {Release: true, Preview: true}, {Generation: 9}, {Generation: 8},
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	recorder := httptest.NewRecorder()
	New(readers(true)).ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/rollback", strings.NewReader(`{"release":true}`)))
	if recorder.Code != http.StatusNotFound {
		t.Errorf("over the interface that only answers: %d", recorder.Code)
	}
}
