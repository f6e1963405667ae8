package compile

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// certificates are those of manifests in Kong's words: the pair, and the names
// that it is shown for. A gateway keeps what it has of one that can't be read.
func certificates(list []v1.Certificate) []v1.Entity {
	var out []v1.Entity
	for i := range list {
		c := &list[i]
		name := entity.OwnWords + c.Name // not one that a file in Kong's words could have
		e := v1.Entity{Kind: v1.KindCertificate, Name: name, Origin: c.Origin, Body: map[string]any{"cert": c.Chain, "key": c.Key}}
		if c.Chain == "" {
			e.Body, e.Withheld = nil, &v1.Problem{
				Reason: v1.InvalidManifest, Gateway: v1.Kong, Object: v1.Key{Kind: v1.KindCertificate, Name: c.Name}, Origin: c.Origin,
				Message: "the certificate could not be read; what kong holds of it stays", Fix: "see what is said about the manifest",
			}
		}
		out = append(out, e)
		for _, sni := range shownFor(c) {
			out = append(out, v1.Entity{
				Kind: v1.KindSNI, Name: sni, Origin: c.Origin, Body: map[string]any{"name": sni}, Withheld: e.Withheld,
				Refs: []v1.EntityRef{{Field: "certificate", Kind: v1.KindCertificate, Name: name, Origin: c.Origin}},
			})
		}
	}
	return out
}

// shownFor are the names for which Kong shows a certificate: those that are asked
// for, or that it bears. Kong knows no addresses there.
func shownFor(c *v1.Certificate) []string {
	if len(c.SNIs) > 0 {
		return c.SNIs
	}
	block, _ := pem.Decode([]byte(c.Chain))
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	var names []string
	for _, name := range leaf.DNSNames {
		if name = strings.ToLower(name); net.ParseIP(name) == nil {
			names = append(names, name)
		}
	}
	return names
}
