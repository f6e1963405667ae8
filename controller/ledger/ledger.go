package ledger

import (
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/journal"
)

// Ledger is the memory. The zero value is an empty one. It is owned by one
// goroutine, and knows what of it changed since it was saved.
type Ledger struct {
	// Claims name, for each match that is held, the route that holds it.
	Claims journal.Map[string]
	// Services are the settings that each service last asked for, by its name.
	Services journal.Map[Service]
	// Drains are the instances that somebody has taken out of service, by their ids.
	// One is forgotten when its instance is gone.
	Drains journal.Map[Drain]
	// Ports are those at which Kong reaches a service through HAProxy, by the
	// service's name.
	Ports journal.Map[Port]
	// Pauses are the gateways that somebody wants left alone, by their names.
	Pauses journal.Map[Pause]
	// Pins are the services that somebody holds to what they once asked for, by their
	// names.
	Pins journal.Map[Pin]
	// KongMode is how Kong was last found to be configured; "" while it never answered.
	KongMode journal.Value[KongMode]
}

// KongMode is how a Kong is configured, on which the ways in of services depend that name none.
type KongMode string

// The modes of Kong.
const (
	KongDatabase KongMode = "database" // entity by entity
	KongDBLess   KongMode = "dbless"   // by a push of everything
)

// Pin is what a service is held to, whatever labels and manifests ask for meanwhile.
type Pin struct {
	Generation uint64    `json:"generation"` // of history, when it asked for this
	By         string    `json:"by"`         // who wants it, for people
	Since      time.Time `json:"since"`      // UTC, whole seconds
	// Settings are those of the service and its routes, without endpoints and without
	// secrets, for which those of today stand in.
	Settings v1.Service `json:"settings"`
}

// Pause is what is remembered of a gateway that is to be left alone.
type Pause struct {
	By    string    `json:"by"`    // who asked for it, for people
	Since time.Time `json:"since"` // UTC, whole seconds
}

// Drain is what is remembered of an instance that somebody has taken out of service.
type Drain struct {
	By    string    `json:"by"`    // who asked for it, for people
	Since time.Time `json:"since"` // UTC, whole seconds
	// For is how long its sessions may go on; 0 leaves that to its field drain.
	For time.Duration `json:"for,omitempty"`
}

// Port is the port of one service.
type Port struct {
	Number uint16 `json:"number"`
	// Freed is when the service gave it up, or when Kong was last found to send nothing
	// there any more after that; zero while it has it.
	Freed time.Time `json:"freed,omitzero"`
	// Dialed says that Kong was told to send there, and has not been found to do so no more.
	Dialed bool `json:"dialed,omitempty"`
}

// Service is what is remembered of one service.
type Service struct {
	// Settings are the service and its routes as last decided, without endpoints.
	Settings v1.Service `json:"settings"`
	// Until is when a service that lost its last instance is forgotten; zero
	// while it has instances.
	Until time.Time `json:"until,omitzero"`
}

// New returns an empty ledger.
func New() *Ledger { return &Ledger{} }

// Clone returns a copy that shares no map with l, and of which nothing has changed yet.
func (l *Ledger) Clone() *Ledger {
	return &Ledger{
		Claims: l.Claims.Clone(), Services: l.Services.Clone(), Drains: l.Drains.Clone(), Ports: l.Ports.Clone(),
		Pauses: l.Pauses.Clone(), Pins: l.Pins.Clone(), KongMode: l.KongMode.Clone(),
	}
}
