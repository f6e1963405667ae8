package v1

import (
	"net/netip"
	"strings"
)

// longestProvable is the longest name that HAProxy makes a certificate for.
const longestProvable = 64

// Provable reports whether HAProxy can prove to Kong over TLS that it is a host of a route: a
// name that a certificate can be made for when it is asked for. TLS can't ask for an address,
// X.509 has no longer names, and from 3.4 on HAProxy makes none with other characters than those
// of host names, such as "_". Of a wildcard this says only that it may stand for such names.
func Provable(host string) bool {
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return false
	}
	return len(host) <= longestProvable && !strings.ContainsFunc(strings.Trim(host, "*"), func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.'
	})
}
