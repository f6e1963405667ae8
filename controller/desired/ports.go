package desired

import (
	"maps"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
)

// viaPort returns the port at which HAProxy takes what Kong sends on to a service; 0
// when it takes nothing. It does so before Kong is told, and until Kong sends there no more.
func (b *Builder) viaPort(name string) uint16 {
	if port := b.memory.Ports.Get(name); b.options.Chain.Host != "" && (port.Freed.IsZero() || b.retained[name] && !b.options.Settled) {
		return port.Number
	}
	return 0
}

// portWish is what a service wants of a port.
type portWish int

const (
	noPort   portWish = iota
	someTime          // Kong has another way until HAProxy listens there
	atOnce            // it has none
)

// wishOf returns whether a service needs a port.
func (b *Builder) wishOf(s *service) portWish {
	switch {
	case b.options.Chain.Host == "" || !slices.Contains(b.wished(&s.settings), v1.KongHAProxy):
		return noPort
	case !b.byDefault(&s.settings):
		return atOnce
	case b.apart(s) != "":
		return noPort
	}
	return someTime
}

// settlePort gives a service a port when it needs one, and takes it back when
// it does not. One that was taken back is given to another service as late as
// possible, and not before Kong is known to send there no more: what is meant for one
// service must not reach another.
func (b *Builder) settlePort(now time.Time, name string, wish portWish) {
	chain := b.options.Chain
	have, known := b.memory.Ports.Lookup(name)
	fits := known && chain.First <= have.Number && have.Number <= chain.Last
	delete(b.portless, name)
	switch {
	case wish == noPort:
		if known && have.Freed.IsZero() {
			have.Freed = now.UTC()
		}
	case fits:
		have.Freed = time.Time{}
	default:
		b.memory.Ports.Delete(name)
		have = ledger.Port{Number: b.freePort(now)}
		if known = have.Number != 0; !known {
			b.portless[name] = true
		}
	}
	have.Dialed = have.Dialed || wish == atOnce
	if !known {
		b.memory.Ports.Delete(name)
		delete(b.handing, name)
		delete(b.retained, name)
		return
	}
	if have != b.memory.Ports.Get(name) {
		b.memory.Ports.Set(name, have)
	}
	b.handOver(now, name)
}

// settlePortless gives ports that nobody has any more to services that wait for one, first
// to those that have no other way, and marks these. They are looked at only when there are such
// ports, for they may be many.
func (b *Builder) settlePortless(now time.Time, touched map[string]bool) {
	if !b.vacant {
		return
	}
	b.vacant = false
	for _, wish := range []portWish{atOnce, someTime} {
		for _, name := range slices.Sorted(maps.Keys(b.portless)) {
			s := b.services[name]
			if b.wishOf(s) != wish {
				continue
			}
			if b.settlePort(now, name, wish); b.portless[name] {
				return
			}
			b.claims.put(b.claimants(s), name)
			touched[name] = true
		}
	}
}

// freePort returns a port that no service ever had, else the one that was taken
// back longest ago, which is then forgotten; 0 when Kong may send to each of them.
func (b *Builder) freePort(now time.Time) uint16 {
	used := make(map[uint16]bool, b.memory.Ports.Len())
	oldest := ""
	for _, name := range slices.Sorted(b.memory.Ports.Keys()) {
		port := b.memory.Ports.Get(name)
		used[port.Number] = true
		inRange := b.options.Chain.First <= port.Number && port.Number <= b.options.Chain.Last
		if inRange && free(port, now) && (oldest == "" || port.Freed.Before(b.memory.Ports.Get(oldest).Freed)) {
			oldest = name
		}
	}
	for number := int(b.options.Chain.First); number <= int(b.options.Chain.Last); number++ {
		if number > 0 && !used[uint16(number)] {
			return uint16(number)
		}
	}
	number := b.memory.Ports.Get(oldest).Number
	b.memory.Ports.Delete(oldest)
	return number
}

// purgePorts takes the ports back of services that are no more.
func (b *Builder) purgePorts(now time.Time) {
	for _, name := range slices.Sorted(b.memory.Ports.Keys()) {
		if s := b.services[name]; s == nil || !s.there() {
			b.settlePort(now, name, noPort)
		}
	}
}
