// Package source defines the port through which the truth comes in. Each
// mechanism (docker, and later others) is a package beside this file.
package source

import (
	"context"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// Source watches one place where instances live.
type Source interface {
	// Run watches until ctx ends and returns ctx's cause; every other trouble
	// is retried inside, with backoff, and shown by State. It calls poke (which
	// never blocks) whenever Take or State has news.
	Run(ctx context.Context, poke func()) error
	// Take returns what changed since the last Take and forgets it. The first
	// delta that is not empty is Full; before it nothing is known at all. Later
	// ones hold differences only, also after a whole view was read again. It
	// never blocks on the network.
	Take() snapshot.Delta
	// State returns how the watching goes.
	State() State
}

// State is how a source is doing.
type State struct {
	Name      string    `json:"name"`            // "docker"
	Loaded    bool      `json:"loaded"`          // a whole view was read at least once
	Connected bool      `json:"connected"`       // the event stream stands
	Synced    time.Time `json:"synced"`          // when a whole view was last read
	Error     string    `json:"error,omitempty"` // why it is not connected, and what to do; "" when all is well
	// Commit is the one that the source is at, where it follows a repository: what its
	// ref points to (git), or what counts of it (manifests).
	Commit string `json:"commit,omitempty"`
	// Refused is the commit that manifests are not at, as it is wrong.
	Refused string `json:"refused,omitempty"`
	// Problems are what is wrong within the source, sorted by place; the last good
	// version of it stays.
	Problems []v1.Problem `json:"problems,omitempty"`
}
