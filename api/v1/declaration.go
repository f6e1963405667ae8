package v1

import "time"

// Subject is one container as the labels' grammar sees it.
type Subject struct {
	Container string            // its name, for errors and as the last resort for a service key
	Project   string            // Compose project; "" when there is none
	Service   string            // Compose service; "" when there is none
	Labels    map[string]string // all its labels
}

// Grammar decodes labels. The zero value is not usable: Prefix must be set.
type Grammar struct {
	Prefix    string // with the final dot: "lockstep."
	ExposeAll bool   // containers count without an enable label
	// AllowPlugins are plugins that labels may ask for, with all of their fields,
	// although the verdict on them says no or there is none.
	AllowPlugins []string

	part part // of a manifest, where that is what is decoded
}

// Declaration is what one container's labels ask for.
type Declaration struct {
	// Enabled is false when the labels don't make the container count.
	Enabled bool
	// OptedOut says that a label of its own keeps it out: then no selector brings it in.
	OptedOut bool
	// Services are sorted by name; empty when not Enabled or when any label is wrong.
	Services []DeclaredService
}

// DeclaredService is the container's part in one service.
type DeclaredService struct {
	// Service carries the service's settings and routes, defaults filled in, no endpoints.
	Service Service
	// Port is the container port; 0 means the only one that it exposes.
	Port uint16
	// Network names the Docker network to use; "" lets the gateway's own decide.
	Network string
	// Weight is 0 to 256, by default 100.
	Weight int
	// Version groups the instances between which a rollout divides the traffic: parts
	// of [a-z0-9][a-z0-9_-]* joined by dots; "" where none is named.
	Version string
	// Drain is how long sessions may go on once the container drains.
	Drain time.Duration
	// MaxConn is the most requests at once, 0 for no bound; Backup instances get some only while no other one takes any.
	MaxConn int
	Backup  bool
	// Optional names fields of the instance that a gateway may leave out where it can't express them.
	Optional []string
}

// leaveOut notes that a gateway may leave the field out.
func (s *DeclaredService) leaveOut(f *Field) {
	if f.Scope == OfInstance {
		s.Optional = append(s.Optional, f.Name)
	} else {
		s.Service.Optional = append(s.Service.Optional, f.Name)
	}
}
