package reconcilertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Shared returns what belongs to no service as it is now.
func (f *Fleet) Shared() v1.Shared {
	var shared v1.Shared
	for _, name := range slices.Sorted(maps.Keys(f.certificates)) {
		shared.Certificates = append(shared.Certificates, f.certificates[name])
	}
	shared.Listeners = f.declaredListeners()
	shared.Entities = f.Entities()
	return shared
}

// StepCertificates lets one thing happen to the certificates, and says what.
func (f *Fleet) StepCertificates() (string, error) {
	names := slices.Sorted(maps.Keys(f.certificates))
	if len(names) < 2 || len(names) < 6 && f.random.IntN(3) == 0 {
		f.number++
		name := fmt.Sprintf("cert%d", f.number)
		return "add certificate " + name, f.issue(name, fmt.Sprintf("tls%d.test", f.number), fmt.Sprintf("*.tls%d.test", f.number))
	}
	name := pick(f.random, names)
	c := f.certificates[name]
	switch f.random.IntN(5) {
	case 0:
		delete(f.certificates, name)
		return "remove certificate " + name, nil
	case 1:
		for other, o := range f.certificates {
			o.Default = other == name && !c.Default
			f.certificates[other] = o
		}
		return fmt.Sprintf("set default %t on certificate %s", !c.Default, name), nil
	case 2:
		f.number++
		c.SNIs = []string{fmt.Sprintf("sni%d.test", f.number)}
		f.certificates[name] = c
		return "change the names of certificate " + name, nil
	}
	asDefault, names := c.Default, c.SNIs
	err := f.issue(name, fmt.Sprintf("renewed-%s.test", name))
	c = f.certificates[name]
	c.Default, c.SNIs = asDefault, names
	f.certificates[name] = c
	return "renew certificate " + name, err
}

// issue makes a certificate that vouches for itself.
func (f *Fleet) issue(name string, names ...string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	f.number++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(f.number)), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2090, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode a key: %w", err)
	}
	f.certificates[name] = v1.Certificate{
		Name:   name,
		Chain:  string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:    v1.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))),
		Origin: v1.Origin{File: "certificates.yaml", Line: f.number, Column: 1},
	}
	return nil
}
