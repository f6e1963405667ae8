package cmd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/internal/testca"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestKongAccess: the Admin API is reached with the token, the certificate and the
// authority that the flags name, and not without them; a token that is renewed is
// taken at once.
func TestKongAccess(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	issue(t, cert, key, time.Now().Add(time.Hour))
	token := filepath.Join(dir, "token")
	write(t, token, "first\n")
	fake, err := fakekong.New(fakekong.Options{NoListen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	wanted := "first"
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Kong-Admin-Token") != wanted {
			http.Error(w, `{"message":"Unauthorized"}`, http.StatusUnauthorized)
			return
		}
		fake.AdminHandler().ServeHTTP(w, r)
	}))
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(pair.Leaf)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	defer server.Close()
	look := func(k kongSettings) error {
		k.kongAdminURLs = []string{server.URL}
		if err := k.checkKong(); err != nil {
			return err
		}
		o := kong.Options{AdminURLs: k.kongAdminURLs, Owner: "lockstep", Writer: "w", Attempts: 1}
		if err := k.access(&o, slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
		r, err := kong.New(o)
		if err != nil {
			return err
		}
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		_, err = r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
		return err
	}
	all := kongSettings{kongToken: token, kongCA: cert, kongCert: cert, kongKey: key}
	if err := look(all); err != nil {
		t.Errorf("with everything: %v", err)
	}
	wanted = "second"
	if err := look(all); err == nil || strings.Contains(err.Error(), "first") || !strings.Contains(err.Error(), "check the token") {
		t.Errorf("with an old token: %v", err)
	}
	write(t, token, "second")
	if err := look(all); err != nil {
		t.Errorf("with the new token: %v", err)
	}
	ended := filepath.Join(dir, "ended.pem")
	issue(t, ended, filepath.Join(dir, "ended.key"), time.Now().Add(-time.Minute))
	for says, k := range map[string]kongSettings{
		"unknown authority":          {kongToken: token, kongCert: cert, kongKey: key},
		"certificate required":       {kongToken: token, kongCA: cert},
		"belong together":            {kongCert: cert},
		"named by where it stands":   {kongToken: "planted"},
		"the admin token can't be":   {kongToken: "/nowhere", kongCA: cert, kongCert: cert, kongKey: key},
		"holds no certificate":       {kongCA: token},
		"has ended on":               {kongCert: ended, kongKey: filepath.Join(dir, "ended.key")},
		"--kong-base: open /nowhere": {kongBase: "/nowhere"},
	} {
		if err := look(k); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// TestKongProxyTLS: a proxy over TLS is believed with a certificate of the system's
// authorities or of the Admin API's, and is told of otherwise.
func TestKongProxyTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	issue(t, cert, key, time.Now().Add(time.Hour))
	fake, err := fakekong.New(fakekong.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(fake.ProxyHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.StartTLS()
	t.Cleanup(server.Close)
	for ca, says := range map[string]string{cert: "", "": "unknown authority"} {
		s := &settings{owner: "lockstep", kongSettings: kongSettings{kongAdminURLs: []string{fake.AdminURL}, kongProxyURLs: []string{server.URL}, kongCA: ca}}
		log := slog.New(slog.DiscardHandler)
		o := s.kongOptions("w", log)
		if err := s.access(&o, log); err != nil {
			t.Fatal(err)
		}
		if got := verification(t, o); !strings.Contains(got.Problem, says) || (says != "") != strings.Contains(got.Fix, "--kong-admin-ca") || (says == "") != (got.Verified > 0) {
			t.Errorf("with the authority %q: %+v", ca, got)
		}
	}
}

// verification is what a Kong says of what it serves: that it does, or a problem.
func verification(t *testing.T, o kong.Options) (found reconcilers.Verification) {
	t.Helper()
	r, err := kong.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	observed, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
	if err != nil {
		t.Fatal(err)
	}
	wanted, _ := r.Compile(reconcilers.Scope{}, v1.Set{}, v1.Shared{})
	if _, err := r.Apply(t.Context(), plan.Diff(observed, wanted)); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	_ = r.Verify(ctx, func(v reconcilers.Verification) { // it ends with its context, and says that
		if found = v; v.Problem != "" || v.Verified > 0 {
			stop()
		}
	})
	return found
}

func TestOpenAddresses(t *testing.T) {
	for url, want := range map[string]bool{
		"http://127.0.0.1:8001": false, "http://localhost:8001": false, "http://[::1]:8001": false, "https://kong:8444": false,
		"http://kong:8001": true, "http://10.0.0.1:8001": true,
	} {
		if open(url) != want {
			t.Errorf("open(%s) is %t", url, !want)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue writes a certificate for 127.0.0.1 that vouches for itself.
func issue(t *testing.T, certFile, keyFile string, until time.Time) {
	t.Helper()
	cert, key := testca.SelfSigned(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "kong"}, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	})
	write(t, certFile, cert)
	write(t, keyFile, key)
}
