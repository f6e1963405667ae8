// Package testca issues certificates to tests, by authorities that each test makes for itself.
package testca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An Authority issues certificates.
type Authority struct {
	TB   testing.TB
	Cert *x509.Certificate
	Key  *ecdsa.PrivateKey
	PEM  string
	Pool *x509.CertPool
	next int64
}

// authorities gives each a name of its own.
var authorities atomic.Int32

// New makes an authority that is valid for an hour before and after.
func New(tb testing.TB) *Authority {
	tb.Helper()
	a := &Authority{TB: tb, next: 1, Pool: x509.NewCertPool()}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: fmt.Sprintf("authority %d", authorities.Add(1))}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	a.Cert, a.Key = sign(tb, template, nil, nil)
	a.Pool.AddCert(a.Cert)
	a.PEM = inPEM(a.Cert)
	return a
}

// Issue returns a certificate for names that is valid until a time, and its key, in PEM.
func (a *Authority) Issue(until time.Time, names ...string) (chain, key string) {
	a.TB.Helper()
	a.next++
	cert, secret := sign(a.TB, &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: "subject of " + strings.Join(names, ",")}, DNSNames: names,
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.Cert, a.Key)
	return inPEM(cert) + a.PEM, keyInPEM(a.TB, secret)
}

// SelfSigned returns a certificate that vouches for itself, and its key, in PEM. What the
// template leaves out of serial number and times is 1, and an hour before and after.
func SelfSigned(tb testing.TB, template x509.Certificate) (cert, key string) {
	tb.Helper()
	signed, secret := sign(tb, &template, nil, nil)
	return inPEM(signed), keyInPEM(tb, secret)
}

// sign makes a key and a certificate of it, by an authority; by itself where that is nil.
func sign(tb testing.TB, template, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(1)
	}
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	if by == nil {
		by, with = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, with)
	if err != nil {
		tb.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return cert, key
}

func inPEM(cert *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}))
}

func keyInPEM(tb testing.TB, key *ecdsa.PrivateKey) string {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
