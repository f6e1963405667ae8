package reconcilers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/instant"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// DriftMemory is what a Drift remembers, sorted, in the form in which it outlives the
// daemon: without it, a restart would repair what is to be reported.
type DriftMemory struct {
	Objects []DriftedObject `json:"objects,omitempty"`
}

// DriftedObject is one object that somebody else changed. It repeats no value.
type DriftedObject struct {
	Key     v1.Key    `json:"key"`
	Service string    `json:"service"`
	As      v1.Key    `json:"as,omitzero"` // the key under which it was observed; zero: it was gone
	Fields  []string  `json:"fields,omitempty"`
	Since   time.Time `json:"since"`
	// Observed and Desired are digests.
	Observed string `json:"observed"`
	Desired  string `json:"desired"`
	Goes     bool   `json:"goes,omitempty"` // its repair was ordered
}

// Memory returns what is to be remembered. The same memory compares equal.
func (d *Drift) Memory() DriftMemory {
	var m DriftMemory
	for key, o := range d.known {
		m.Objects = append(m.Objects, DriftedObject{
			Key: key, Service: o.service, As: o.as, Fields: o.what, Since: o.since.UTC().Round(0), Observed: o.observed, Desired: o.desired, Goes: o.goes,
		})
	}
	slices.SortFunc(m.Objects, func(a, b DriftedObject) int { return a.Key.Compare(b.Key) })
	return m
}

// Remember makes a new Drift go on where another one ended; what its policy has repaired
// is forgotten.
func (d *Drift) Remember(m DriftMemory) {
	for _, o := range m.Objects {
		if d.policy[o.Key.Kind] {
			d.known[o.Key] = &drifted{service: o.Service, as: o.As, what: o.Fields, since: o.Since, observed: o.Observed, desired: o.Desired, goes: o.Goes}
		}
	}
}

// DriftProblem says of a change that is left undone what somebody did. It names fields
// and no values.
func DriftProblem(gateway v1.Gateway, r plan.Reported) v1.Problem {
	found := fmt.Sprintf("found at %s, and left so by --%s-drift", instant.Text(r.Since), gateway)
	p := v1.Problem{
		Reason: v1.Drifted, Gateway: gateway, Object: r.After.Owner, Origin: r.After.Origin,
		Fix: "change it back, change what is asked for, or have it put back now with: lockstep apply --repair",
	}
	switch {
	case r.Waits != (v1.Key{}):
		p.Message = fmt.Sprintf("%s waits for %s, which somebody removed from the gateway (%s)", r.After.Noun, r.Waits, found)
	case len(r.What) == 0:
		p.Message = fmt.Sprintf("somebody removed %s from the gateway, or took our tag from it (%s)", r.After.Noun, found)
	default:
		p.Message = fmt.Sprintf("somebody changed %s at the gateway: %s (%s)", r.After.Noun, v1.OneLine(strings.Join(r.What, ", ")), found)
		if p.Object.Kind == v1.KindService { // it serves on
			p.Object = v1.Key{Kind: v1.KindEntity, Name: r.Key.String()}
		}
	}
	return p
}
