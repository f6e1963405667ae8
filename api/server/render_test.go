package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

func TestRender(t *testing.T) {
	handler := NewRender(func(_ context.Context, gateways []v1.Gateway) ([]Rendered, error) {
		if len(gateways) == 0 {
			return nil, errors.New("nothing is loaded")
		}
		var all []Rendered
		for _, gateway := range gateways {
			all = append(all, Rendered{Gateway: gateway, Files: []reconcilers.File{{Name: "kong.yaml", Text: "services: []\n"}}})
		}
		return all, nil
	})
	for query, want := range map[string]struct {
		status int
		says   string
	}{
		"?gateway=kong":                 {http.StatusOK, `[{"gateway":"kong","files":[{"name":"kong.yaml","text":"services: []\n"}]}]`},
		"?gateway=kong&gateway=haproxy": {http.StatusOK, `},{"gateway":"haproxy"`},
		"":                              {http.StatusServiceUnavailable, "nothing is loaded"},
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/render"+query, http.NoBody))
		if w.Code != want.status || !strings.Contains(w.Body.String(), want.says) {
			t.Errorf("%q: %d %s", query, w.Code, w.Body)
		}
	}
}
