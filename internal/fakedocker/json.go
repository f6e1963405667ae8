package fakedocker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// port is one entry of a list's Ports.
type port struct {
	IP          string `json:"IP,omitempty"`
	PrivatePort int
	PublicPort  int `json:"PublicPort,omitempty"`
	Type        string
}

// listAll encodes the containers that pass the filters, newest first; e.mu is held.
func (e *Engine) listAll(f filterSet) []byte {
	var chosen []*instance
	for _, c := range e.containers {
		if f.container(c) {
			chosen = append(chosen, c)
		}
	}
	slices.SortFunc(chosen, func(a, b *instance) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.id, b.id))
	})
	var b bytes.Buffer
	b.WriteByte('[')
	for i, c := range chosen {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.entry(c))
	}
	b.WriteString("]\n")
	return b.Bytes()
}

// entry encodes a container for a list; e.mu is held.
func (e *Engine) entry(c *instance) []byte {
	if c.listed != nil {
		return c.listed
	}
	names := []string{"/" + c.name}
	for _, a := range c.Aliases {
		names = append([]string{"/" + a}, names...) // links come in any order
	}
	ports := []port{}
	for spec, at := range c.mapped() {
		number, proto := split(spec)
		if at == "" {
			ports = append(ports, port{PrivatePort: number, Type: proto})
			continue
		}
		p := netip.MustParseAddrPort(at)
		ports = append(ports, port{IP: p.Addr().String(), PrivatePort: number, PublicPort: int(p.Port()), Type: proto})
	}
	text, err := json.Marshal(map[string]any{
		"Id": c.id, "Names": names, "Image": c.Image, "ImageID": "sha256:" + c.id, "Command": "/app",
		"Created": c.Created.Unix(), "Ports": ports, "Labels": nonNil(c.Labels), "State": c.state, "Status": c.status(),
		"HostConfig":      map[string]any{"NetworkMode": c.mode()},
		"NetworkSettings": map[string]any{"Networks": c.networks(false)},
		"Mounts":          []any{},
	})
	if err != nil {
		e.tb.Fatalf("fakedocker: encode container: %v", err)
	}
	c.listed = text
	return text
}

// mapped is what NetworkSettings.Ports says: exposed ports by their place on
// the host, "" for none. Only a bridge network that is not internal holds them.
func (c *instance) mapped() map[string]string {
	all := map[string]string{}
	if !slices.ContainsFunc(c.endpoints, func(p *endpoint) bool { return p.net.Driver == "bridge" && !p.net.Internal }) {
		return all
	}
	for _, spec := range c.Expose {
		all[spec] = c.Publish[spec]
	}
	return all
}

// inspection is the answer to GET /containers/{id}/json, as a tree.
func (e *Engine) inspection(c *instance) any {
	ports := map[string]any{}
	for spec, at := range c.mapped() {
		ports[spec] = nil
		if at != "" {
			p := netip.MustParseAddrPort(at)
			ports[spec] = []map[string]string{{"HostIp": p.Addr().String(), "HostPort": strconv.Itoa(int(p.Port()))}}
		}
	}
	state := map[string]any{
		"Status": c.state, "Running": c.running(), "Paused": c.state == "paused", "Restarting": c.state == "restarting",
		"OOMKilled": false, "Dead": false, "Pid": 1, "ExitCode": c.exitCode, "Error": "",
		"StartedAt": stamp(c.started), "FinishedAt": stamp(c.finished),
	}
	if c.Health != "" {
		state["Health"] = map[string]any{"Status": c.Health, "FailingStreak": 0, "Log": []any{}}
	}
	exposed := map[string]any{}
	for _, spec := range c.Expose {
		exposed[spec] = struct{}{}
	}
	config := map[string]any{
		"Hostname": c.id[:12], "Image": c.Image, "Labels": nonNil(c.Labels), "ExposedPorts": exposed,
	}
	if c.StopSignal != "" {
		config["StopSignal"] = c.StopSignal
	}
	if c.StopTimeout != nil {
		config["StopTimeout"] = *c.StopTimeout
	}
	return map[string]any{
		"Id": c.id, "Created": c.Created.UTC().Format(time.RFC3339Nano), "Path": "/app", "Args": []string{},
		"State": state, "Image": "sha256:" + c.id, "Name": "/" + c.name, "RestartCount": c.crashes,
		"HostConfig":      map[string]any{"NetworkMode": c.mode(), "PortBindings": map[string]any{}},
		"Mounts":          []any{},
		"Config":          config,
		"NetworkSettings": map[string]any{"Ports": ports, "Networks": c.networks(true)},
	}
}

