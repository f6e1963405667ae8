package fakedocker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Spec is what a container is made of.
type Spec struct {
	Name    string
	Image   string // default "app:1"
	Labels  map[string]string
	Created time.Time // default now
	// Network is as docker run has it: a network's name (default "bridge"), "host", "none" or "container:ID".
	Network string
	// More are networks beside it.
	More []string
	// Expose are ports: "8080/tcp" or "8080".
	Expose []string
	// Publish maps exposed ports to places on the host: "8080/tcp" to "0.0.0.0:18080".
	Publish map[string]string
	// Health is "starting", "healthy" or "unhealthy" for a container with a health check.
	Health      string
	StopSignal  string
	StopTimeout *int
	// Aliases are names that links from other containers gave it ("web/db").
	Aliases []string
}

// instance is one container.
type instance struct {
	Spec
	id        string
	name      string
	state     string // created, running, paused, restarting, exited
	exitCode  int
	crashes   int // after each of which a restart policy acts
	started   time.Time
	finished  time.Time
	endpoints []*endpoint
	listed    []byte // its entry in a list, nil when it must be made anew
}

func (c *instance) running() bool {
	return c.state == "running" || c.state == "paused" || c.state == "restarting"
}

// Create makes a container that does not run, and returns its id.
func (e *Engine) Create(spec Spec) string {
	e.tb.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	id, err := e.create(spec)
	if err != nil {
		e.tb.Fatalf("fakedocker: %v", err)
	}
	return id
}

// Run makes a container, starts it and returns its id.
func (e *Engine) Run(spec Spec) string {
	e.tb.Helper()
	id := e.Create(spec)
	e.Start(id)
	return id
}

func (e *Engine) create(spec Spec) (string, error) {
	id := e.newID()
	if spec.Name == "" {
		spec.Name = "c" + id[:12]
	}
	if c, err := e.find(spec.Name); err == nil && c.name == spec.Name {
		return "", fmt.Errorf("the name %q is in use", spec.Name)
	}
	if spec.Image == "" {
		spec.Image = "app:1"
	}
	if spec.Network == "" {
		spec.Network = "bridge"
	}
	if spec.Created.IsZero() {
		spec.Created = time.Now()
	}
	for i, p := range spec.Expose {
		if !strings.Contains(p, "/") {
			spec.Expose = slices.Clone(spec.Expose)
			spec.Expose[i] = p + "/tcp"
		}
	}
	for p := range spec.Publish {
		if !slices.Contains(spec.Expose, p) {
			return "", fmt.Errorf("container %q publishes %q and does not expose it", spec.Name, p)
		}
	}
	c := &instance{Spec: spec, id: id, name: spec.Name, state: "created"}
	if !strings.HasPrefix(spec.Network, "container:") {
		for _, name := range append([]string{spec.Network}, spec.More...) {
			n := e.network(name)
			if n == nil {
				return "", fmt.Errorf("network %q not found", name)
			}
			c.endpoints = append(c.endpoints, &endpoint{net: n, id: e.newID()})
		}
	}
	e.containers[id] = c
	e.tell(c, "create", nil)
	return id, nil
}

// Start starts a container that does not run.
func (e *Engine) Start(ref string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error { return e.start(c) })
}

func (e *Engine) start(c *instance) error {
	if c.state == "running" || c.state == "paused" {
		return fmt.Errorf("container %s runs", c.name)
	}
	for _, p := range c.endpoints {
		a, err := p.net.address()
		if err != nil {
			return err
		}
		p.address = a
		e.tellNetwork(p.net, "connect", c)
	}
	c.state, c.started, c.exitCode = "running", time.Now(), 0
	e.tell(c, "start", nil)
	return nil
}

// Stop stops a container the way docker stop does: its stop signal, its end,
// its networks, and then the event "stop".
func (e *Engine) Stop(ref string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if err := mustRun(c); err != nil {
			return err
		}
		e.tell(c, "kill", map[string]string{"signal": strconv.Itoa(number(c.StopSignal))})
		e.end(c, 0)
		e.tell(c, "stop", nil)
		return nil
	})
}

// BeginStop sends a container its stop signal and lets it go on running, as it
// does while it finishes its work. Die ends it.
func (e *Engine) BeginStop(ref string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		e.tell(c, "kill", map[string]string{"signal": strconv.Itoa(number(c.StopSignal))})
		return mustRun(c)
	})
}

// Kill sends a signal by number. The container dies of SIGKILL (9) and of
// nothing else.
func (e *Engine) Kill(ref string, signal int) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if err := mustRun(c); err != nil {
			return err
		}
		e.tell(c, "kill", map[string]string{"signal": strconv.Itoa(signal)})
		if signal == 9 {
			e.end(c, 137)
		}
		return nil
	})
}

