package compile

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// upstreamOf translates how a service's instances are to be spoken to, or says what
// is missing, and the remedy.
func (in *Input) upstreamOf(s *v1.Service) (u setting.Upstream, why, fix string) {
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
	if u.CA, why, fix = in.authorityOf(s); why != "" {
		return u, why, fix
	}
	if s.Check != "" && u.CheckName == "" {
		return u, "there is no name for which a check could verify the containers' certificates", "name it with tls_servername, or with check_host"
	}
	return u, "", ""
}

// authorityOf returns the copy that a service's containers are verified by; what is
// missing is said, with the remedy.
func (in *Input) authorityOf(s *v1.Service) (file, why, fix string) {
	name := s.TLSAuthority
	have, known := in.Authorities[name]
	switch {
	case known && have != "":
		return have, "", ""
	case name == "":
		return "", "HAProxy knows no authority by which to verify the containers' certificates", "name a file of certificates with --backend-ca, or write tls_verify=false where any certificate will do"
	}
	fix = "leave tls_ca out, or have the operator name it with --backend-ca " + name + "=FILE"
	if near := v1.Nearest(name, slices.Sorted(maps.Keys(in.Authorities))); near != "" {
		fix = "did you mean tls_ca=" + near + "?"
	}
	return "", fmt.Sprintf("HAProxy has no authority with the name %q", name), fix
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
