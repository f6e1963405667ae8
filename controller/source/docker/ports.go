package docker

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/go-connections/nat"

	"github.com/lockstep/lockstep/controller/snapshot"
)

func listedPorts(all []container.Port) []snapshot.Port {
	var ports []snapshot.Port
	for _, p := range all {
		if p.Type != "tcp" {
			continue
		}
		ports = publish(ports, p.PrivatePort, p.IP, p.PublicPort)
	}
	return sortPorts(ports)
}

func mappedPorts(all nat.PortMap) []snapshot.Port {
	var ports []snapshot.Port
	for port, bindings := range all {
		n := port.Int()
		if port.Proto() != "tcp" || n <= 0 || n >= 1<<16 {
			continue
		}
		ports = publish(ports, uint16(n), "", 0)
		for _, b := range bindings {
			// Docker writes decimal numbers here; what is none is no binding.
			if public, err := strconv.ParseUint(b.HostPort, 10, 16); err == nil {
				ports = publish(ports, uint16(n), b.HostIP, uint16(public))
			}
		}
	}
	return sortPorts(ports)
}

// publish adds a port, and its place on the host when it has one.
func publish(ports []snapshot.Port, private uint16, ip string, public uint16) []snapshot.Port {
	i := slices.IndexFunc(ports, func(p snapshot.Port) bool { return p.Number == private })
	if i < 0 {
		i = len(ports)
		ports = append(ports, snapshot.Port{Number: private})
	}
	if public == 0 {
		return ports
	}
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		addr = netip.IPv4Unspecified() // an empty host address means every one
	}
	ports[i].Published = append(ports[i].Published, netip.AddrPortFrom(addr, public))
	return ports
}

func withExposed(ports []snapshot.Port, exposed []uint16) []snapshot.Port {
	for _, n := range exposed {
		ports = publish(ports, n, "", 0)
	}
	return sortPorts(ports)
}

func sortPorts(ports []snapshot.Port) []snapshot.Port {
	slices.SortFunc(ports, func(a, b snapshot.Port) int { return cmp.Compare(a.Number, b.Number) })
	for i := range ports {
		slices.SortFunc(ports[i].Published, netip.AddrPort.Compare)
		ports[i].Published = slices.Compact(ports[i].Published)
	}
	return ports
}
