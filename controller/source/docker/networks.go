package docker

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
)

// drivers are network drivers by network id. Read only once made.
type drivers map[string]string

// cover reports whether each of a container's networks is known.
func (d drivers) cover(all map[string]*network.EndpointSettings) bool {
	for _, e := range all {
		if e != nil && e.NetworkID != "" {
			if _, ok := d[e.NetworkID]; !ok {
				return false
			}
		}
	}
	return true
}

// networks remembers the Engine's networks, which hardly ever change: they are
// listed with each full list, and when an inspection meets an unknown one.
type networks struct {
	mu      sync.Mutex
	drivers drivers
	metrics *metrics
}

// list asks the Engine and remembers the answer.
func (n *networks) list(ctx context.Context, e engine) ([]network.Summary, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.refresh(ctx, e)
}

func (n *networks) refresh(ctx context.Context, e engine) ([]network.Summary, error) {
	began := time.Now()
	all, err := e.NetworkList(ctx, network.ListOptions{})
	n.metrics.request("networks", err, began)
	if err != nil {
		return nil, err
	}
	d := make(drivers, len(all))
	for _, one := range all {
		d[one.ID] = one.Driver
	}
	n.drivers = d
	return all, nil
}

// known returns the drivers as last listed.
func (n *networks) known() drivers {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.drivers
}

// covering returns drivers that name each network of c, and lists the networks
// once if one is unknown. A network that even then is unknown has no driver,
// and isn't asked for again until the next full list.
func (n *networks) covering(ctx context.Context, e engine, c container.InspectResponse) (drivers, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	missing := n.missing(c)
	if len(missing) == 0 {
		return n.drivers, nil
	}
	if _, err := n.refresh(ctx, e); err != nil {
		return nil, err
	}
	if missing = n.missing(c); len(missing) > 0 {
		d := maps.Clone(n.drivers)
		for _, id := range missing {
			d[id] = ""
		}
		n.drivers = d
	}
	return n.drivers, nil
}

func (n *networks) missing(c container.InspectResponse) []string {
	if c.NetworkSettings == nil {
		return nil
	}
	var ids []string
	for _, e := range c.NetworkSettings.Networks {
		if e == nil || e.NetworkID == "" {
			continue
		}
		if _, ok := n.drivers[e.NetworkID]; !ok {
			ids = append(ids, e.NetworkID)
		}
	}
	return ids
}
