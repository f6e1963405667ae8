package docker

import (
	"context"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/network"
)

// engine is all that this package asks of a Docker Engine. Each call is a GET
// (Ping: HEAD, then GET where HEAD is refused); none changes anything.
// *client.Client of the Docker SDK is one.
type engine interface {
	// Ping asks for /_ping.
	Ping(ctx context.Context) (types.Ping, error)
	// Events opens /events. It returns when the Engine began to answer; the
	// error channel gets one value, and then the stream is over.
	Events(ctx context.Context, options events.ListOptions) (<-chan events.Message, <-chan error)
	// ContainerList asks for /containers/json.
	ContainerList(ctx context.Context, options container.ListOptions) ([]container.Summary, error)
	// ContainerInspect asks for /containers/{id}/json.
	ContainerInspect(ctx context.Context, id string) (container.InspectResponse, error)
	// NetworkList asks for /networks.
	NetworkList(ctx context.Context, options network.ListOptions) ([]network.Summary, error)
	// Close lets go of idle connections.
	Close() error
}
