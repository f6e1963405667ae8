package fakekong

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/testca"
)

// TestSecuredUpstream: a service of https shows its certificate, and takes no answer from an
// upstream that does not prove the Host that is asked for, unless it verifies nothing.
func TestSecuredUpstream(t *testing.T) {
	ours, others, until := testca.New(t), testca.New(t), time.Now().Add(time.Hour)
	chain, key := ours.Issue(until, "shop.test", "127.0.0.1")
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Host + " asked for " + r.TLS.ServerName + " by " + r.TLS.PeerCertificates[0].Subject.CommonName))
	}))
	upstream.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours.Pool, MinVersion: tls.VersionTLS12}
	upstream.StartTLS()
	defer upstream.Close()

	k := start(t, Options{})
	made := func(path string, body object) string {
		_, out := ask(t, k, "POST", path, body)
		return text(out["id"])
	}
	authority, stranger := made("/ca_certificates", object{"cert": ours.PEM}), made("/ca_certificates", object{"cert": others.PEM})
	chain, key = ours.Issue(until, "kong")
	shown := object{"id": made("/certificates", object{"cert": chain, "key": key})}
	chain, key = others.Issue(until, "kong")
	wrong := object{"id": made("/certificates", object{"cert": chain, "key": key})}
	must(t, k, "POST", "/services", object{"name": "s", "url": upstream.URL, "retries": 0})
	must(t, k, "POST", "/services/s/routes", object{"name": "r", "paths": []string{"/"}, "preserve_host": true})
	for _, c := range []struct {
		why     string
		service object
		host    string
		want    string
	}{
		{"all is proven", object{"tls_verify": true, "ca_certificates": []string{authority}, "client_certificate": shown}, "shop.test", "200 shop.test asked for shop.test by subject of kong"},
		{"again, with the same session", object{}, "shop.test:8000", "200 shop.test:8000 asked for shop.test by subject of kong"},
		{"an address is a name, for which nobody can ask", object{}, "127.0.0.1", "200 127.0.0.1 asked for  by subject of kong"},
		{"another name", object{}, "other.test", "502"},
		{"another authority", object{"ca_certificates": []string{stranger}}, "shop.test", "502"},
		{"none", object{"ca_certificates": nil}, "shop.test", "502"},
		{"nothing to prove", object{"tls_verify": false}, "other.test", "200 other.test asked for other.test by subject of kong"},
		{"another certificate", object{"client_certificate": wrong}, "shop.test", "502"},
		{"no certificate", object{"client_certificate": nil}, "shop.test", "502"},
	} {
		must(t, k, "PATCH", "/services/s", c.service)
		status, body := getAs(t, k.ProxyURL+"/", c.host)
		if got := fmt.Sprint(status, " ", body); got != c.want && (c.want != "502" || status != http.StatusBadGateway) {
			t.Errorf("%s: got %s, want %s", c.why, got, c.want)
		}
	}
}

func getAs(t *testing.T, url, host string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