// networks is what both answers say of a container's networks.
func (c *instance) networks(aliases bool) map[string]any {
	all := map[string]any{}
	for _, p := range c.endpoints {
		one := map[string]any{
			"IPAMConfig": nil, "Links": nil, "Aliases": nil, "NetworkID": p.net.id, "EndpointID": p.id,
			"Gateway": "", "IPAddress": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "",
			"GlobalIPv6PrefixLen": 0, "MacAddress": "", "DriverOpts": nil,
		}
		if aliases && p.net.Name != "bridge" {
			one["Aliases"] = []string{c.id[:12]}
		}
		switch {
		case !p.address.IsValid():
		case p.address.Is4():
			one["IPAddress"], one["Gateway"], one["IPPrefixLen"] = p.address.String(), p.net.gateway.String(), p.net.subnet.Bits()
		default:
			one["GlobalIPv6Address"], one["IPv6Gateway"], one["GlobalIPv6PrefixLen"] = p.address.String(), p.net.gateway.String(), p.net.subnet.Bits()
		}
		all[p.net.Name] = one
	}
	return all
}

// mode is HostConfig.NetworkMode.
func (c *instance) mode() string {
	if c.Network == "bridge" {
		return "default"
	}
	return c.Network
}

// status is the sentence that docker ps shows.
func (c *instance) status() string {
	switch c.state {
	case "running":
		switch c.Health {
		case "":
			return "Up 2 minutes"
		case "starting":
			return "Up 2 minutes (health: starting)"
		}
		return fmt.Sprintf("Up 2 minutes (%s)", c.Health)
	case "paused":
		return "Up 2 minutes (Paused)"
	case "restarting":
		return fmt.Sprintf("Restarting (%d) 2 seconds ago", c.exitCode)
	case "exited":
		return fmt.Sprintf("Exited (%d) 2 minutes ago", c.exitCode)
	}
	return "Created"
}

// json is the network's entry in GET /networks.
func (n *vnet) json() any {
	config := []any{}
	if n.subnet.IsValid() {
		config = append(config, map[string]string{"Subnet": n.subnet.String(), "Gateway": n.gateway.String()})
	}
	return map[string]any{
		"Name": n.Name, "Id": n.id, "Created": n.created.Format(time.RFC3339Nano), "Scope": "local", "Driver": n.Driver,
		"EnableIPv6": n.IPv6Only, "IPAM": map[string]any{"Driver": "default", "Options": nil, "Config": config},
		"Internal": n.Internal, "Attachable": false, "Ingress": false, "ConfigFrom": map[string]string{"Network": ""},
		"ConfigOnly": false, "Containers": map[string]any{}, "Options": map[string]string{}, "Labels": map[string]string{},
	}
}

// container reports whether a list with these filters shows a container.
func (f filterSet) container(c *instance) bool {
	states := f["status"]
	if len(states) == 0 {
		states = []string{"running", "paused", "restarting"}
	}
	return slices.Contains(states, c.state) && f.every("label", func(want string) bool {
		key, value, exact := strings.Cut(want, "=")
		have, ok := c.Labels[key]
		return ok && (!exact || have == value)
	}) && f.any("network", func(ref string) bool {
		return slices.ContainsFunc(c.endpoints, func(p *endpoint) bool { return p.net.id == ref || p.net.Name == ref })
	}) && f.any("name", func(pattern string) bool {
		re, err := regexp.Compile(pattern)
		return err == nil && (re.MatchString("/"+c.name) || re.MatchString(c.name))
	}) && f.any("publish", func(want string) bool {
		number, proto := split(want)
		for spec, at := range c.mapped() {
			if _, p := split(spec); at != "" && p == proto && int(netip.MustParseAddrPort(at).Port()) == number {
				return true
			}
		}
		return false
	})
}

func (f filterSet) every(key string, ok func(string) bool) bool {
	return !slices.ContainsFunc(f[key], func(v string) bool { return !ok(v) })
}

func (f filterSet) any(key string, ok func(string) bool) bool {
	return len(f[key]) == 0 || slices.ContainsFunc(f[key], ok)
}

// split reads "8080/tcp".
func split(spec string) (int, string) {
	text, proto, ok := strings.Cut(spec, "/")
	if !ok {
		proto = "tcp"
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, proto
	}
	return n, proto
}

func nonNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
