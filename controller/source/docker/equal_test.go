package docker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// sameBothWays builds the instances of all containers that the list shows from
// the list and from inspections, and compares. It returns how many the list
// alone could not tell.
func sameBothWays(t *testing.T, e engine, f filters.Args) (incomplete []string) {
	t.Helper()
	ctx := context.Background()
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := &networks{metrics: m}
	if _, err := n.list(ctx, e); err != nil {
		t.Fatal(err)
	}
	all, err := e.ContainerList(ctx, container.ListOptions{Filters: f})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("the list is empty")
	}
	for _, s := range all {
		own, err := e.ContainerInspect(ctx, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		want, facts, wantOK := fromInspect(own, own, n.known())
		got, ok, complete := fromList(s, nil, n.known())
		if ok != wantOK {
			t.Errorf("%s: an instance by the list: %v, by inspection: %v", s.Names[0], ok, wantOK)
			continue
		}
		if !complete {
			incomplete = append(incomplete, ownName(s.Names))
			// With the facts of one inspection the list is enough, where it can be at all.
			if got, _, complete = fromList(s, &facts, n.known()); !complete {
				continue
			}
		}
		if diff := gocmp.Diff(want, got, instances); diff != "" {
			t.Errorf("%s: -inspection +list\n%s", s.Names[0], diff)
		}
	}
	return incomplete
}

// TestListEqualsInspectionReal holds the two ways of building an instance side
// by side on a real Engine, for containers of many kinds.
func TestListEqualsInspectionReal(t *testing.T) {
	r := realEngine(t)
	ctx := context.Background()
	one := r.network("one", network.CreateOptions{})
	two := r.network("two", network.CreateOptions{})
	internal := r.network("internal", network.CreateOptions{Internal: true})
	subnet := fmt.Sprintf("fd5a:%x:%x::/64", rand.Uint32N(1<<16), rand.Uint32N(1<<16)) // another test may run beside this one
	six := r.network("six", network.CreateOptions{EnableIPv6: new(true), IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet}}}})

	on := func(net string) func(*container.Config, *container.HostConfig) {
		return func(_ *container.Config, h *container.HostConfig) { h.NetworkMode = container.NetworkMode(net) }
	}
	plain := r.run("plain", nil)
	r.run("host", on("host"))
	r.run("none", on("none"))
	r.run("internal", on(internal))
	r.run("six", on(six))
	r.run("joined", on("container:"+plain))
	r.run("noport", func(c *container.Config, _ *container.HostConfig) { c.ExposedPorts = nil })
	r.run("published", func(c *container.Config, h *container.HostConfig) {
		c.ExposedPorts = nat.PortSet{"7000/tcp": {}}
		h.PortBindings = nat.PortMap{
			"8080/tcp": {{HostIP: "127.0.0.1", HostPort: "0"}, {HostIP: "127.0.0.1", HostPort: "0"}},
			"7000/tcp": {{HostPort: "0"}},
			"9000/udp": {{HostPort: "0"}},
		}
	})
	both := r.run("both", on(one))
	r.must(r.cli.NetworkConnect(ctx, two, both, nil))
	moved := r.run("moved", func(_ *container.Config, h *container.HostConfig) {
		h.NetworkMode = container.NetworkMode(one)
		h.PortBindings = nat.PortMap{"8080/tcp": {{HostPort: "0"}}}
	})
	r.must(r.cli.NetworkConnect(ctx, two, moved, nil))
	r.must(r.cli.NetworkDisconnect(ctx, one, moved, false))
	lonely := r.run("lonely", on(one))
	r.must(r.cli.NetworkDisconnect(ctx, one, lonely, false))
	well := r.run("well", func(c *container.Config, _ *container.HostConfig) { c.Healthcheck = healthcheck() })
	r.exec(well, "well")
	ill := r.run("ill", func(c *container.Config, _ *container.HostConfig) { c.Healthcheck = healthcheck() })
	r.run("starting", func(c *container.Config, _ *container.HostConfig) {
		c.Healthcheck = &container.HealthConfig{Test: []string{"CMD", "/app", "health"}, Interval: time.Hour}
	})
	r.must(r.cli.ContainerPause(ctx, r.run("paused", nil)))
	pausedWell := r.run("paused-well", func(c *container.Config, _ *container.HostConfig) { c.Healthcheck = healthcheck() })
	r.exec(pausedWell, "well")

	settled := func(id, health string) {
		deadline := time.Now().Add(patience)
		for {
			c, err := r.cli.ContainerInspect(ctx, id)
			r.must(err)
			if c.State.Health.Status == health {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is %s, not %s", c.Name, c.State.Health.Status, health)
			}
		}
	}
	settled(well, "healthy")
	settled(pausedWell, "healthy")
	settled(ill, "unhealthy")
	r.must(r.cli.ContainerPause(ctx, pausedWell))

	got := sameBothWays(t, r.cli, filters.NewArgs(filters.Arg("label", r.label)))
	t.Logf("not told by the list alone: %v", got)
}
