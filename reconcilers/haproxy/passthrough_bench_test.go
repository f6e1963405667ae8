package haproxy

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// BenchmarkTLS tells what the stage that reads names costs what TLS ends at
// HAProxy: with a connection for each request, with one that is kept, and per byte.
func BenchmarkTLS(b *testing.B) {
	for _, passes := range []bool{false, true} {
		name := map[bool]string{false: "ended at once", true: "behind the names"}[passes]
		b.Run(name, func(b *testing.B) {
			bench, address := secured(b)
			bench.options.TLSPassthrough = passes
			bench.open()
			big := make([]byte, 8<<20)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/big" {
					w.WriteHeader(http.StatusNoContent)
					return
				}
				w.Header().Set("Content-Length", strconv.Itoa(len(big)))
				_, _ = w.Write(big) // the client looks at what came
			}))
			b.Cleanup(s.Close)
			bench.serve("web", endpoint(b, "web-1", s.Listener.Addr().String()))
			bench.sync()
			for _, c := range []struct {
				name, path string
				kept       bool
			}{{"connection", "/", false}, {"request", "/", true}, {"8 MiB", "/big", true}} {
				b.Run(c.name, func(b *testing.B) {
					client := &http.Client{Transport: &http.Transport{DisableKeepAlives: !c.kept, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // HAProxy's own
					defer client.CloseIdleConnections()
					request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://"+address+c.path, nil)
					if err != nil {
						b.Fatal(err)
					}
					request.Host = "web.test"
					for b.Loop() {
						response, err := client.Do(request)
						if err != nil {
							b.Fatal(err)
						}
						n, err := io.Copy(io.Discard, response.Body)
						if err != nil || response.StatusCode >= 300 || response.Body.Close() != nil {
							b.Fatal(response.Status, err)
						}
						b.SetBytes(n)
					}
				})
			}
		})
	}
}
