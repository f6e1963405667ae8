package desired

import (
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Standing is the account of one service: what was decided and why. It is
// immutable.
type Standing struct {
	Service   string             `json:"service"`               // its key
	DecidedBy string             `json:"decided_by"`            // the container whose settings hold
	Manifest  v1.Origin          `json:"manifest,omitzero"`     // where a manifest declares the service
	Decisions []v1.Decision      `json:"decisions,omitempty"`   // who decides which setting, where a manifest declares the service
	Until     *time.Time         `json:"grace_until,omitempty"` // set while it has no instances
	Instances []InstanceStanding `json:"instances"`             // sorted by container name, then id
	Routes    []RouteStanding    `json:"routes"`                // sorted by name
	Rollout   *RolloutStanding   `json:"rollout,omitempty"`     // set while versions share the traffic
	Pinned    *PinStanding       `json:"pinned,omitempty"`      // set while its settings are those of an earlier generation
	Problems  []v1.Problem       `json:"problems,omitempty"`    // copies that disagree
}

// RolloutStanding is the account of a rollout.
type RolloutStanding struct {
	DecidedBy v1.Origin         `json:"decided_by"`       // the container, or the place in a manifest, that asks for it
	Header    string            `json:"header,omitempty"` // the request header that picks a version
	Cookie    string            `json:"cookie,omitempty"` // the cookie that does
	Versions  []VersionStanding `json:"versions"`         // sorted by name: those that run, and those that have a share
}

// VersionStanding is the account of one version.
type VersionStanding struct {
	Version string         `json:"version"`         // "" for containers without the label
	Asked   *int           `json:"asked,omitempty"` // per cent; nothing: what the others leave
	Shares  []VersionShare `json:"gateways"`        // one for each gateway that serves the service
}

// VersionShare is what a version gets on one gateway.
type VersionShare struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	Ready   int        `json:"ready"`   // how many of its instances could get traffic
	Share   float64    `json:"share"`   // per cent, as the weights make it
}

// InstanceStanding is the account of one container in one service.
type InstanceStanding struct {
	ID        string    `json:"id"`                // the full container id
	Container string    `json:"container"`         // of a static endpoint: its address
	Origin    v1.Origin `json:"origin,omitzero"`   // of a static endpoint: where it is declared
	Version   string    `json:"version,omitempty"` // as its label says; "" where none does
	Weight    int       `json:"weight"`            // its own, as the label says
	Verdicts  []Verdict `json:"gateways"`          // one for each configured gateway
}

// RouteStanding is the account of one route.
type RouteStanding struct {
	v1.Route
	Verdicts []Verdict `json:"gateways"` // one for each configured gateway
}

// Verdict says whether something is served on a gateway and, if not, why. It
// is what is desired; what became of it is for status to add.
type Verdict struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	Reason  v1.Reason  `json:"reason"`  // Serving, or why not
	// Through is the gateway behind this one over which an instance is reached, or
	// to which a route leads; "" when there is none.
	Through v1.Gateway `json:"through,omitempty"`
	// From is the gateway in front, when an instance gets its requests only from there.
	From    v1.Gateway `json:"from,omitempty"`
	Address string     `json:"address,omitempty"` // of an instance, for this gateway
	How     string     `json:"how,omitempty"`     // which network the address is on; "" of a static one
	Message string     `json:"message,omitempty"` // the same for people; "" when there is nothing to say
	Fix     string     `json:"fix,omitempty"`     // what to do about it
	// Without are hosts of a route for which it is not served, because a Listener has
	// them to itself.
	Without []string `json:"without_hosts,omitempty"`
	// Accepted is set while the gateway has accepted a change that it is not known to
	// serve yet: since when.
	Accepted time.Time `json:"accepted,omitzero"`
	// Sessions are those that an instance which gets nothing new has still to finish,
	// where the gateway can count them and was asked.
	Sessions *int `json:"sessions,omitempty"`
	// Uncounted says why Sessions is not known, where it could be.
	Uncounted string `json:"uncounted,omitempty"`
}

// Wanting reports whether somebody should know of it: what is not served, but for what was not
// asked for on the gateway.
func (v *Verdict) Wanting() bool { return v.Reason != v1.Serving && v.Reason != v1.NotEnabled }

// Problem says the verdict as a problem with what it is about, which was asked for at a place.
func (v *Verdict) Problem(object v1.Key, at v1.Origin) v1.Problem {
	return v1.Problem{Reason: v.Reason, Gateway: v.Gateway, Object: object, Origin: at, Message: v.Message, Fix: v.Fix}
}

// Finishes reports whether an instance may have something to finish on the gateway.
func (v *Verdict) Finishes() bool {
	switch v.Reason {
	case v1.Draining, v1.Unhealthy, v1.Flapping:
		return v.Address != ""
	}
	return false
}
