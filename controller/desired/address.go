package desired

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// reach is where a gateway reaches an instance, or why it does not.
type reach struct {
	address netip.AddrPort
	how     string    // "network shop_default", for people
	reason  v1.Reason // "" when reached
	message string
	fix     string
}

// locate answers where a gateway reaches an instance. The choice never depends
// on the order in which Docker lists things: the network label, then the
// gateway's networks in their order, then names.
func locate(m member, attachment snapshot.Attachment, o Options) reach {
	if m.container.address.IsValid() {
		return reach{address: m.container.address}
	}
	port, failed := portOf(m, o.Grammar.Prefix)
	if failed.reason != "" {
		return failed
	}
	instance := m.container.instance
	if o.PublishAddress.IsValid() {
		return published(instance, port, o.PublishAddress)
	}
	if instance.HostNetwork {
		if attachment.OnHost {
			return reach{address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), how: "the host's network"}
		}
		return unshared(instance, attachment, "it uses the host's network, where the gateway does not run")
	}
	candidates := shared(instance, attachment)
	if asked := m.part.Network; asked != "" {
		by := "the label network"
		if at := m.place("network"); !at.IsZero() {
			by = at.String()
		}
		i := slices.IndexFunc(instance.Networks, func(n snapshot.Network) bool { return n.Name == asked })
		if i < 0 {
			return unshared(instance, attachment, fmt.Sprintf("%s asks for %q, to which it is not connected", by, asked))
		}
		// On the host any driver may have a route to it; elsewhere the gateway must be in it.
		if !attachment.OnHost && !slices.Contains(attachment.Networks, asked) {
			return unshared(instance, attachment, fmt.Sprintf("%s asks for %q, to which the gateway is not connected", by, asked))
		}
		candidates = instance.Networks[i : i+1]
	}
	for _, network := range candidates {
		if network.Address.IsValid() {
			return reach{address: netip.AddrPortFrom(network.Address, port), how: "network " + network.Name}
		}
	}
	return unshared(instance, attachment, "")
}

// portOf returns the container port to use; prefix begins the labels that advice names.
func portOf(m member, prefix string) (uint16, reach) {
	if m.part.Port != 0 {
		return m.part.Port, reach{}
	}
	ports := m.container.instance.Ports
	if len(ports) == 1 {
		return ports[0].Number, reach{}
	}
	failed := reach{reason: v1.NoPort, fix: "say which one with a label, for example " + prefix + "port=8080"}
	if by := m.selector(); by != nil {
		failed.fix = fmt.Sprintf("say which one in the manifest, beside its selector (%s), for example port: 8080", by.Origin)
	}
	if len(ports) == 0 {
		failed.message = "it exposes no TCP port"
		return 0, failed
	}
	var names []string
	for _, port := range ports {
		names = append(names, fmt.Sprint(port.Number))
	}
	failed.message = "it exposes several TCP ports: " + strings.Join(names, ", ")
	return 0, failed
}

// shared returns the networks of the instance that the gateway reaches, best first.
func shared(instance snapshot.Instance, attachment snapshot.Attachment) []snapshot.Network {
	var out []snapshot.Network
	for _, name := range attachment.Networks {
		for _, network := range instance.Networks {
			if network.Name == name {
				out = append(out, network)
			}
		}
	}
	if !attachment.OnHost {
		return out
	}
	for _, network := range instance.Networks {
		if network.Driver == "bridge" && !slices.Contains(attachment.Networks, network.Name) {
			out = append(out, network)
		}
	}
	return out
}

// published returns where a published port is reached.
func published(instance snapshot.Instance, port uint16, publish netip.Addr) reach {
	for _, candidate := range instance.Ports {
		if candidate.Number != port {
			continue
		}
		for _, at := range candidate.Published {
			if at.Addr().IsUnspecified() || at.Addr() == publish {
				return reach{address: netip.AddrPortFrom(publish, at.Port()), how: "its published port"}
			}
		}
	}
	return reach{
		reason:  v1.NoSharedNetwork,
		message: fmt.Sprintf("port %d is not published on %s", port, publish),
		fix:     "publish the port, or run without --publish-address to use the containers' own networks",
	}
}

// unshared says that there is no common network, with both lists.
func unshared(instance snapshot.Instance, attachment snapshot.Attachment, detail string) reach {
	var theirs []string
	for _, network := range instance.Networks {
		theirs = append(theirs, network.Name)
	}
	message := fmt.Sprintf("the container is on %s, the gateway on %s", list(theirs), gatewayNetworks(attachment))
	if detail != "" {
		message = detail + "; " + message
	}
	return reach{
		reason:  v1.NoSharedNetwork,
		message: message,
		fix:     "connect both to one network, or name the gateway's with --kong-network or --haproxy-network",
	}
}

// gatewayNetworks says which networks a gateway reaches.
func gatewayNetworks(a snapshot.Attachment) string {
	text := list(a.Networks)
	if a.OnHost {
		text = "the host (every bridge network)"
		if len(a.Networks) > 0 {
			text += " and " + list(a.Networks)
		}
	}
	if a.Why != "" {
		text += " (" + a.Why + ")"
	}
	return text
}

func list(names []string) string {
	if len(names) == 0 {
		return "no network"
	}
	return strings.Join(names, ", ")
}
