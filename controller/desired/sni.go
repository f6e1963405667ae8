package desired

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// A route of TLS that is passed on takes the connections to a name before any
// request is seen. So it and the routes of HTTP on the same host exclude each
// other: it holds the name, they hold their hosts and paths and need that nobody
// holds the name. Names that differ don't meet, for the most specific one decides:
// shop.example.com may be HTTP's where *.example.com is passed on.

// sniMatch is the match of a name.
func sniMatch(gateway v1.Gateway, name string) string { return string(gateway) + " sni:" + name }

// under returns the names that nobody else may hold if the route is to get the
// requests that come by TLS.
func (b *Builder) under(gateway v1.Gateway, r *v1.Route) []string {
	if gateway != v1.HAProxy || !b.options.TLSPassthrough || r.Stream() {
		return nil
	}
	var names []string
	for _, host := range r.Hosts {
		if !strings.HasSuffix(host, ".*") { // no name that can be passed on
			names = append(names, sniMatch(gateway, host))
		}
	}
	slices.Sort(names)
	return names
}

// What is said of TLS that is not passed on, and what to do.
const (
	deniedTLS    = "the operator has not allowed TLS to be passed on by name"
	deniedTLSFix = "start Lockstep with --haproxy-tls-passthrough and --haproxy-bind-tls"
)

// deniesTLS reports whether a service wants TLS to be passed on where that is not
// done: then it must not keep others from a name either.
func (b *Builder) deniesTLS(s *service, gateway v1.Gateway) bool {
	return s.settings.Protocol == v1.TLSPassthrough && gateway == v1.HAProxy && !b.options.TLSPassthrough
}

// standsIn reports whether the holder of a match has it only while one that
// excludes it is in its grace time.
func (c *claims) standsIn(match string, holder *claimant) bool {
	return slices.ContainsFunc(c.byUnder[match], func(x *claimant) bool { return x.holds && !x.rank.live }) ||
		slices.ContainsFunc(holder.under, func(name string) bool { return c.inGrace(name, c.memory.Claims.Get(name)) })
}