// Die ends a container by itself, with an exit code.
func (e *Engine) Die(ref string, code int) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if err := mustRun(c); err != nil {
			return err
		}
		e.end(c, code)
		return nil
	})
}

// Crash ends a container whose restart policy will start it again: until
// Start it is "restarting", which lists show as running.
func (e *Engine) Crash(ref string, code int) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if err := mustRun(c); err != nil {
			return err
		}
		e.end(c, code)
		c.state = "restarting"
		c.crashes++
		return nil
	})
}

// Restart does what docker restart does.
func (e *Engine) Restart(ref string) {
	e.tb.Helper()
	e.Stop(ref)
	e.with(ref, func(c *instance) error {
		if err := e.start(c); err != nil {
			return err
		}
		e.tell(c, "restart", nil)
		return nil
	})
}

// Remove does what docker rm -f does.
func (e *Engine) Remove(ref string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if c.running() {
			e.tell(c, "kill", map[string]string{"signal": "9"})
			e.end(c, 137)
		}
		delete(e.containers, c.id)
		e.tell(c, "destroy", nil)
		return nil
	})
}

// end is the death of the main process and what follows from it.
func (e *Engine) end(c *instance, code int) {
	c.state, c.exitCode, c.finished = "exited", code, time.Now()
	e.tell(c, "die", map[string]string{"exitCode": strconv.Itoa(code)})
	for _, p := range c.endpoints {
		p.address = zeroAddr
		e.tellNetwork(p.net, "disconnect", c)
	}
}

// Pause and Unpause do what docker pause and unpause do.
func (e *Engine) Pause(ref string) {
	e.tb.Helper()
	e.turn(ref, "running", "paused", "pause")
}

// Unpause is the opposite of Pause.
func (e *Engine) Unpause(ref string) {
	e.tb.Helper()
	e.turn(ref, "paused", "running", "unpause")
}

func (e *Engine) turn(ref, from, to, action string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if c.state != from {
			return fmt.Errorf("container %s is %s, not %s", c.name, c.state, from)
		}
		c.state = to
		e.tell(c, action, nil)
		return nil
	})
}

// Rename gives a container another name.
func (e *Engine) Rename(ref, name string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		old := c.name
		c.name = name
		e.tell(c, "rename", map[string]string{"oldName": "/" + old})
		return nil
	})
}

// Update does what docker update does: an event, and nothing that shows here.
func (e *Engine) Update(ref string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		e.tell(c, "update", nil)
		return nil
	})
}

// SetHealth changes what the health check says: "starting", "healthy" or "unhealthy".
func (e *Engine) SetHealth(ref, health string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		if c.Health == "" {
			return fmt.Errorf("container %s has no health check", c.name)
		}
		c.Health = health
		e.tell(c, "health_status: "+health, nil)
		return mustRun(c)
	})
}

// Connect connects a container to a network.
func (e *Engine) Connect(ref, network string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		n := e.network(network)
		if n == nil {
			return fmt.Errorf("network %q not found", network)
		}
		p := &endpoint{net: n, id: e.newID()}
		if c.running() {
			a, err := n.address()
			if err != nil {
				return err
			}
			p.address = a
		}
		c.endpoints = append(c.endpoints, p)
		e.tellNetwork(n, "connect", c)
		return nil
	})
}

// Disconnect takes a container off a network. Of one that runs the Engine
// tells it twice.
func (e *Engine) Disconnect(ref, network string) {
	e.tb.Helper()
	e.with(ref, func(c *instance) error {
		i := slices.IndexFunc(c.endpoints, func(p *endpoint) bool { return p.net.Name == network })
		if i < 0 {
			return fmt.Errorf("container %s is not on network %q", c.name, network)
		}
		n := c.endpoints[i].net
		c.endpoints = slices.Delete(c.endpoints, i, i+1)
		if c.running() {
			e.tellNetwork(n, "disconnect", c)
		}
		e.tellNetwork(n, "disconnect", c)
		return nil
	})
}

func mustRun(c *instance) error {
	if !c.running() {
		return fmt.Errorf("container %s does not run", c.name)
	}
	return nil
}

// number reads a stop signal as the fake needs it: a number, or a few names.
func number(signal string) int {
	switch strings.TrimPrefix(signal, "SIG") {
	case "", "TERM":
		return 15
	case "QUIT":
		return 3
	case "INT":
		return 2
	case "USR1":
		return 10
	case "HUP":
		return 1
	case "RTMIN+3":
		return 37
	}
	n, err := strconv.Atoi(signal)
	if err != nil {
		return 15
	}
	return n
}
