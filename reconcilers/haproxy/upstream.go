package haproxy

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// upstreamOf translates how a service's instances are to be spoken to, or says what
// is missing, and the remedy.
func (r *Reconciler) upstreamOf(s *v1.Service) (u setting.Upstream, why, fix string) {
	if s.Protocol.Stream() {
		return setting.Upstream{}, "", ""
	}
	u.Protocol = s.Protocol
	if !s.Protocol.Secure() {
		return u, "", ""
	}
	u.Name = s.TLSServerName
	if s.Check != "" {
		u.CheckName = cmp.Or(s.TLSServerName, s.CheckHost, firstHost(s.Routes))
	}
	if s.TLSUnverified {
		u.Any = true
		return u, "", ""
	}
	if u.CA, why, fix = r.authorityOf(s); why != "" {
		return u, why, fix
	}
	if s.Check != "" && u.CheckName == "" {
		return u, "there is no name for which a check could verify the containers' certificates", "name it with tls_servername, or with check_host"
	}
	return u, "", ""
}

// firstHost returns the first host of routes that is a name; "" when there is none.
func firstHost(routes []v1.Route) string {
	var names []string
	for i := range routes {
		names = append(names, slices.DeleteFunc(slices.Clone(routes[i].Hosts), unprovable)...)
	}
	if len(names) == 0 {
		return ""
	}
	return slices.Min(names)
}

// unprovable reports whether a host is none that a server could be asked to prove.
func unprovable(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil || strings.Contains(host, "*")
}
