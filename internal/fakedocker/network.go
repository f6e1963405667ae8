package fakedocker

import (
	"fmt"
	"net/netip"
	"time"
)

// Network is what a network is made of.
type Network struct {
	Name     string
	Driver   string // default "bridge"
	Internal bool
	IPv6Only bool // containers get an IPv6 address and no IPv4 one
}

// vnet is one network.
type vnet struct {
	Network
	id      string
	created time.Time
	subnet  netip.Prefix
	next    netip.Addr // the next container's address
	gateway netip.Addr
}

// AddNetwork makes a network and returns its id.
func (e *Engine) AddNetwork(spec Network) string {
	e.tb.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.network(spec.Name) != nil {
		e.tb.Fatalf("fakedocker: network %q exists", spec.Name)
	}
	if spec.Driver == "" {
		spec.Driver = "bridge"
	}
	n := &vnet{Network: spec, id: e.newID(), created: time.Now().UTC()}
	if spec.Driver != "host" && spec.Driver != "null" {
		base := netip.AddrFrom4([4]byte{10, byte(16 + len(e.networks)), 0, 0})
		bits := 16
		if spec.IPv6Only {
			base, bits = netip.AddrFrom16([16]byte{0xfd, byte(len(e.networks))}), 64
		}
		n.subnet = netip.PrefixFrom(base, bits)
		n.gateway = base.Next()
		n.next = n.gateway.Next()
	}
	e.networks = append(e.networks, n)
	e.emit(event{Type: "network", Action: "create", Actor: actor{n.id, map[string]string{"name": n.Name, "type": n.Driver}}})
	return n.id
}

// network finds one by name or id; e.mu is held.
func (e *Engine) network(ref string) *vnet {
	for _, n := range e.networks {
		if n.Name == ref || n.id == ref {
			return n
		}
	}
	return nil
}

// endpoint is a container's place on a network.
type endpoint struct {
	net     *vnet
	id      string
	address netip.Addr // invalid where there is none, or while the container doesn't run
}

// address gives out the next one of a network.
func (n *vnet) address() (netip.Addr, error) {
	if !n.next.IsValid() {
		return netip.Addr{}, nil
	}
	a := n.next
	if !n.subnet.Contains(a) {
		return a, fmt.Errorf("network %s has no address left", n.Name)
	}
	n.next = a.Next()
	return a, nil
}

// Address returns a running container's address on a network.
func (e *Engine) Address(ref, network string) string {
	e.tb.Helper()
	var address string
	e.with(ref, func(c *instance) error {
		for _, p := range c.endpoints {
			if p.net.Name == network && p.address.IsValid() {
				address = p.address.String()
				return nil
			}
		}
		return fmt.Errorf("container %s has no address on %q", c.name, network)
	})
	return address
}

// Gateway returns the host's address on a network.
func (e *Engine) Gateway(network string) string {
	e.tb.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	n := e.network(network)
	if n == nil {
		e.tb.Fatalf("fakedocker: network %q not found", network)
	}
	return n.gateway.String()
}
