package haproxy

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// upstream says how servers are spoken to; the zero value is HTTP/1.1 without TLS.
type upstream struct {
	// Protocol is v1.HTTPS, v1.GRPC or v1.GRPCS, or "".
	Protocol v1.Protocol `json:"protocol,omitempty"`
	// CA is our copy of the authority that must have issued a server's certificate.
	CA string `json:"ca,omitempty"`
	// Any takes any certificate, and there is no CA. It is said, never concluded.
	Any bool `json:"any,omitempty"`
	// Name is what servers are asked for and must prove; "" is the Host that they get.
	Name string `json:"name,omitempty"`
	// CheckName is the same for a check, which bears no client's Host.
	CheckName string `json:"check_name,omitempty"`
}

// upstreamOf translates how a service's instances are to be spoken to, or says what
// is missing, and the remedy.
func (r *Reconciler) upstreamOf(s *v1.Service) (u upstream, why, fix string) {
	if s.Protocol.Stream() {
		return upstream{}, "", ""
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
	return err == nil || wildcard(host)
}

// nameless reports whether a server's certificate would have to be verified for a
// Host that is the server's own address.
func (u upstream) nameless(address bool) bool { return u.verifies() && u.Name == "" && address }

// verifies reports whether servers must prove themselves.
func (u upstream) verifies() bool { return u.Protocol.Secure() && !u.Any }

// check is the door for what stands in it as text.
func (u upstream) check() error {
	switch u.Protocol {
	case v1.HTTP, v1.HTTPS, v1.GRPC, v1.GRPCS:
	default:
		return fmt.Errorf("HAProxy speaks no %q with servers", string(u.Protocol))
	}
	err := checkAuthority(u.CA)
	if u.verifies() == (u.CA == "") {
		err = errors.New("servers are to be verified and no authority is said, or the other way round")
	}
	for _, name := range []string{u.Name, u.CheckName} {
		if name != "" {
			err = errors.Join(err, charset.CheckHost.Check(name))
		}
	}
	return err
}

// lines returns the lines of the backend's section.
func (u upstream) lines() []string {
	if !u.verifies() {
		return nil
	}
	// A process knows only the authorities that its sections name: servers that come at
	// runtime could not name another one.
	lines := []string{"default-server ca-file " + u.CA}
	if u.Name == "" { // a server that is asked for no name would have to prove none
		lines = append(lines, `http-request return status 400 content-type text/plain string "no host\n" if !{ req.hdr(host),field(1,:) -m len ge 1 }`)
	}
	return lines
}

// nobody is a name that no certificate bears: what a server must prove where it is
// asked for none.
const nobody = "nobody.invalid"

// options returns what each server bears, with a space before each word. checked
// says that there is a check, address that the server's address is the Host.
func (u upstream) options(checked, address bool) string {
	var b strings.Builder
	add := func(wanted bool, words string) {
		if wanted {
			b.WriteString(" " + words)
		}
	}
	alpn := "http/1.1"
	switch u.Protocol {
	case v1.GRPC:
		return " proto h2"
	case v1.GRPCS:
		alpn = "h2"
	case v1.HTTPS:
	default:
		return ""
	}
	add(true, "ssl alpn "+alpn)
	add(u.Any, "verify none")
	add(!u.Any, "verify required ca-file "+u.CA+" verifyhost "+cmp.Or(u.Name, nobody))
	add(u.Name != "", "sni str("+u.Name+")")
	add(u.Name == "" && !address, "sni req.hdr(host),field(1,:)")
	add(checked, "check-ssl check-alpn "+alpn)
	add(checked && u.CheckName != "", "check-sni "+u.CheckName)
	return b.String()
}

// String returns what people read in a plan: all that makes two of them differ.
func (u upstream) String() string {
	if !u.Protocol.Secure() {
		return u.Protocol.String()
	}
	text := u.Protocol.String() + ", any certificate"
	if !u.Any {
		text = fmt.Sprintf("%s, verified by %s for %s", u.Protocol, filepath.Base(u.CA), cmp.Or(u.Name, "the Host"))
	}
	if u.CheckName != "" {
		text += ", checked for " + u.CheckName
	}
	return text
}
