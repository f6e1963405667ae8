package status

import (
	"fmt"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers"
)

// Report is everything at one moment, sorted, in the form in which it is
// printed as JSON. Its field names are part of the interface.
type Report struct {
	Version string `json:"version"` // the daemon's
	Owner   string `json:"owner"`   // whose mark its objects bear
	// Writer is the id of its state directory, by which each gateway knows its one writer.
	Writer   string         `json:"writer,omitempty"`
	Revision uint64         `json:"revision"` // another one when anything is different
	Ready    bool           `json:"ready"`    // every source is loaded and every gateway holds what is desired
	Sources  []source.State `json:"sources"`  // where the truth comes from
	Gateways []Gateway      `json:"gateways"` // in the order of the flags
	Services []Service      `json:"services"` // by name
	// Refused are the containers that were left out because of their labels.
	Refused []Refused `json:"refused"`
	// Waiting are plugins of manifests that hold for nothing, as there is no such service or
	// route.
	Waiting []v1.Problem `json:"waiting,omitempty"`
	// Unsaved are the parts of the state directory that can't be written, by name.
	Unsaved []Unsaved `json:"unsaved,omitempty"`
}

// Gateway is how one gateway is doing.
type Gateway struct {
	Name v1.Gateway `json:"name"` // which one
	// Reason is Serving, Starting (nothing was applied yet), GatewayUnreachable, GatewayUnwritable, Conflict or Paused.
	Reason v1.Reason `json:"reason"`
	// Error says what is wrong and what to do; "" when all is well.
	Error string `json:"error,omitempty"`
	// Applied is when a round last ended well.
	Applied time.Time `json:"applied,omitzero"`
	// Pending is how many services wait to be applied.
	Pending int `json:"pending"`
	// Changes is how many changes were made since the start.
	Changes int `json:"changes"`
	// Applying says how far changes are that take a while; missing when none do.
	Applying *Applying `json:"applying,omitempty"`
	// Held are removals that the guard keeps back.
	Held []Held `json:"held,omitempty"`
	// Problems are objects that the gateway refuses or can't express.
	Problems []v1.Problem `json:"problems,omitempty"`
	// Hints say which flags would spare it changes. Nothing is wrong with it.
	Hints []string `json:"hints,omitempty"`
	// Verification says whether it serves what it accepted; nil of one that does at once.
	Verification *Verification `json:"verification,omitempty"`
}

// LetGo is the command that has a daemon let go what its guards hold back.
const LetGo = "lockstep apply --confirm"

// Held is one removal that the guard keeps back.
type Held struct {
	Owner    v1.Key    `json:"owner"`    // what is to go
	Sentence string    `json:"sentence"` // the same for people
	Until    time.Time `json:"until"`    // when it goes by itself
}

// Problem says of a held removal what became of it, as HeldByGuard.
func (h Held) Problem(gateway v1.Gateway) v1.Problem {
	answers := "it answers 503"
	if h.Owner.Kind != v1.KindRoute { // whether it has any is not known here
		answers = "what routes it has answer 503"
	}
	return v1.Problem{
		Reason:  v1.HeldByGuard,
		Gateway: gateway,
		Object:  h.Owner,
		Message: fmt.Sprintf("%s: kept back, for many would go at once; %s until %s at least", h.Sentence, answers, instant.Text(h.Until)),
		Fix:     "if this is meant, let it go with: " + LetGo,
	}
}

// Service is the account of one service: what is desired, and what became of it.
type Service struct {
	desired.Standing
	// Pending are the gateways that have yet to be told what is desired.
	Pending []v1.Gateway `json:"pending,omitempty"`
	// Selection is what became of its selector: where it is asked for by name, or has no
	// instance.
	Selection *desired.Selection `json:"selection,omitempty"`

	inspections map[v1.Gateway]inspection
}

// inspection is what a gateway itself said of a service's instances.
type inspection struct {
	known func(id string) reconcilers.Live
	err   error
}

// waits reports whether the gateway has yet to be told.
func (s *Service) waits(gateway v1.Gateway) bool { return slices.Contains(s.Pending, gateway) }

// Inspected notes what a gateway knows of the instances, by their containers' ids:
// how many sessions those have that get nothing new, and which it gives nothing though it
// should. An err says why that is not known.
func (s *Service) Inspected(gateway v1.Gateway, known func(id string) reconcilers.Live, err error) {
	if s.inspections == nil {
		s.inspections = map[v1.Gateway]inspection{}
	}
	s.inspections[gateway] = inspection{known, err}
	for _, i := range s.Instances {
		for n := range i.Verdicts {
			v := &i.Verdicts[n]
			if v.Gateway != gateway || v.Address == "" {
				continue
			}
			if err != nil {
				if v.Finishes() {
					v.Uncounted = err.Error()
				}
				continue
			}
			live := known(i.ID)
			switch {
			case v.Finishes():
				v.Sessions = &live.Sessions
			case v.Reason == v1.Serving && live.Down != "":
				v.Sessions = &live.Sessions
				v.Reason, v.Message, v.Fix = v1.Unhealthy, live.Down, live.Fix
			}
		}
	}
}

// Refused is one container that was left out because of its labels.
type Refused struct {
	ID       string       `json:"id"`       // of the container
	Problems []v1.Problem `json:"problems"` // with its labels, or what policies refuse
}
