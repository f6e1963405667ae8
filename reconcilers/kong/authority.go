package kong

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
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
	for _, name := range slices.Sorted(maps.Keys(r.options.authorities)) {
		b.WriteString(pemfile.Stamp(r.options.authorities[name]))
	}
	return b.String()
}

// authorityKey is the key of the entity that a certificate becomes.
func authorityKey(cert string) string {
	sum := sha256.Sum256([]byte(cert))
	return entity.OwnWords + "ca-" + hex.EncodeToString(sum[:])[:20]
}

// authorities are the entities of all files.
func (c *compiler) authorities() []v1.Entity {
	var out []v1.Entity
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.issuers)) {
		for _, cert := range c.issuers[name] {
			key := authorityKey(cert)
			if !seen[key] {
				out = append(out, v1.Entity{Kind: entity.KindAuthority, Name: key, Body: map[string]any{"cert": cert}, Origin: v1.Origin{File: c.files[name]}})
			}
			seen[key] = true
		}
	}
	return out
}

// issuersOf returns the ids of those that must have issued the certificates of a
// service's instances; nil for Kong's own. why says what is missing, fix the remedy.
func (c *compiler) issuersOf(s *v1.Service) (ids []*string, why, fix string) {
	if s.Protocol != v1.HTTPS || s.TLSUnverified {
		return nil, "", ""
	}
	certs, known := c.issuers[s.TLSAuthority]
	if !known && s.TLSAuthority != "" {
		fix = "leave tls_ca out, or have the operator name it with --backend-ca " + s.TLSAuthority + "=FILE"
		if near := v1.Nearest(s.TLSAuthority, slices.Sorted(maps.Keys(c.issuers))); near != "" {
			fix = "did you mean tls_ca=" + near + "?"
		}
		return nil, fmt.Sprintf("Kong has no authority with the name %q", s.TLSAuthority), fix
	}
	var texts []string
	for _, cert := range certs {
		texts = append(texts, c.names.ID(entity.KindAuthority, authorityKey(cert)))
	}
	slices.Sort(texts)
	for _, id := range slices.Compact(texts) {
		ids = append(ids, &id)
	}
	return ids, "", ""
}
