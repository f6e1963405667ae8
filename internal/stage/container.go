package stage

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/go-connections/nat"
)

// Container describes a container to run.
type Container struct {
	Name    string // short
	Image   string
	Labels  map[string]string
	Env     []string // KEY=value
	Ports   []uint16 // exposed TCP ports
	Command []string // in place of the image's own
	Network string   // short name, on which it is known by its own short name; "" is Docker's own bridge
	// Patience is what the container's own stop timeout is; 0 leaves Docker's ten seconds.
	Patience time.Duration
	Probe    []string // HEALTHCHECK: command inside the container, asked five times a second; nil for none
}

// Run creates the container and starts it.
func (s *Stage) Run(ctx context.Context, c Container) error {
	if err := s.Create(ctx, c); err != nil {
		return err
	}
	return s.Start(ctx, c.Name)
}

// Create creates the container without starting it.
func (s *Stage) Create(ctx context.Context, c Container) error {
	labels := maps.Clone(c.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[labelKey] = s.id
	ports := nat.PortSet{}
	for _, p := range c.Ports {
		ports[nat.Port(strconv.Itoa(int(p))+"/tcp")] = struct{}{}
	}
	config := &container.Config{Image: c.Image, Hostname: c.Name, Env: c.Env, Cmd: c.Command, Labels: labels, ExposedPorts: ports}
	if c.Patience > 0 {
		seconds := int(c.Patience / time.Second)
		config.StopTimeout = &seconds
	}
	if c.Probe != nil {
		config.Healthcheck = &container.HealthConfig{
			Test:     append([]string{"CMD"}, c.Probe...),
			Interval: 200 * time.Millisecond, Timeout: time.Minute, Retries: 1, // only an answer makes it ill
		}
	}
	var host container.HostConfig
	var networks *network.NetworkingConfig
	if c.Network != "" {
		host.NetworkMode = container.NetworkMode(s.Name(c.Network))
		networks = &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{s.Name(c.Network): {Aliases: []string{c.Name}}}}
	}
	if _, err := s.docker.ContainerCreate(ctx, config, &host, networks, nil, s.Name(c.Name)); err != nil {
		return fmt.Errorf("create container %s: %w", c.Name, err)
	}
	return nil
}

// Start starts a container.
func (s *Stage) Start(ctx context.Context, name string) error {
	return did("start", name, s.docker.ContainerStart(ctx, s.Name(name), container.StartOptions{}))
}

// Stop stops a container as docker stop does, with that much patience before SIGKILL.
func (s *Stage) Stop(ctx context.Context, name string, patience time.Duration) error {
	seconds := int(patience / time.Second)
	return did("stop", name, s.docker.ContainerStop(ctx, s.Name(name), container.StopOptions{Timeout: &seconds}))
}

// Kill sends a signal ("HUP") to a container.
func (s *Stage) Kill(ctx context.Context, name, signal string) error {
	return did("kill", name, s.docker.ContainerKill(ctx, s.Name(name), signal))
}

// Pause freezes a container.
func (s *Stage) Pause(ctx context.Context, name string) error {
	return did("pause", name, s.docker.ContainerPause(ctx, s.Name(name)))
}

// Unpause lets a container go on.
func (s *Stage) Unpause(ctx context.Context, name string) error {
	return did("unpause", name, s.docker.ContainerUnpause(ctx, s.Name(name)))
}

// Rename gives a container another name.
func (s *Stage) Rename(ctx context.Context, name, to string) error {
	return did("rename", name, s.docker.ContainerRename(ctx, s.Name(name), s.Name(to)))
}

// Remove removes a container, running or not.
func (s *Stage) Remove(ctx context.Context, name string) error {
	return did("remove", name, s.docker.ContainerRemove(ctx, s.Name(name), container.RemoveOptions{Force: true}))
}

// Address returns the container's address on any one network.
func (s *Stage) Address(ctx context.Context, name string) (netip.Addr, error) {
	info, err := s.docker.ContainerInspect(ctx, s.Name(name))
	if err != nil {
		return netip.Addr{}, did("inspect", name, err)
	}
	for _, endpoint := range info.NetworkSettings.Networks {
		if addr, err := netip.ParseAddr(endpoint.IPAddress); err == nil {
			return addr, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("container %s has no address: is it running?", name)
}

// Running returns the full ids of the stage's containers that run, by their short
// names; with a label (KEY=value), only of those that bear it.
func (s *Stage) Running(ctx context.Context, label string) (map[string]string, error) {
	mine := filters.NewArgs(filters.Arg("label", labelKey+"="+s.id))
	if label != "" {
		mine.Add("label", label)
	}
	list, err := s.docker.ContainerList(ctx, container.ListOptions{Filters: mine})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	ids := map[string]string{}
	for _, c := range list {
		for _, name := range c.Names {
			ids[strings.TrimPrefix(name, "/"+s.id+"-")] = c.ID
		}
	}
	return ids, nil
}

// CreateNetwork creates a bridge network.
func (s *Stage) CreateNetwork(ctx context.Context, name string) error {
	options := network.CreateOptions{Driver: "bridge", Labels: map[string]string{labelKey: s.id}}
	if _, err := s.docker.NetworkCreate(ctx, s.Name(name), options); err != nil {
		return fmt.Errorf("create network %s: %w", name, err)
	}
	return nil
}

// Connect connects a container with a network.
func (s *Stage) Connect(ctx context.Context, networkName, name string) error {
	return did("connect", name, s.docker.NetworkConnect(ctx, s.network(networkName), s.Name(name), nil))
}

// Disconnect takes a container off a network.
func (s *Stage) Disconnect(ctx context.Context, networkName, name string) error {
	return did("disconnect", name, s.docker.NetworkDisconnect(ctx, s.network(networkName), s.Name(name), false))
}

// network returns the full name; Docker's own bridge keeps its.
func (s *Stage) network(name string) string {
	if name == network.NetworkBridge {
		return name
	}
	return s.Name(name)
}

func did(what, name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s container %s: %w", what, name, err)
	}
	return nil
}
