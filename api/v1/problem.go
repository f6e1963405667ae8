package v1

import "fmt"

// Reason is a stable code that says in one word why a container, service or
// route does or does not get traffic on a gateway.
type Reason string

// The reasons. Their names are part of the interface: scripts match on them.
const (
	Serving            Reason = "Serving"
	Starting           Reason = "Starting"
	Draining           Reason = "Draining"
	Unhealthy          Reason = "Unhealthy"
	Flapping           Reason = "Flapping"
	NotEnabled         Reason = "NotEnabled"
	NotRunning         Reason = "NotRunning"
	InvalidLabel       Reason = "InvalidLabel"
	InvalidManifest    Reason = "InvalidManifest"
	NoPort             Reason = "NoPort"
	NoSharedNetwork    Reason = "NoSharedNetwork"
	Conflict           Reason = "Conflict"
	PolicyDenied       Reason = "PolicyDenied"
	NotExpressible     Reason = "NotExpressible"
	GatewayRejected    Reason = "GatewayRejected"
	GatewayUnreachable Reason = "GatewayUnreachable"
	GatewayUnwritable  Reason = "GatewayUnwritable"
	HeldByGuard        Reason = "HeldByGuard"
	Paused             Reason = "Paused"
	Drifted            Reason = "Drifted"
)

// Problem says what is wrong, where, and what to do. It is data, not an error
// of the program: the object it names waits for a change of its input.
type Problem struct {
	Reason  Reason  `json:"reason"`            // why, in one word
	Gateway Gateway `json:"gateway,omitempty"` // empty: wherever it is served
	Object  Key     `json:"object"`            // what it is about
	Origin  Origin  `json:"origin"`            // where that was asked for
	Message string  `json:"message"`           // what is wrong, lower case, no full stop
	Fix     string  `json:"fix"`               // what to do about it, in the imperative
}

// Error makes a Problem usable as an error: "place: reason: message; fix". One with a whole
// gateway, or with what nobody declares any more, has no place: whoever tells it says what it is.
func (p Problem) Error() string {
	text := fmt.Sprintf("%s: %s", p.Reason, p.Message)
	switch place := p.Origin.String(); {
	case place != "":
		text = place + ": " + text
	case p.Object.Name != "" && p.Object.Kind != KindGateway:
		text = p.Object.String() + ": " + text
	}
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}
