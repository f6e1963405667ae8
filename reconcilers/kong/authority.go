package kong

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
)

// Authorities that must have issued the certificates of instances are entities of
// Kong's, one for each certificate, which services name by id. Each is known by what it
// says: a renewed one is another entity, and one that stands in two files is one.

// kindAuthority is Kong's kind of them.
const kindAuthority v1.Kind = "ca_certificate"

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
			r.authorities[name] = certs
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
	return ownWords + "ca-" + hex.EncodeToString(sum[:])[:20]
}

// authorities are the entities of all files.
func (c *compiler) authorities() []v1.Entity {
	var out []v1.Entity
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.issuers)) {
		for _, cert := range c.issuers[name] {
			key := authorityKey(cert)
			if !seen[key] {
				out = append(out, v1.Entity{Kind: kindAuthority, Name: key, Body: map[string]any{"cert": cert}, Origin: v1.Origin{File: c.files[name]}})
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
		texts = append(texts, c.id(kindAuthority, authorityKey(cert)))
	}
	slices.Sort(texts)
	for _, id := range slices.Compact(texts) {
		ids = append(ids, &id)
	}
	return ids, "", ""
}
