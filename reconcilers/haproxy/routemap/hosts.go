package routemap

import (
	"bytes"
	"iter"
	"maps"
	"slices"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// Hosts returns the keys of hosts.map: every exact host that has a route,
// and "*" for frontends that hand over all the rest.
func Hosts(services iter.Seq2[string, []*Route]) map[string]bool {
	hosts := map[string]bool{"*": true}
	for _, routes := range services {
		for _, r := range routes {
			for _, host := range r.Hosts {
				if !wildcard(host) {
					hosts[host] = true
				}
			}
		}
	}
	return hosts
}

// RenderHosts writes hosts.map.
func RenderHosts(owner string, hosts map[string]bool) []byte {
	var b bytes.Buffer
	b.WriteString(disk.Head(owner))
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		b.WriteString(HostLine(owner, host) + "\n")
	}
	return b.Bytes()
}

// HostLine is the line of one host: whoever looks it up is sent to our frontend.
func HostLine(owner, host string) string { return host + " " + Gate(owner) }
