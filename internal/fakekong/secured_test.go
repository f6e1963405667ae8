package fakekong

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestSecuredUpstream: a service of https shows its certificate, and takes no answer from an
// upstream that does not prove the Host that is asked for, unless it verifies nothing.
func TestSecuredUpstream(t *testing.T) {
	ours, others := newIssuer(t), newIssuer(t)
	chain, key := ours.issue(t, "upstream", "shop.test", "127.0.0.1")
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(ours.text))
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Host + " asked for " + r.TLS.ServerName + " by " + r.TLS.PeerCertificates[0].Subject.CommonName))
	}))
	upstream.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	upstream.StartTLS()
	defer upstream.Close()

	k := start(t, Options{})
	made := func(path string, body object) string {
		_, out := ask(t, k, "POST", path, body)
		return text(out["id"])
	}
	authority, stranger := made("/ca_certificates", object{"cert": ours.text}), made("/ca_certificates", object{"cert": others.text})
	chain, key = ours.issue(t, "kong")
	shown := object{"id": made("/certificates", object{"cert": chain, "key": key})}
	chain, key = others.issue(t, "kong")
	wrong := object{"id": made("/certificates", object{"cert": chain, "key": key})}
	must(t, k, "POST", "/services", object{"name": "s", "url": upstream.URL, "retries": 0})
	must(t, k, "POST", "/services/s/routes", object{"name": "r", "paths": []string{"/"}, "preserve_host": true})
	for _, c := range []struct {
		why     string
		service object
		host    string
		want    string
	}{
		{"all is proven", object{"tls_verify": true, "ca_certificates": []string{authority}, "client_certificate": shown}, "shop.test", "200 shop.test asked for shop.test by kong"},
		{"again, with the same session", object{}, "shop.test:8000", "200 shop.test:8000 asked for shop.test by kong"},
		{"an address is a name, for which nobody can ask", object{}, "127.0.0.1", "200 127.0.0.1 asked for  by kong"},
		{"another name", object{}, "other.test", "502"},
		{"another authority", object{"ca_certificates": []string{stranger}}, "shop.test", "502"},
		{"none", object{"ca_certificates": nil}, "shop.test", "502"},
		{"nothing to prove", object{"tls_verify": false}, "other.test", "200 other.test asked for other.test by kong"},
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

// issuer is an authority.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	text string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	a := &issuer{}
	a.text, a.key = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	block, _ := pem.Decode([]byte(a.text))
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	return a
}

// issue returns a certificate for names and its key, in PEM.
func (a *issuer) issue(t *testing.T, name string, names ...string) (cert, key string) {
	t.Helper()
	cert, made := a.sign(t, &x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature})
	der, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// sign signs a certificate; one of an authority that has none signs itself.
func (a *issuer) sign(t *testing.T, template *x509.Certificate) (cert string, key *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}
