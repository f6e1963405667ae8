package fakekong

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/lockstep/lockstep/internal/nginxtls"
)

// secured carries requests to services of protocol https. A connection is kept for those
// requests alone that ask for the same name in the same way, as in Kong; sessions of TLS are
// taken up again, as nginx does.
type secured struct {
	k        *Kong
	sessions tls.ClientSessionCache

	mu    sync.Mutex
	ways  map[string]*http.Transport
	plain func() *http.Transport // makes one that dials
}

func newSecured(k *Kong, plain func() *http.Transport) *secured {
	return &secured{k: k, sessions: tls.NewLRUClientSessionCache(64), ways: map[string]*http.Transport{}, plain: plain}
}

// way returns what carries a request with this Host to the service of a trip.
func (s *secured) way(t *trip, host string) (http.RoundTripper, error) {
	name := nginxtls.Name(host)
	roots, shown, key, err := s.k.proofs(t.service)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key += "|" + name
	if s.ways[key] == nil {
		made := s.plain()
		made.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := s.k.dial(ctx, network, address)
			if err != nil {
				return nil, err //nolint:wrapcheck // who dials says it
			}
			speaking := tls.Client(conn, nginxtls.Config(name, roots, shown, s.sessions))
			if err := speaking.HandshakeContext(ctx); err != nil {
				_ = conn.Close()
				return nil, fmt.Errorf("speak TLS with %s: %w", address, err)
			}
			return speaking, nil
		}
		s.ways[key] = made
	}
	return s.ways[key], nil
}

// close closes the connections that nobody uses.
func (s *secured) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, way := range s.ways {
		way.CloseIdleConnections()
	}
}

// proofs returns what a service's upstream must prove, and is shown; key tells ways apart.
// Without authorities of its own a service that verifies believes nobody: those of Kong's
// configuration are none by default.
func (k *Kong) proofs(service map[string]any) (roots *x509.CertPool, shown *tls.Certificate, key string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	parts := []string{fmt.Sprint(service["tls_verify"])}
	if service["tls_verify"] == true {
		roots = x509.NewCertPool()
		ids, _ := service["ca_certificates"].([]any)
		for _, id := range ids {
			if e := k.store.get(kindOf("ca_certificates"), text(id)); e != nil {
				roots.AppendCertsFromPEM([]byte(text(e.fields["cert"])))
				parts = append(parts, text(e.fields["cert"]))
			}
		}
	}
	if ref, _ := service["client_certificate"].(map[string]any); ref != nil {
		e := k.store.get(kindOf("certificates"), text(ref["id"]))
		if e == nil {
			return nil, nil, "", fmt.Errorf("the certificate %s is not there", text(ref["id"]))
		}
		pair, err := tls.X509KeyPair([]byte(text(e.fields["cert"])), []byte(text(e.fields["key"])))
		if err != nil {
			return nil, nil, "", fmt.Errorf("the certificate %s: %w", e.id(), err)
		}
		shown = &pair
		parts = append(parts, text(e.fields["cert"]))
	}
	return roots, shown, strings.Join(parts, "|"), nil
}
