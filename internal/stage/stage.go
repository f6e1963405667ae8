// Package stage puts containers and networks on a Docker Engine for a test or a
// demo, and clears all of them away again. It knows nothing of Lockstep.
//
// Everything that a Stage makes bears its id, in the name ("ID-web") and as a
// label, so that stages run side by side and Clear finds all of it, also after
// a crash. Names in its methods are the short ones.
package stage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"

	"github.com/lockstep/lockstep/internal/scratchimage"
)

// labelKey marks what a stage made; its value is the stage's id.
const labelKey = "dev.lockstep.stage"

// Stage is one group of containers and networks. Its methods may be called by
// many goroutines.
type Stage struct {
	docker *client.Client
	id     string
}

// Open connects with the Engine at host ("" takes DOCKER_HOST, or else the local
// socket) and makes sure that it answers. The id must be fit for a container's name.
func Open(ctx context.Context, host, id string) (*Stage, error) {
	options := []client.Opt{client.FromEnv, client.WithAPIVersionNegotiation()}
	if host != "" {
		options = append(options, client.WithHost(host))
	}
	docker, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := docker.Ping(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("docker does not answer at %s: %w; start the Docker Engine, "+
			"let this user use its socket (group docker), or set DOCKER_HOST", docker.DaemonHost(), err), docker.Close())
	}
	return &Stage{docker: docker, id: id}, nil
}

// Close lets go of the Engine and leaves everything in place.
func (s *Stage) Close() error { return s.docker.Close() }

// Host is the Engine's address, in the form of DOCKER_HOST.
func (s *Stage) Host() string { return s.docker.DaemonHost() }

// ID names the stage.
func (s *Stage) ID() string { return s.id }

// Name returns the full name of a container or network.
func (s *Stage) Name(short string) string { return s.id + "-" + short }

// Image builds an image FROM scratch out of a static binary.
func (s *Stage) Image(ctx context.Context, tag, binary string, args ...string) error {
	return scratchimage.Build(ctx, s.docker, scratchimage.Image{Tag: tag, Binary: binary, Args: args})
}

// Ship builds an image that bears the stage's id. Containers inherit it, so that
// Clear finds every one that was started from the image, whoever did.
func (s *Stage) Ship(ctx context.Context, image scratchimage.Image) error {
	labels := map[string]string{labelKey: s.id}
	maps.Copy(labels, image.Labels)
	image.Labels = labels
	return scratchimage.Build(ctx, s.docker, image)
}

// RemoveImage removes an image; one that is absent or in use is left as it is.
func (s *Stage) RemoveImage(ctx context.Context, tag string) error {
	_, err := s.docker.ImageRemove(ctx, tag, image.RemoveOptions{PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove image %s: %w", tag, err)
	}
	return nil
}

// Clear removes every container and network that bears the stage's id.
func (s *Stage) Clear(ctx context.Context) error {
	mine := filters.NewArgs(filters.Arg("label", labelKey+"="+s.id))
	containers, err := s.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: mine})
	if err != nil {
		return fmt.Errorf("list containers: %w", err)
	}
	var problems []error
	for _, c := range containers {
		err := s.docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true, RemoveVolumes: true})
		if err != nil && !errdefs.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("remove container %s: %w", c.ID[:12], err))
		}
	}
	networks, err := s.docker.NetworkList(ctx, network.ListOptions{Filters: mine})
	if err != nil {
		problems = append(problems, fmt.Errorf("list networks: %w", err))
	}
	for _, n := range networks {
		if err := s.docker.NetworkRemove(ctx, n.ID); err != nil && !errdefs.IsNotFound(err) {
			problems = append(problems, fmt.Errorf("remove network %s: %w", n.Name, err))
		}
	}
	return errors.Join(problems...)
}
