package server

import (
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// GatewayPlan is what would change on one gateway, in the form in which it is
// printed as JSON. Its field names are part of the interface.
type GatewayPlan struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	Changes []Change   `json:"changes"` // those that would be made, in their order
	// Held are removals that the guard would keep back.
	Held []Change `json:"held,omitempty"`
	// Reported are changes that would undo what others did at the gateway, and that are
	// not made: it is reported.
	Reported []Change `json:"reported,omitempty"`
	// Problems are why the gateway will not serve what was asked for: what it can't express
	// or has refused, conflicts, what policies refuse, labels and manifests that are wrong
	// (InvalidManifest), what waits, and that another Lockstep writes to it.
	Problems []v1.Problem `json:"problems,omitempty"`
	// Error says why nothing can be said about the gateway.
	Error string `json:"error,omitempty"`
}

// Change is one change of a plan.
type Change struct {
	Operation plan.Op `json:"operation"`         // what is to be done
	Object    v1.Key  `json:"object"`            // to what
	Service   string  `json:"service,omitempty"` // to which that belongs; "" for none
	// Group is what it belongs to instead: Kong's own words, or verification.
	Group string `json:"group,omitempty"`
	// Owner is the service, route or instance that the object is there for: what the guard counts.
	Owner    v1.Key `json:"owner,omitzero"`
	Sentence string `json:"sentence"` // all of it for people
	// Fields are what an update changes.
	Fields []plan.Difference `json:"fields,omitempty"`
	// Reload says why the gateway must be reloaded for the change.
	Reload string    `json:"reload,omitempty"`
	Origin v1.Origin `json:"origin,omitzero"` // where it was asked for
}

// NewGatewayPlan returns a plan in its printed form.
func NewGatewayPlan(gateway v1.Gateway, p plan.Plan, problems []v1.Problem, failure string) GatewayPlan {
	return GatewayPlan{Gateway: gateway, Changes: changes(p.Changes), Held: changes(p.Held), Reported: reported(p.Reported), Problems: problems, Error: failure}
}

func reported(list []plan.Reported) []Change {
	left := make([]plan.Change, len(list))
	for i := range list {
		left[i] = list[i].Change
	}
	return changes(left)
}

func changes(list []plan.Change) []Change {
	out := make([]Change, 0, len(list))
	for _, change := range list {
		object := change.Object()
		service, group := v1.Grouped(object.Service)
		out = append(out, Change{
			Operation: change.Op,
			Object:    change.Key,
			Service:   service,
			Group:     group,
			Owner:     object.Owner,
			Sentence:  change.Sentence(),
			Fields:    change.Differences(),
			Reload:    change.Reload,
			Origin:    object.Origin,
		})
	}
	return out
}
