package v1

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Bind is one address of a Listener.
type Bind struct {
	Address string `json:"address"` // as CheckBind returns it
	// TLS says that it is ended there.
	TLS    bool   `json:"tls,omitempty"`
	Origin Origin `json:"origin"`
}

// Overlaps reports whether two addresses can't both be listened on.
func (b Bind) Overlaps(o Bind) bool {
	mine, port, err := ParseBind(b.Address)
	theirs, other, wrong := ParseBind(o.Address)
	return err == nil && wrong == nil && port == other && SharesAddress(mine, theirs)
}

// SharesAddress reports whether two hosts of addresses to listen on, as ParseBind returns
// them, have an address in common.
func SharesAddress(a, b string) bool { return a == b || everyAddress(a) || everyAddress(b) }

func everyAddress(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }

// ParseBind reads an address to listen on: ":80", "127.0.0.1:80", "*:80" or "[::1]:80".
// The host is "" for every address.
func ParseBind(text string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, fmt.Errorf("bind %q: %w; write it like :80 or 127.0.0.1:8080", text, err)
	}
	port, err = strconv.Atoi(service)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("bind %q: the port is not between 1 and 65535", text)
	}
	if host == "*" {
		host = ""
	}
	if host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return "", 0, fmt.Errorf("bind %q: %q is no IP address; HAProxy would look it up at each start", text, host)
		}
	}
	return host, port, nil
}

// CheckBind returns an address to listen on in its one form, or what is wrong with it
// and what to do.
func CheckBind(text string) (normal, message, fix string) {
	const fixed = "write it like :8443, 10.0.0.5:8443 or [::1]:8443"
	host, port, err := ParseBind(text)
	if err != nil {
		return "", shown(text) + " is no address to listen on", fixed
	}
	if host == "" {
		return ":" + strconv.Itoa(port), "", ""
	}
	address, err := netip.ParseAddr(host)
	if err != nil || address.Zone() != "" {
		return "", shown(text) + " is no address to listen on", fixed
	}
	return net.JoinHostPort(address.String(), strconv.Itoa(port)), "", ""
}

// ParseRange reads a range of addresses, or a single one: "10.0.0.0/8", "10.0.0.5".
func ParseRange(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil && address.Zone() == "" { // a range has none anyway
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither a range nor an address, for example 10.0.0.0/8", text)
	}
	return prefix.Masked(), nil
}
