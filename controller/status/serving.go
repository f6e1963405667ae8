package status

import (
	"fmt"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/reconcilers"
)

// Verification is the account of whether a gateway serves what it accepted, of one that
// does so only a while after.
type Verification struct {
	// Off says that nobody asks it: what is Serving is only known to be accepted.
	Off bool `json:"off,omitempty"`
	// Verified is when the newest change that it accepted was first known to be served;
	// missing while there is one of which that is not known.
	Verified time.Time `json:"verified,omitzero"`
	// Waiting is how many services have such changes.
	Waiting int `json:"waiting"`
	// Others says that what belongs to no service has such changes: entities that manifests
	// declare, and what Lockstep itself needs there.
	Others bool `json:"others,omitempty"`
	// Problem and Fix say why the gateway can't be asked, where it can't.
	Problem string `json:"problem,omitempty"`
	Fix     string `json:"fix,omitempty"`
}

// Accepted is what a gateway accepted of one service and serves only a while after.
type Accepted struct {
	Generation uint64          // that which must be verified
	Opens      map[string]bool // routes that were not served before, by name
}

// serving is what is known of whether a gateway serves what it accepted.
type serving struct {
	slow  bool // it serves some changes only a while after it has accepted them
	asked bool // somebody asks it
	known reconcilers.Verification
	first time.Time // when it was first applied to
	at    time.Time // when the newest was verified
	waits map[string]waits
}

// waits is a service that has changes which are not known to be served.
type waits struct {
	Accepted
	since time.Time // the oldest of them
}

// Slow notes that a gateway serves some changes only a while after it has accepted them,
// and whether somebody asks it.
func (s *Store) Slow(name v1.Gateway, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateways[name].serving = serving{slow: true, asked: asked, waits: map[string]waits{}}
}

// Verified notes what is known of whether a gateway serves what it accepted.
func (s *Store) Verified(name v1.Gateway, known reconcilers.Verification, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.gateways[name].serving
	switch {
	case known.Verified == 0 || known.Verified < known.Accepted:
		v.at = time.Time{}
	case known.Verified != v.known.Verified || v.at.IsZero():
		v.at = at
	}
	v.known = known
	for service, w := range v.waits {
		if w.Generation <= known.Verified {
			delete(v.waits, service)
		}
	}
	s.tell()
}

// accept notes what a round left to be verified.
func (v *serving) accept(accepted map[string]Accepted, at time.Time) {
	if !v.asked {
		return
	}
	if v.first.IsZero() {
		v.first = at
	}
	for service, a := range accepted {
		if a.Generation <= v.known.Verified {
			continue
		}
		w, waited := v.waits[service]
		if !waited {
			v.waits[service] = waits{Accepted: a, since: at}
			continue
		}
		opens := make(map[string]bool, len(w.Opens)+len(a.Opens)) // Accepted is its maker's
		for _, routes := range []map[string]bool{w.Opens, a.Opens} {
			for route := range routes {
				opens[route] = true
			}
		}
		w.Generation, w.Opens = a.Generation, opens
		v.waits[service] = w
	}
}

// report is what is said of it as a whole; nil of a gateway that serves at once.
func (v *serving) report() *Verification {
	switch {
	case !v.slow:
		return nil
	case !v.asked:
		return &Verification{Off: true}
	}
	services := 0
	for group := range v.waits {
		if group != "" && !strings.HasPrefix(group, "@") { // as v1.EntityGroup: no service is called so
			services++
		}
	}
	return &Verification{Verified: v.at, Waiting: services, Others: services < len(v.waits), Problem: v.known.Problem, Fix: v.known.Fix}
}

// unproven reports whether the gateway is asked, and is not known to serve all that it
// accepted.
func (v *serving) unproven() bool { return v.asked && (len(v.waits) > 0 || v.at.IsZero()) }

// missing says so.
func (v *serving) missing(name v1.Gateway) Missing {
	if v.known.Problem != "" {
		return Missing{Text: fmt.Sprintf("%s: whether it serves what it accepted is not known: %s; %s", name, v.known.Problem, v.known.Fix), Failing: true}
	}
	return Missing{Text: fmt.Sprintf("%s: it accepted everything, and not all of its workers serve it yet%s", name, v.within())}
}

// unverified says of what the gateway has accepted that it is not known to serve it, where
// that is so. What was served before goes on, perhaps as it was.
func (g *gateway) unverified(name v1.Gateway, service string, key v1.Key, verdict desired.Verdict) desired.Verdict {
	v := &g.serving
	w, waiting := v.waits[service]
	switch {
	case !v.asked:
		return verdict
	case waiting:
		verdict.Accepted = w.since
	case v.known.Verified == 0: // nothing was verified since the start
		verdict.Accepted = v.first
	default:
		return verdict
	}
	opens := waiting && key.Kind == v1.KindRoute && w.Opens[key.Name]
	var said string
	switch {
	case v.known.Problem != "":
		said, verdict.Fix = fmt.Sprintf("%s has accepted it; whether it serves it is not known: %s", name, v.known.Problem), v.known.Fix
	case opens:
		verdict.Reason = v1.Starting
		said = fmt.Sprintf("%s has accepted it; its workers don't serve it yet%s", name, v.within())
	case waiting:
		said = fmt.Sprintf("%s has accepted a change; its workers may still serve it as it was%s", name, v.within())
	default:
		said = fmt.Sprintf("%s holds it; whether its workers serve it is being asked", name)
	}
	verdict.Message = strings.TrimPrefix(verdict.Message+"; "+said, "; ")
	return verdict
}

// within says how long it takes at most.
func (v *serving) within() string {
	if v.known.Within <= 0 {
		return ""
	}
	return fmt.Sprintf(" (they take up to %s)", v.known.Within.Round(time.Millisecond))
}
