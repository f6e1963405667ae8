package compile

import (
	"fmt"
	"slices"
	"strings"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/hop"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// Where services stand behind HAProxy over TLS, Kong shows it a certificate that HAProxy
// knows, and takes no other HAProxy than the one whose certificate is of the same authority.
// As towards instances, the name that it verifies is the Host that it sends on; HAProxy
// makes a certificate for any, save for addresses, for which TLS has no way to ask.

// fieldShown is the field of a service that names what Kong shows.
const fieldShown = "client_certificate"

// shownKey is the key of the entity that Kong's certificate becomes. Another one is
// another entity: services go over to it one by one.
func shownKey(keys *hop.Keys) string {
	return entity.OwnWords + "haproxy-" + strings.ToLower(keys.Print()[:20])
}

// hopEntities are the authority of the hop, and what Kong shows to HAProxy.
func (c *compiler) hopEntities() []v1.Entity {
	if c.Hop == nil {
		return nil
	}
	return []v1.Entity{
		{Kind: entity.KindAuthority, Name: authorityKey(c.Hop.Authority.Cert), Body: map[string]any{"cert": c.Hop.Authority.Cert}},
		{Kind: v1.KindCertificate, Name: shownKey(c.Hop), Body: map[string]any{"cert": c.Hop.Kong.Cert, "key": c.Hop.Kong.Key}},
	}
}

// proven has a service lead to HAProxy over TLS, each proving to the other who it is.
func (c *compiler) proven(made *gokong.Service) {
	authority := c.Names.ID(entity.KindAuthority, authorityKey(c.Hop.Authority.Cert))
	made.Protocol, made.TLSVerify, made.CACertificates = new(string(v1.HTTPS)), new(true), []*string{&authority}
	made.ClientCertificate = &gokong.Certificate{ID: new(c.Names.ID(v1.KindCertificate, shownKey(c.Hop)))}
}

// unproven says why Kong and HAProxy can't prove to each other who they are for a
// service; "" when they can.
func (c *compiler) unproven(s *v1.Service) (why, fix string) {
	switch {
	case c.Hop == nil:
		return "Kong has no keys by which HAProxy would know it", "report this as a defect of Lockstep"
	case s.Protocol.RPC():
		return "Kong can't prove to HAProxy who it is where it speaks gRPC", "write gateways=haproxy or gateways=kong, or start Lockstep without --haproxy-via-tls"
	}
	return "", ""
}

// unnamed says for which of a route's hosts HAProxy could not prove to Kong who it is;
// "" when for all.
func (c *compiler) unnamed(s *v1.Service, r *v1.Route) (why, fix string) {
	if !s.Via.TLS || !r.PreserveHost || c.Hop == nil {
		return "", ""
	}
	for _, host := range r.Hosts {
		if !v1.Provable(host) && !slices.Contains(c.Hop.Names(), host) {
			return fmt.Sprintf("HAProxy can't prove to Kong that it is %s: over TLS only names of letters, digits, \"-\" and \".\" can be asked for, of at most 64 characters", host),
				"write preserve_host=false, leave the host out, or " + c.elsewhere()
		}
	}
	return "", ""
}
