// Package nginxtls speaks TLS with servers behind a proxy as nginx does with proxy_ssl_verify
// on, where OpenSSL and Go differ: which name is asked for (SNI), which one must be proven, and how.
//
// In: the Host of a request, authorities, a certificate to show. Out: a tls.Config.
package nginxtls

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Name is what a server must prove for a Host: the host without its port. Of an IPv6
// address the brackets stay.
func Name(host string) string {
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end >= 0 {
			return host[:end+1]
		}
		return host
	}
	if at := strings.LastIndexByte(host, ':'); at >= 0 {
		return host[:at]
	}
	return host
}

// SNI is the name that the handshake asks for; "" for an address, which it can't.
func SNI(name string) string {
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return ""
	}
	return name
}

// Config is what a connection for a name is made by. The server must prove it by roots; nil:
// it need not prove anything. shown is shown to a server that asks for one; nil for none.
// Sessions are taken up again, as far as the cache knows them.
func Config(name string, roots *x509.CertPool, shown *tls.Certificate, sessions tls.ClientSessionCache) *tls.Config {
	config := &tls.Config{
		ServerName: SNI(name), MinVersion: tls.VersionTLS12, ClientSessionCache: sessions,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it in nginx's way
	}
	if shown != nil {
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return shown, nil }
	}
	if roots != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error { return verify(state, name, roots) }
	}
	return config
}

func verify(state tls.ConnectionState, name string, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	leaf, others := state.PeerCertificates[0], x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		others.AddCert(cert)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: others}); err != nil {
		return fmt.Errorf("upstream SSL certificate verify error: %w", err)
	}
	if !CheckHost(leaf, name) {
		return fmt.Errorf("upstream SSL certificate does not match %q", name)
	}
	return nil
}

// CheckHost reports whether a certificate bears a name, as X509_check_host does: an address is a
// name like any other, and the common name counts where the certificate bears none besides.
func CheckHost(cert *x509.Certificate, name string) bool {
	if name == "" {
		return false
	}
	names := cert.DNSNames
	if len(names) == 0 {
		for _, part := range cert.Subject.Names {
			if text, ok := part.Value.(string); ok && part.Type.Equal(commonName) {
				names = append(names, text)
			}
		}
	}
	for _, borne := range names {
		if strings.EqualFold(borne, name) || wildcard(borne, name) {
			return true
		}
	}
	return false
}

var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// wildcard reports whether "*.example.com" stands for a name, which it does for one part of it.
func wildcard(borne, name string) bool {
	rest, is := strings.CutPrefix(borne, "*.")
	first, after, found := strings.Cut(name, ".")
	return is && found && first != "" && strings.Contains(rest, ".") && strings.EqualFold(rest, after)
}
