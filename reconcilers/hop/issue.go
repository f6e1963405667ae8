package hop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// organization is the whole name of the authority: HAProxy puts a certificate's own name
// behind it.
const organization = "Lockstep, between Kong and HAProxy"

// request is what is asked of issue.
type request struct {
	name  string   // common name; "" for an authority
	names []string // that it is to bear; addresses among them are borne as both
	life  time.Duration
	usage x509.ExtKeyUsage
	rsa   bool
}

// issue makes a key and a certificate of it, by an authority; nil: by itself.
func issue(by *tls.Certificate, r request, now time.Time) (Pair, error) {
	key, err := r.key()
	if err != nil {
		return Pair{}, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return Pair{}, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{Organization: []string{organization}, CommonName: r.name},
		NotBefore: now.Add(-skew), NotAfter: now.Add(r.life), DNSNames: sorted(r.names), BasicConstraintsValid: true,
	}
	for _, name := range template.DNSNames {
		if address, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
			template.IPAddresses = append(template.IPAddresses, address.AsSlice())
		}
	}
	parent, signer := template, any(key)
	if by == nil {
		template.IsCA, template.MaxPathLenZero, template.KeyUsage = true, true, x509.KeyUsageCertSign
	} else {
		parent, signer = by.Leaf, by.PrivateKey
		template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{r.usage}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return Pair{}, fmt.Errorf("sign it: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("encode a key: %w", err)
	}
	return Pair{Cert: encoded("CERTIFICATE", der), Key: v1.NewSecret(encoded("PRIVATE KEY", secret))}, nil
}

func (r request) key() (crypto.Signer, error) {
	if r.rsa {
		return rsa.GenerateKey(rand.Reader, 2048) //nolint:wrapcheck // the caller says it
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) //nolint:wrapcheck // the caller says it
}

func encoded(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
