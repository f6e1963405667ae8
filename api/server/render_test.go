package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

func TestRender(t *testing.T) {
	handler := NewRender(func(_ context.Context, gateway v1.Gateway) (Rendered, error) {
		if gateway != v1.Kong {
			return Rendered{}, errors.New("not kept here")
		}
		return Rendered{Gateway: gateway, Text: "services: []\n"}, nil
	})
	for query, want := range map[string]struct {
		status int
		says   string
	}{
		"?gateway=kong": {http.StatusOK, `"text":"services: []\n"`}, "?gateway=x": {http.StatusServiceUnavailable, "not kept here"}, "": {http.StatusBadRequest, "lacks gateway"},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/render"+query, http.NoBody))
		if body := strings.ReplaceAll(w.Body.String(), `": "`, `":"`); w.Code != want.status || !strings.Contains(body, want.says) {
			t.Errorf("%q: %d %s", query, w.Code, body)
		}
	}
}
