package fakekong

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask sends a request to the Admin API by its handler, without a network.
func ask(t *testing.T, k *Kong, method, path string, body any) (int, map[string]any) {
	t.Helper()
	text := ""
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	k.AdminHandler().ServeHTTP(w, r)
	var out map[string]any
	if w.Body.Len() > 0 {
		unmarshal(t, w.Body.Bytes(), &out)
	}
	return w.Code, out
}

// must is ask for requests that have to succeed.
func must(t *testing.T, k *Kong, method, path string, body any) map[string]any {
	t.Helper()
	status, out := ask(t, k, method, path, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// get asks a proxy or Admin URL, and returns status and body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// rowsOf are the entities of a page.
func rowsOf(page map[string]any) []object {
	data, _ := page["data"].([]any)
	var out []object
	for _, e := range data {
		row, _ := e.(object)
		out = append(out, row)
	}
	return out
}
