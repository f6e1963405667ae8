package manifests

import (
	"fmt"
	"net/netip"
	"slices"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// maxEndpoints is the most that one service may list.
const maxEndpoints = 1024

// The first field of static endpoints, and what each of these has.
const (
	wordEndpoints = "endpoints"
	wordAddress   = "address"
)

// endpoints reads the list of static endpoints.
func (r *reader) endpoints(service string, e entry) []v1.StaticEndpoint {
	var out []v1.StaticEndpoint
	seen := map[netip.AddrPort]v1.Origin{}
	items := r.items(e, 2)
	if len(items) > maxEndpoints {
		r.report(e.at, fmt.Sprintf("the list has %d endpoints, the most is %d", len(items), maxEndpoints), "divide the service")
		return nil
	}
	for _, item := range items {
		endpoint, ok := r.endpoint(service, item)
		if !ok {
			continue
		}
		if before, twice := seen[endpoint.Address]; twice {
			r.report(endpoint.Origin, fmt.Sprintf("the address %s stands there twice, first in line %d", endpoint.Address, before.Line), "keep one of the two")
			continue
		}
		seen[endpoint.Address] = endpoint.Origin
		out = append(out, endpoint)
	}
	slices.SortFunc(out, func(a, b v1.StaticEndpoint) int { return a.Address.Compare(b.Address) })
	return out
}

// endpoint reads one static endpoint: its address, and the fields of an instance.
func (r *reader) endpoint(service string, item *yaml.Node) (v1.StaticEndpoint, bool) {
	before := len(r.problems)
	at := r.at(item)
	named, fields := pick(r.entries(item, "an endpoint", 3), wordAddress, "network")
	if e, has := named["network"]; has {
		r.report(e.at, "network chooses among a container's addresses, and an endpoint has its own", "remove it")
	}
	if _, has := named[wordAddress]; !has {
		fields = r.meant(fields, []string{wordAddress})
	}
	part, problems := v1.DecodeEndpoint(service, at, r.written(fields))
	r.problems = append(r.problems, problems...)
	e, has := named[wordAddress]
	if !has {
		if len(r.problems) == before {
			r.report(at, "the endpoint has no address", "write for example address: 10.0.0.5:8080")
		}
		return v1.StaticEndpoint{}, false
	}
	text, ok := r.text(e, 4)
	if !ok {
		return v1.StaticEndpoint{}, false
	}
	address, message, fix := parseAddress(text, part.Port)
	if message != "" && len(r.problems) == before {
		r.report(r.at(e.value), message, fix)
	}
	return v1.StaticEndpoint{Address: address, Part: part, Origin: r.at(e.value)}, len(r.problems) == before
}

// parseAddress takes "10.0.0.5:8080", or an address alone beside the field port.
func parseAddress(text string, port uint16) (address netip.AddrPort, message, fix string) {
	fix = "write for example 10.0.0.5:8080, or [fd00::5]:8080 between quotes"
	address, err := netip.ParseAddrPort(text)
	if err == nil && port != 0 {
		return address, fmt.Sprintf("the address %s has a port, and the field port says another time which", shown(text)), "remove the field port"
	}
	if err != nil {
		alone, aloneErr := netip.ParseAddr(text)
		if aloneErr == nil && port == 0 {
			return address, fmt.Sprintf("the address %s has no port", shown(text)), "write it after a colon, or as the field port"
		}
		if aloneErr != nil {
			return address, fmt.Sprintf("%s is no IP address and port", shown(text)), fix
		}
		address = netip.AddrPortFrom(alone, port)
	}
	address = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
	switch ip := address.Addr(); {
	case address.Port() == 0:
		return address, fmt.Sprintf("the address %s has port 0", shown(text)), fix
	case ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "":
		return address, fmt.Sprintf("nothing can be reached at the address %s", shown(text)), fix
	}
	return address, "", ""
}
