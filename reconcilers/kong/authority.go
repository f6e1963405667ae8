package kong

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
)

// Authorities that must have issued the certificates of instances are entities of
// Kong's, one for each certificate, which services name by id. Each is known by what it
// says: a renewed one is another entity, and one that stands in two files is one.

// readAuthorities reads the operator's files. At first one that can't be read is an
// error; later it stays as it was, which is said once.
func (r *Reconciler) readAuthorities(first bool) error {
	stamp := r.stampAuthorities() // before they are read: what changes meanwhile is seen again
	r.stamp.Store(&stamp)
	for _, name := range slices.Sorted(maps.Keys(r.options.authorities)) {
		path := r.options.authorities[name]
		text, err := pemfile.Read(path)
		var certs []string
		if err == nil {
			if certs, err = pemfile.Blocks(text, pemfile.Certificate); err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
		}
		switch {
		case err == nil:
			r.authorities[name] = r.takable(path, certs)
			delete(r.unread, name)
		case first:
			return fmt.Errorf("authorities for containers (--backend-ca): %w", err)
		case r.unread[name] != err.Error():
			r.unread[name] = err.Error()
			r.options.Log.Warn("an authority stays as it was", "file", path, "error", err)
		}
	}
	return nil
}

// takable leaves out what Kong takes for no authority, which is said once: of a service that
// names one which is not there Kong goes by none of those that it names. Where nothing else
// is left all stay, and Kong says why it refuses them.
func (r *Reconciler) takable(path string, certs []string) []string {
	var kept, why []string
	for _, text := range certs {
		switch cert := parsed(text); {
		case cert == nil:
			why = append(why, "one can't be read")
		case time.Now().After(cert.NotAfter):
			why = append(why, fmt.Sprintf("%s has ended on %s", cert.Subject, cert.NotAfter.Format(time.DateOnly)))
		case !cert.BasicConstraintsValid || !cert.IsCA:
			why = append(why, fmt.Sprintf("%s is the certificate of no authority (it lacks CA:TRUE)", cert.Subject))
		default:
			kept = append(kept, text)
		}
	}
	if len(kept) == 0 {
		kept = certs
	}
	said := v1.OneLine(strings.Join(why, "; "))
	if said != "" && r.unread[path] != said {
		r.options.Log.Warn("kong takes not all that a file of authorities (--backend-ca) holds", "file", path, "why", said)
	}
	r.unread[path] = said
	return kept
}

// parsed is a certificate in PEM; nil for what is none.
func parsed(text string) *x509.Certificate {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return cert
}

// stampAuthorities is another text whenever one of the files is.
func (r *Reconciler) stampAuthorities() string {
	var b strings.Builder
	if keys := r.options.Hop.Keys(); keys != nil {
		b.WriteString(keys.Print())
	}
	for _, name := range slices.Sorted(maps.Keys(r.options.authorities)) {
		b.WriteString(pemfile.Stamp(r.options.authorities[name]))
	}
	return b.String()
}
