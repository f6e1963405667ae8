package haproxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// answer returns what a client gets that follows no redirect.
func (b *bench) answer(address, url, host string) (status int, header http.Header) {
	b.t.Helper()
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is not what is tested
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				var dialer net.Dialer
				return dialer.DialContext(ctx, network, address)
			},
		},
	}
	request, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	request.Host = host
	response, err := client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, response.Header
}

// TestProtocols asks routes that take https alone with and without TLS, by the map
// and by patterns.
func TestProtocols(t *testing.T) {
	b, address := secured(t)
	plain := b.options.Binds[0]
	for name, code := range map[string]int{"strict": 0, "moved": 301, "kept": 308} {
		s := b.serve(name, origin(t, name))
		s.Routes[0].Protocols, s.Routes[0].HTTPSRedirectStatusCode, s.Routes[0].HSTS = []string{"https"}, code, 365*24*time.Hour
	}
	b.set["kept"].Routes[0].Methods = []string{http.MethodGet}
	b.serve("open", origin(t, "open"))
	b.sync()
	for _, c := range []struct {
		host     string
		code     int
		location string
	}{
		{"strict.test", 426, ""}, {"open.test", 200, ""},
		{"moved.test", 301, "https://moved.test/a?b=%20c"}, {"kept.test:8080", 308, "https://kept.test/a?b=%20c"},
	} {
		status, header := b.answer(plain, "http://"+c.host+"/a?b=%20c", c.host)
		if status != c.code || header.Get("Location") != c.location || header.Get("Strict-Transport-Security") != "" {
			t.Errorf("http %s: %d %v, want %d %s", c.host, status, header, c.code, c.location)
		}
		status, header = b.answer(address, "https://"+c.host+"/a?b=%20c", c.host)
		hsts := "max-age=31536000"
		if c.host == "open.test" {
			hsts = ""
		}
		if status != 200 || header.Get("Strict-Transport-Security") != hsts {
			t.Errorf("https %s: %d %v, want 200 and %q", c.host, status, header, hsts)
		}
	}
	forged, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	forged.Host = "strict.test"
	forged.Header.Set("X-Forwarded-Proto", "https")
	response, err := http.DefaultClient.Do(forged)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 426 {
		t.Errorf("a forged X-Forwarded-Proto gets %d, want 426", response.StatusCode)
	}
	b.restart()
	if p := b.plan(freshScope); !p.Empty() {
		t.Errorf("not quiet after a restart: %s", sentences(p))
	}
}

// TestHostInTheURLAlone: a request that names its host where no route looks would come, by a
// route for any host, to a server that looks there, and past all that the host demands.
func TestHostInTheURLAlone(t *testing.T) {
	b := managed(t)
	b.open()
	b.serve("all", origin(t, "all")).Routes = []v1.Route{{Name: "all.default", Paths: []string{"/"}, PreserveHost: true}}
	b.sync()
	for request, status := range map[string]string{
		"GET http://admin.test/ HTTP/1.0\r\n\r\n":                      "400",
		"GET https://admin.test/ HTTP/1.0\r\nHost: other.test\r\n\r\n": "400", // HAProxy's own answer
		"GET / HTTP/1.0\r\n\r\n":                                       "200",
		"GET http://admin.test/ HTTP/1.0\r\nHost: admin.test\r\n\r\n":  "200",
	} {
		if answer := raw(t, b.options.Binds[0], request); !strings.HasPrefix(answer, "HTTP/1.1 "+status) && !strings.HasPrefix(answer, "HTTP/1.0 "+status) {
			t.Errorf("%q was answered with %q, want %s", request, answer, status)
		}
	}
}
