package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Secrets are a story's certificates: each stands as NAME.crt, NAME.key, and with both
// as NAME.pem in a directory, an authority's as NAME.pem alone. The zero value has none.
type Secrets struct {
	Dir string

	authorities map[string]*authority
	trusted     *x509.CertPool   // by clients
	shown       *tls.Certificate // by clients; nil for none
}

// authority issues certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Authority makes an authority of that name.
func (s *Secrets) Authority(name string) error {
	template, err := certificate(name)
	if err != nil {
		return err
	}
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return fmt.Errorf("make the authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if s.authorities == nil {
		s.authorities = map[string]*authority{}
	}
	s.authorities[name] = &authority{cert, key}
	return s.write(name+".pem", encode("CERTIFICATE", der))
}

// Issue has an authority issue a certificate to that name, which bears the hosts.
func (s *Secrets) Issue(by, name string, hosts ...string) error {
	a := s.authorities[by]
	if a == nil {
		return fmt.Errorf("there is no authority %q", by)
	}
	template, err := certificate(name)
	if err != nil {
		return err
	}
	template.DNSNames, template.KeyUsage = hosts, x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("issue %s: %w", name, err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	chain, keys := encode("CERTIFICATE", der), encode("PRIVATE KEY", secret)
	for file, text := range map[string]string{".crt": chain, ".key": keys, ".pem": chain + keys} {
		if err := s.write(name+file, text); err != nil {
			return err
		}
	}
	return nil
}

// Trust has clients trust an authority.
func (s *Secrets) Trust(name string) error {
	a := s.authorities[name]
	if a == nil {
		return fmt.Errorf("there is no authority %q", name)
	}
	if s.trusted == nil {
		s.trusted = x509.NewCertPool()
	}
	s.trusted.AddCert(a.cert)
	return nil
}

// Show has clients show a certificate, or with "" none.
func (s *Secrets) Show(name string) error {
	if s.shown = nil; name == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(s.Dir, name+".crt"), filepath.Join(s.Dir, name+".key"))
	s.shown = &pair
	return err
}

// Pair returns a certificate and its key, in PEM.
func (s *Secrets) Pair(name string) (chain, key []byte, err error) {
	if chain, err = os.ReadFile(filepath.Join(s.Dir, name+".crt")); err == nil {
		key, err = os.ReadFile(filepath.Join(s.Dir, name+".key"))
	}
	return chain, key, err
}

// config is what clients speak TLS by.
func (s *Secrets) config(host string) *tls.Config {
	config := &tls.Config{ServerName: host, RootCAs: s.trusted, MinVersion: tls.VersionTLS12}
	if s.trusted == nil { // nobody is trusted then, not those of the system
		config.RootCAs = x509.NewCertPool()
	}
	if shown := s.shown; shown != nil { // to whoever asks for one
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	return config
}

// client takes a new connection over TLS for each request.
func (s *Secrets) client(host string) *http.Client {
	next := *client
	next.Transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: s.config(host)}
	return &next
}

// ShownAt returns whose certificate a gateway shows for a host.
func (w *World) ShownAt(host string) (string, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", w.Proxies.TLS, w.Secrets.config(host))
	if err != nil {
		return "", err
	}
	name := conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	return name, conn.Close()
}

func (s *Secrets) write(name, text string) error {
	path := filepath.Join(s.Dir, name)
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(temporary, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// certificate is what all certificates have in common.
func certificate(name string) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, err
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
