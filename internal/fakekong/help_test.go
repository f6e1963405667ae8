package fakekong

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/lockstep/lockstep/internal/testca"
)

// start gives a Kong that ends with the test.
func start(t *testing.T, o Options) *Kong {
	t.Helper()
	k, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// pair makes a self-signed certificate and its key.
func pair(t *testing.T) (cert, key string) {
	t.Helper()
	return made(t, time.Hour, true)
}

// issued is a certificate that ends after a while, of an authority or of none.
func issued(t *testing.T, lasts time.Duration, authority bool) string {
	t.Helper()
	cert, _ := made(t, lasts, authority)
	return cert
}

func made(t *testing.T, lasts time.Duration, authority bool) (cert, key string) {
	t.Helper()
	return testca.SelfSigned(t, x509.Certificate{
		Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(lasts),
		IsCA: authority, BasicConstraintsValid: true,
	})
}
