package docker

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/lockstep/lockstep/controller/snapshot"
)

// reference is what the Engine accepts for a container's name or id. Anything
// else must not become part of a request's path.
var reference = regexp.MustCompile(`^/?[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// LookupNote says of a container what an Instance can't: why it may be none.
type LookupNote struct {
	// Status is Docker's word for the container's state: "running", "paused",
	// "restarting", "created", "exited (137)", "removing", "dead".
	Status string
	// ExitCode is that of its last end; 0 while it runs.
	ExitCode int
	// Restarts is how often its restart policy has started it again, since somebody started it.
	Restarts int
	// Running is set when the container is an instance: it runs or is paused.
	Running bool
}

// Lookup asks the Engine for one container by its name, its id or the
// beginning of its id, whether or not it runs and is seen. The instance of a
// container that does not run has its names and labels and no addresses. The
// error wraps ErrNotFound when there is no such container. Lookup needs no
// Run, and may be called beside it.
func (s *Source) Lookup(ctx context.Context, ref string) (snapshot.Instance, LookupNote, error) {
	var note LookupNote
	if !reference.MatchString(ref) {
		return snapshot.Instance{}, note, fmt.Errorf("%q is neither a container's name nor an id: %w", ref, ErrNotFound)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*s.options.timing.call)
	defer cancel()
	own, err := s.inspectAny(ctx, strings.TrimPrefix(ref, "/"))
	switch {
	case errdefs.IsNotFound(err):
		return snapshot.Instance{}, note, fmt.Errorf("container %q: %w", ref, ErrNotFound)
	case err != nil:
		return snapshot.Instance{}, note, s.conn.advise(timely("inspect container", err))
	case own.ContainerJSONBase == nil || own.State == nil || own.Config == nil:
		return snapshot.Instance{}, note, fmt.Errorf("container %q: the answer of the Docker daemon at %s is not complete", ref, s.conn.host)
	}
	netOf := own
	if own.HostConfig != nil && own.HostConfig.NetworkMode.IsContainer() {
		if netOf, err = s.inspectAny(ctx, own.HostConfig.NetworkMode.ConnectedContainer()); err != nil && !errdefs.IsNotFound(err) {
			return snapshot.Instance{}, note, s.conn.advise(err)
		}
	}
	drivers, err := s.networks.covering(ctx, s.conn.engine, netOf)
	if err != nil {
		return snapshot.Instance{}, note, s.conn.advise(fmt.Errorf("list networks: %w", err))
	}
	inst, f, ok := fromInspect(own, netOf, drivers)
	if !ok {
		inst = stopped(own, f)
	} else if known := s.world.get(own.ID); known != nil {
		inst.Stopping, inst.StoppingSince = known.Stopping, known.StoppingSince
	}
	note.Status, note.Running = statusOf(*own.State), ok
	note.ExitCode, note.Restarts = own.State.ExitCode, own.RestartCount
	return inst, note, nil
}

// stopped is what can be said of a container that does not run.
func stopped(c container.InspectResponse, f facts) snapshot.Instance {
	running := *c.State
	running.Running, running.Restarting, running.Dead, running.Paused, running.Health = true, false, false, false, nil
	base := *c.ContainerJSONBase
	base.State = &running
	c.ContainerJSONBase = &base
	inst, _, _ := fromInspect(c, c, nil)
	inst.Networks = nil
	inst.Ports = withExposed(nil, f.exposed)
	return inst
}

func statusOf(state container.State) string {
	switch state.Status {
	case container.StateExited, container.StateDead:
		return fmt.Sprintf("%s (%d)", state.Status, state.ExitCode)
	}
	return state.Status
}

// inspectAny asks for a container by name or id; the caller has checked that
// it is one.
func (s *Source) inspectAny(ctx context.Context, ref string) (container.InspectResponse, error) {
	began := time.Now()
	answer, err := s.conn.engine.ContainerInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		s.metrics.request("inspect", nil, began)
	} else {
		s.metrics.request("inspect", err, began)
	}
	return answer, err
}
