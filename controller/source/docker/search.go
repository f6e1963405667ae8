package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// byURL places a gateway by the address at which the daemon reaches it.
func (q *search) byURL(ctx context.Context, u *url.URL, flag string) (found, error) {
	host := u.Hostname()
	q.silent = false
	addrs := q.resolve(ctx, host)
	if len(addrs) == 0 {
		return q.byName(ctx, host, flag)
	}
	onHost := false
	for _, a := range addrs {
		if a.IsLoopback() && q.own != nil && !q.own.HostConfig.NetworkMode.IsHost() {
			return inContainer(*q.own, "shares the daemon's container "), nil
		}
		f, err := q.byAddress(ctx, a)
		if err != nil || f.container != "" {
			return f, err
		}
		onHost = onHost || q.isHost(a)
	}
	if !onHost {
		return found{open: true, unsure: q.silent, at: snapshot.Attachment{
			Why: fmt.Sprintf("%s belongs to no container here; set %s", addrs[0], flag)}}, nil
	}
	f, err := q.byPort(ctx, portOf(u))
	if err != nil || f.container != "" {
		return f, err
	}
	return found{open: true, at: snapshot.Attachment{OnHost: true, Why: fmt.Sprintf("%s is the Docker host", host)}}, nil
}

// resolve returns a host's addresses, none when it has none. A resolver that
// gives no answer says nothing about the host.
func (q *search) resolve(ctx context.Context, host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}
	}
	if host == "localhost" {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	ctx, cancel := context.WithTimeout(ctx, q.s.options.timing.call)
	defer cancel()
	addrs, err := q.s.options.host.lookup(ctx, host)
	var dns *net.DNSError
	if err != nil && (!errors.As(err, &dns) || !dns.IsNotFound) {
		// Without an answer the name itself is all there is: a container may bear it.
		q.s.options.Logger.Debug("host could not be resolved", "host", host, "error", err)
		q.silent = true
		return nil
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// byAddress finds the container that has an address on one of the networks
// whose subnet it lies in.
func (q *search) byAddress(ctx context.Context, a netip.Addr) (found, error) {
	for _, n := range q.nets {
		if !slices.ContainsFunc(n.IPAM.Config, func(c network.IPAMConfig) bool {
			p, err := netip.ParsePrefix(c.Subnet)
			return err == nil && p.Contains(a)
		}) {
			continue
		}
		all, err := q.s.list(ctx, filters.NewArgs(filters.Arg("network", n.ID)))
		if err != nil {
			return found{}, timely("list containers of a network", err)
		}
		for _, c := range all {
			for _, e := range settings(c) {
				if e != nil && (e.IPAddress == a.String() || e.GlobalIPv6Address == a.String()) {
					return running(c), nil
				}
			}
		}
	}
	return found{}, nil
}

// byPort finds the container that publishes a TCP port of the host.
func (q *search) byPort(ctx context.Context, port uint16) (found, error) {
	if port == 0 {
		return found{}, nil
	}
	all, err := q.s.list(ctx, filters.NewArgs(filters.Arg("publish", strconv.Itoa(int(port))+"/tcp")))
	if err != nil {
		return found{}, timely("list containers that publish a port", err)
	}
	for _, c := range oldestFirst(all) {
		if slices.ContainsFunc(c.Ports, func(p container.Port) bool { return p.Type == "tcp" && p.PublicPort == port }) {
			return running(c), nil
		}
	}
	return found{}, nil
}

// byName finds a container of that name, or the one of that Compose service.
func (q *search) byName(ctx context.Context, host, flag string) (found, error) {
	for _, f := range []filters.KeyValuePair{
		filters.Arg("name", "^/?"+regexp.QuoteMeta(host)+"$"),
		filters.Arg("label", composeService+"="+host),
	} {
		all, err := q.s.list(ctx, filters.NewArgs(f))
		if err != nil {
			return found{}, timely("list containers by name", err)
		}
		if all = oldestFirst(all); len(all) > 0 {
			return running(all[0]), nil
		}
	}
	return found{open: true, unsure: q.silent, at: snapshot.Attachment{
		Why: fmt.Sprintf("%q is neither a host nor a container that runs; set %s", host, flag)}}, nil
}

// isHost reports whether an address is one of the Docker host.
func (q *search) isHost(a netip.Addr) bool {
	if q.s.conn.address == a.String() {
		return true
	}
	for _, n := range q.nets {
		for _, c := range n.IPAM.Config {
			if c.Gateway == a.String() {
				return true
			}
		}
	}
	if q.own != nil {
		if q.own.NetworkSettings != nil {
			for _, e := range q.own.NetworkSettings.Networks {
				if e != nil && (e.Gateway == a.String() || e.IPv6Gateway == a.String()) {
					return true
				}
			}
		}
		if !q.own.HostConfig.NetworkMode.IsHost() {
			return false // the interfaces seen here are the container's
		}
	}
	if !q.beside {
		return false
	}
	if a.IsLoopback() {
		return true
	}
	own, err := q.s.options.host.interfaces()
	if err != nil {
		q.s.options.Logger.Warn("own addresses could not be read", "error", err)
		q.silent = true
		return false
	}
	return slices.ContainsFunc(own, func(i net.Addr) bool {
		p, err := netip.ParsePrefix(i.String())
		return err == nil && p.Addr().Unmap() == a
	})
}

func inContainer(c container.InspectResponse, why string) found {
	f := found{container: c.ID, at: snapshot.Attachment{Why: why + strings.TrimPrefix(c.Name, "/")}}
	if c.HostConfig != nil && c.HostConfig.NetworkMode.IsHost() {
		f.at.OnHost = true
		return f
	}
	if c.NetworkSettings != nil {
		f.at.Networks = names(c.NetworkSettings.Networks)
	}
	return f
}

func running(c container.Summary) found {
	f := found{container: c.ID, at: snapshot.Attachment{Why: "runs in container " + ownName(c.Names)}}
	if c.HostConfig.NetworkMode == "host" {
		f.at.OnHost = true
		return f
	}
	f.at.Networks = names(settings(c))
	return f
}

func settings(c container.Summary) map[string]*network.EndpointSettings {
	if c.NetworkSettings == nil {
		return nil
	}
	return c.NetworkSettings.Networks
}

func names(all map[string]*network.EndpointSettings) []string {
	var list []string
	for _, n := range networksOf(all, nil) {
		list = append(list, n.Name)
	}
	return list
}

func oldestFirst(all []container.Summary) []container.Summary {
	slices.SortFunc(all, func(a, b container.Summary) int {
		if a.Created != b.Created {
			return int(a.Created - b.Created)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all
}

// portOf returns the port of a URL, or the one that its scheme stands for.
func portOf(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	switch u.Scheme {
	case "http":
		return 80
	case "https":
		return 443
	}
	return 0
}
