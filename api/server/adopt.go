package server

import (
	"errors"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// AdoptRequest is the body of POST /adopt and of POST /release.
type AdoptRequest struct {
	// Names are services, or objects like kong:service/shop.web; with adopt, none means
	// all that stands in the way of what is desired.
	Names []string `json:"names,omitempty"`
	// IDs are those of a preview that somebody agreed to: nothing else is touched. None
	// means whatever is there.
	IDs []string `json:"ids,omitempty"`
	// Preview says what would become of it, and changes nothing.
	Preview bool `json:"preview,omitempty"`
	// By is who asks, for people.
	By string `json:"by,omitempty"`
}

func (r *AdoptRequest) check() error {
	return checkBy(r.By)
}

func (r *AdoptRequest) checkRelease() error {
	if len(r.Names) == 0 {
		return errors.New("the body lacks names, of what is to be given back")
	}
	return r.check()
}

// PruneRequest is the body of POST /prune.
type PruneRequest struct {
	// Objects are those of a preview that somebody agreed to, as kind/name: where more
	// would go, nothing does. None means whatever is there.
	Objects []string `json:"objects,omitempty"`
	// Preview says what would become of it, and changes nothing.
	Preview bool `json:"preview,omitempty"`
	// By is who asks, for people.
	By string `json:"by,omitempty"`
}

func (r *PruneRequest) check() error {
	return checkBy(r.By)
}

// Pruned is what was removed from one gateway, or would be.
type Pruned struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	Removed []Removal  `json:"removed"` // what was, or is to be
	// Error says why nothing is removed there.
	Error string `json:"error,omitempty"`
}

// Removal is one removed object.
type Removal struct {
	Object   v1.Key `json:"object"`            // what goes
	Service  string `json:"service,omitempty"` // to which it belongs; "" for none
	Sentence string `json:"sentence"`          // the same for people
	// Refused says why it stays; "" when it does not.
	Refused string `json:"refused,omitempty"`
}

// NewPruned returns what was removed in its printed form.
func NewPruned(p controller.Pruned) Pruned {
	return Pruned{Gateway: p.Gateway, Removed: Removals(p.Outcomes), Error: p.Error}
}

// Removals returns those among outcomes that concern a removal, in their printed form.
func Removals(outcomes []plan.Outcome) []Removal {
	out := []Removal{}
	for _, outcome := range outcomes {
		if outcome.Change.Op != plan.Delete {
			continue
		}
		removal := Removal{Object: outcome.Change.Key, Service: outcome.Change.Before.Service, Sentence: outcome.Change.Sentence()}
		if p := outcome.Problem; p != nil {
			removal.Refused = p.Message + "; " + p.Fix
		}
		out = append(out, removal)
	}
	return out
}
