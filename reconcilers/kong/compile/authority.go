package compile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// authorityKey is the key of the entity that a certificate becomes.
func authorityKey(cert string) string {
	sum := sha256.Sum256([]byte(cert))
	return entity.OwnWords + "ca-" + hex.EncodeToString(sum[:])[:20]
}

// authorities are the entities of all files.
func (c *compiler) authorities() []v1.Entity {
	var out []v1.Entity
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.Issuers)) {
		for _, cert := range c.Issuers[name] {
			key := authorityKey(cert)
			if !seen[key] {
				out = append(out, v1.Entity{Kind: entity.KindAuthority, Name: key, Body: map[string]any{"cert": cert}, Origin: v1.Origin{File: c.Files[name]}})
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
	certs, known := c.Issuers[s.TLSAuthority]
	if !known && s.TLSAuthority != "" {
		fix = "leave tls_ca out, or have the operator name it with --backend-ca " + s.TLSAuthority + "=FILE"
		if near := v1.Nearest(s.TLSAuthority, slices.Sorted(maps.Keys(c.Issuers))); near != "" {
			fix = "did you mean tls_ca=" + near + "?"
		}
		return nil, fmt.Sprintf("Kong has no authority with the name %q", s.TLSAuthority), fix
	}
	var texts []string
	for _, cert := range certs {
		texts = append(texts, c.Names.ID(entity.KindAuthority, authorityKey(cert)))
	}
	slices.Sort(texts)
	for _, id := range slices.Compact(texts) {
		ids = append(ids, &id)
	}
	return ids, "", ""
}
