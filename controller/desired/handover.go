package desired

import (
	"time"

	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// A service that comes to stand behind HAProxy, or no longer does, is handed over in steps,
// so that no request is lost: HAProxy listens at its port, then Kong sends there. And
// back: Kong sends to the instances, then HAProxy gives the port up. How far each gateway
// is, workers tell; the ledger keeps it. What a service that names kong>haproxy itself has no
// other way for, is told to both at once.

// lingering is for how long HAProxy takes what comes to a port though Kong has accepted
// to send nothing there: Kong's workers take such a change up some seconds later
// (worker_state_update_frequency), nodes over a database as well (db_update_frequency): 5 s each
// unless Kong is told otherwise.
const lingering = 30 * time.Second

// Heard is what gateways were last found to be and to hold, as far as a build depends
// on it.
type Heard struct {
	// KongMode is how Kong is configured; "" while it has not answered.
	KongMode ledger.KongMode
	// Listens are, by service, the ports at which HAProxy takes what Kong sends on.
	Listens map[string]uint16
	// Dials are, by service, the ports to which Kong may send, or AnyPort; nil while nobody knows.
	Dials map[string]uint16
	// Stalled says that HAProxy takes up nothing for now: it is down, or to be left alone.
	Stalled bool
}

// AnyPort stands for a port of which nobody knows which it is.
const AnyPort uint16 = 0

// Hear notes what workers know of their gateways; the next Update draws the conclusions.
// The maps are not changed any more.
func (b *Builder) Hear(h Heard) { b.heard = h }

// learn takes in what was heard, and marks the services for which that makes a
// difference. Where those that name no way in have others from now on, policies are asked anew.
func (b *Builder) learn(now time.Time, delta *snapshot.Delta, touched map[string]bool) {
	if mode := b.heard.KongMode; mode != "" {
		b.memory.KongMode.Set(mode)
	}
	if chains := b.chainsByDefault(); chains != b.chains {
		b.chains = chains
		for name := range b.services {
			touched[name] = true
		}
		if delta.Policies == nil && len(b.policies) > 0 {
			delta.Policies = &b.policies
		}
	}
	for name := range b.handing {
		if b.handOver(now, name) && b.services[name] != nil {
			touched[name] = true
		}
	}
	b.hurry(now, touched)
}

// handOver does the next steps of handing the port of a service over, as far as gateways are, and
// reports whether there were any.
func (b *Builder) handOver(now time.Time, name string) (stepped bool) {
	before := b.memory.Ports.Get(name)
	port, lingered := before, b.retained[name]
	told := b.heard.Dials != nil
	dialed, dials := b.heard.Dials[name]
	shuns := told && (!dials || dialed != port.Number && dialed != AnyPort)
	switch {
	case port.Freed.IsZero():
		port.Dialed = port.Dialed || b.heard.Listens[name] == port.Number
	case port.Dialed && shuns:
		port.Dialed, port.Freed = false, now.UTC()
	case dials && dialed == port.Number:
		port.Dialed = true
	case port.Freed.After(now): // by a clock that has been set back since
		port.Freed = now.UTC()
	}
	if port != before {
		b.memory.Ports.Set(name, port)
	}
	delete(b.handing, name)
	delete(b.retained, name)
	switch {
	case port.Freed.IsZero() && !port.Dialed:
		b.handing[name] = true
	case !port.Freed.IsZero() && !free(port, now):
		b.handing[name], b.retained[name] = true, true
	case lingered && !port.Freed.IsZero():
		b.vacant = true
	}
	return port != before || lingered != b.retained[name]
}

// free reports whether a port may be given to another service.
func free(port ledger.Port, now time.Time) bool {
	return !port.Freed.IsZero() && !port.Dialed && !now.Before(port.Freed.Add(lingering))
}

// resume takes up what was being handed over when the ledger was written.
func (b *Builder) resume() {
	for name, port := range b.memory.Ports.All() {
		b.handing[name], b.retained[name] = true, !port.Freed.IsZero()
	}
}

// released returns when the first port that Kong sends nothing to any more is free, or wake
// where that is earlier; zero when nothing is to be waited for.
func (b *Builder) released(wake time.Time) time.Time {
	for name := range b.retained {
		if port := b.memory.Ports.Get(name); !port.Dialed {
			wake = earliest(map[string]time.Time{name: port.Freed.Add(lingering)}, wake)
		}
	}
	return wake
}
