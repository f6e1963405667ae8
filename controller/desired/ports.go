package desired

import (
	"maps"
	"slices"
	"time"

	"github.com/lockstep/lockstep/controller/ledger"
)

// viaPort returns the port at which Kong reaches a service through HAProxy; 0
// when it has none.
func (b *Builder) viaPort(name string) uint16 {
	if port := b.memory.Ports[name]; port.Freed.IsZero() {
		return port.Number
	}
	return 0
}

// settlePort gives a service a port when it needs one, and takes it back when
// it does not. One that was taken back is given to another service as late as
// possible: while Kong is away it may still send there what is meant for the
// service that had it.
func (b *Builder) settlePort(now time.Time, name string, needed bool, result *Result) {
	chain := b.options.Chain
	have, known := b.memory.Ports[name]
	fits := known && chain.First <= have.Number && have.Number <= chain.Last
	switch {
	case needed && fits && have.Freed.IsZero(), !needed && (!known || !have.Freed.IsZero()):
		delete(b.portless, name)
		return
	case !needed:
		have.Freed = now.UTC()
		b.memory.Ports[name] = have
	case fits:
		b.memory.Ports[name] = ledger.Port{Number: have.Number}
	default:
		delete(b.memory.Ports, name)
		number := b.freePort()
		if number == 0 {
			b.portless[name] = true
			result.LedgerChanged = result.LedgerChanged || known
			return
		}
		b.memory.Ports[name] = ledger.Port{Number: number}
	}
	delete(b.portless, name)
	result.LedgerChanged = true
}

// settlePortless gives ports that were taken back to services that wait for one,
// and marks these.
func (b *Builder) settlePortless(now time.Time, touched map[string]bool, result *Result) {
	for _, name := range slices.Sorted(maps.Keys(b.portless)) {
		if b.settlePort(now, name, true, result); b.portless[name] {
			return
		}
		touched[name] = true
	}
}

// freePort returns a port that no service ever had, else the one that was taken
// back longest ago, which is then forgotten; 0 when all are in use.
func (b *Builder) freePort() uint16 {
	used := make(map[uint16]bool, len(b.memory.Ports))
	oldest := ""
	for _, name := range slices.Sorted(maps.Keys(b.memory.Ports)) {
		port := b.memory.Ports[name]
		used[port.Number] = true
		inRange := b.options.Chain.First <= port.Number && port.Number <= b.options.Chain.Last
		if !port.Freed.IsZero() && inRange && (oldest == "" || port.Freed.Before(b.memory.Ports[oldest].Freed)) {
			oldest = name
		}
	}
	for number := int(b.options.Chain.First); number <= int(b.options.Chain.Last); number++ {
		if number > 0 && !used[uint16(number)] {
			return uint16(number)
		}
	}
	number := b.memory.Ports[oldest].Number
	delete(b.memory.Ports, oldest)
	return number
}

// purgePorts takes the ports back of services that are no more.
func (b *Builder) purgePorts(now time.Time, result *Result) {
	for _, name := range slices.Sorted(maps.Keys(b.memory.Ports)) {
		if s := b.services[name]; s == nil || !s.there() {
			b.settlePort(now, name, false, result)
		}
	}
}
