package sampleapp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(t *testing.T, s *Service, method, target, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, strings.NewReader(body)))
	return w
}

func TestAnswerNamesTheInstance(t *testing.T) {
	s := NewService("web-1", true)
	w := ask(t, s, http.MethodGet, "http://shop.test/a%20b?x=1", "")
	if w.Code != http.StatusOK || w.Header().Get(InstanceHeader) != "web-1" {
		t.Fatalf("got %d %v", w.Code, w.Header())
	}
	if want := "instance=web-1 port= host=shop.test path=/a%20b hangups=0\n"; w.Body.String() != want {
		t.Errorf("body %q, want %q", w.Body.String(), want)
	}
}

func TestHealthFollowsWhatItIsTold(t *testing.T) {
	s := NewService("web-1", true)
	steps := []struct {
		method, body string
		want         int
	}{
		{http.MethodGet, "", http.StatusOK},
		{http.MethodPut, "bad\n", http.StatusNoContent},
		{http.MethodGet, "", http.StatusServiceUnavailable},
		{http.MethodPut, "perhaps", http.StatusBadRequest},
		{http.MethodGet, "", http.StatusServiceUnavailable},
		{http.MethodPut, "ok", http.StatusNoContent},
		{http.MethodGet, "", http.StatusOK},
	}
	for i, step := range steps {
		if w := ask(t, s, step.method, HealthPath, step.body); w.Code != step.want {
			t.Errorf("step %d: %s %q gave %d, want %d", i, step.method, step.body, w.Code, step.want)
		}
	}
}

func TestDelayIsBounded(t *testing.T) {
	s := NewService("web-1", true)
	for query, want := range map[string]int{"1ms": 200, "1h": 400, "-1s": 400, "soon": 400} {
		if w := ask(t, s, http.MethodGet, "/?delay="+query, ""); w.Code != want {
			t.Errorf("delay %q gave %d, want %d", query, w.Code, want)
		}
	}
}

func TestAnswerTellsOfTLS(t *testing.T) {
	s := NewService("web-1", true)
	r := httptest.NewRequest(http.MethodGet, "https://shop.test/", nil)
	r.TLS.ServerName = "shop.test"
	r.Header.Set("Client-Cert", ":AAAA:")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if body := w.Body.String(); !strings.Contains(body, " sni=shop.test client=x509: ") {
		t.Errorf("body %q, want the name that was asked for, and what is wrong with the client's certificate", body)
	}
}

func TestSecretIsOfTheEnvironment(t *testing.T) {
	if config, err := secret(); config != nil || err != nil {
		t.Errorf("without a certificate: %v %v", config, err)
	}
	t.Setenv("TLS_CERTIFICATE", "none")
	if _, err := secret(); err == nil {
		t.Error("what is no certificate is taken")
	}
}
