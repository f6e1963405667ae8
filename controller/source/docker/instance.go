package docker

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// Labels that Docker Compose puts on its containers.
const (
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
)

// facts are what an inspection tells and a list does not; none of them changes
// in a container's life.
type facts struct {
	exposed     []uint16 // TCP ports of the image and of --expose, sorted
	healthcheck bool
	stopSignal  string // as written; "" means SIGTERM
	stopTimeout time.Duration
}

// fromList builds an instance from one entry of a list. It returns ok false for
// a container that is none (restarting, being removed), and complete false
// when the list can't tell everything and f, the facts of an earlier
// inspection, are not there to fill it in.
func fromList(s container.Summary, f *facts, drivers drivers) (inst snapshot.Instance, ok, complete bool) {
	if s.State != container.StateRunning && s.State != container.StatePaused {
		return snapshot.Instance{}, false, true
	}
	inst = snapshot.Instance{
		ID:          s.ID,
		Name:        ownName(s.Names),
		Created:     time.Unix(s.Created, 0).UTC(),
		Project:     s.Labels[composeProject],
		Service:     s.Labels[composeService],
		Labels:      s.Labels,
		Paused:      s.State == container.StatePaused,
		Health:      healthOf(s.Status),
		HostNetwork: s.HostConfig.NetworkMode == "host",
		Ports:       listedPorts(s.Ports),
	}
	if s.NetworkSettings != nil {
		inst.Networks = networksOf(s.NetworkSettings.Networks, drivers)
		if !drivers.cover(s.NetworkSettings.Networks) {
			return inst, true, false // connected to a network that is newer than our list of them
		}
	}
	switch {
	case container.NetworkMode(s.HostConfig.NetworkMode).IsContainer():
		return inst, true, false // address and ports are the other container's
	case f == nil && (inst.Paused || len(s.Ports) == 0):
		// "Up 3 minutes (Paused)" hides the health. A container without a
		// port in the list may expose some all the same: the Engine
		// lists them only while a bridge network that is not internal holds them.
		return inst, true, false
	case inst.Paused && f.healthcheck:
		return inst, true, false
	case f != nil:
		inst.Ports = withExposed(inst.Ports, f.exposed)
	}
	return inst, true, true
}

// fromInspect builds an instance from an inspection. netOf is the container
// whose network stack is used: c itself, or the one that it joins.
func fromInspect(c, netOf container.InspectResponse, drivers drivers) (inst snapshot.Instance, f facts, ok bool) {
	f = factsOf(c)
	if c.State == nil || !c.State.Running || c.State.Restarting || c.State.Dead {
		return snapshot.Instance{}, f, false
	}
	inst = snapshot.Instance{
		ID:     c.ID,
		Name:   strings.TrimPrefix(c.Name, "/"),
		Paused: c.State.Paused,
		Health: snapshot.NoHealthcheck,
	}
	// A time that can't be read leaves the zero time: it only breaks ties.
	if t, err := time.Parse(time.RFC3339Nano, c.Created); err == nil {
		inst.Created = t.UTC().Truncate(time.Second)
	}
	if c.Config != nil {
		inst.Labels = c.Config.Labels
		inst.Project = c.Config.Labels[composeProject]
		inst.Service = c.Config.Labels[composeService]
	}
	if c.State.Health != nil {
		inst.Health = knownHealth(c.State.Health.Status)
	}
	joins := netOf.ContainerJSONBase != nil && netOf.ID != c.ID
	if netOf.ContainerJSONBase != nil && netOf.HostConfig != nil {
		inst.HostNetwork = netOf.HostConfig.NetworkMode.IsHost()
	}
	if netOf.NetworkSettings != nil {
		inst.Networks = networksOf(netOf.NetworkSettings.Networks, drivers)
		inst.Ports = mappedPorts(netOf.NetworkSettings.Ports)
	}
	if joins {
		// Of the other's ports only those that this container exposes are its own.
		inst.Ports = slices.DeleteFunc(inst.Ports, func(p snapshot.Port) bool {
			return !slices.Contains(f.exposed, p.Number)
		})
	}
	inst.Ports = withExposed(inst.Ports, f.exposed)
	return inst, f, true
}

func factsOf(c container.InspectResponse) facts {
	f := facts{stopTimeout: defaultStopTimeout}
	if c.State != nil {
		f.healthcheck = c.State.Health != nil
	}
	if c.Config == nil {
		return f
	}
	f.stopSignal = c.Config.StopSignal
	if c.Config.StopTimeout != nil {
		f.stopTimeout = stopTimeout(*c.Config.StopTimeout)
	}
	for port := range c.Config.ExposedPorts {
		if n := port.Int(); port.Proto() == "tcp" && n > 0 && n < 1<<16 {
			f.exposed = append(f.exposed, uint16(n))
		}
	}
	slices.Sort(f.exposed)
	return f
}

// ownName picks the container's own name among those that links have given it
// ("/db" beside "/web/db").
func ownName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

// healthOf reads the health out of "Up 3 minutes (health: starting)".
func healthOf(status string) snapshot.Health {
	open := strings.LastIndexByte(status, '(')
	if open < 0 || !strings.HasSuffix(status, ")") {
		return snapshot.NoHealthcheck
	}
	word := status[open+1 : len(status)-1]
	return knownHealth(strings.TrimPrefix(word, "health: "))
}

func knownHealth(word string) snapshot.Health {
	switch h := snapshot.Health(word); h {
	case snapshot.HealthStarting, snapshot.Healthy, snapshot.Unhealthy:
		return h
	}
	return snapshot.NoHealthcheck
}

// networksOf keeps the networks on which the container has an address, sorted
// by name. "host" and "none" have none; HostNetwork says the former.
func networksOf(all map[string]*network.EndpointSettings, drivers drivers) []snapshot.Network {
	var nets []snapshot.Network
	for name, e := range all {
		if e == nil {
			continue
		}
		addr, err := netip.ParseAddr(e.IPAddress)
		if err != nil {
			addr, err = netip.ParseAddr(e.GlobalIPv6Address)
		}
		if err != nil {
			continue
		}
		nets = append(nets, snapshot.Network{Name: name, Driver: drivers[e.NetworkID], Address: addr})
	}
	slices.SortFunc(nets, func(a, b snapshot.Network) int { return cmp.Compare(a.Name, b.Name) })
	return nets
}
