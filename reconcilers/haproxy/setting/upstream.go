package setting

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// Upstream says how servers are spoken to; the zero value is HTTP/1.1 without TLS.
type Upstream struct {
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

// Nameless reports whether a server's certificate would have to be verified for a
// Host that is the server's own address.
func (u Upstream) Nameless(address bool) bool { return u.verifies() && u.Name == "" && address }

// verifies reports whether servers must prove themselves.
func (u Upstream) verifies() bool { return u.Protocol.Secure() && !u.Any }

// Validate is the door for what stands in it as text.
func (u Upstream) Validate() error {
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
func (u Upstream) lines() []string {
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
func (u Upstream) options(checked, address bool) string {
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
func (u Upstream) String() string {
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

// checkAuthority is the door for the path of a copy.
func checkAuthority(path string) error {
	if path == "" {
		return nil
	}
	base := filepath.Base(path)
	digits := strings.TrimSuffix(strings.TrimPrefix(base, disk.AuthorityPrefix), ".pem")
	if !filepath.IsAbs(path) || base != disk.AuthorityPrefix+digits+".pem" || strings.Trim(digits, "0123456789abcdef") != "" {
		return errors.New("a file of authorities is none of ours")
	}
	return charset.File.Check(path)
}
