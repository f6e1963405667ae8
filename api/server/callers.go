package server

import (
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/time/rate"
)

// The bounds of what one address may cost whose calls are wrong. Those of others are not
// touched by it.
const (
	wrongRate  = 1    // large calls a second
	wrongBurst = 10   // large calls
	callerMost = 4    // calls at once
	callersMax = 1024 // addresses that are remembered
)

// callers keeps what each address costs. A call that proves right costs nothing.
type callers struct {
	mu sync.Mutex
	by map[netip.Prefix]*caller
}

// caller is one address.
type caller struct {
	wrong  *rate.Limiter
	atOnce int
}

func newCallers() *callers { return &callers{by: map[netip.Prefix]*caller{}} }

// enter takes a call in whose body is to be read, large or small, unless its address has
// too many under way, or large ones that were wrong. Whoever is let in says by leave
// whether the call was right.
func (c *callers) enter(from netip.Prefix, large bool) (leave func(right bool), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.by[from]
	if known == nil {
		if len(c.by) >= callersMax && !c.evict() {
			return nil, false
		}
		known = &caller{wrong: rate.NewLimiter(wrongRate, wrongBurst)}
		c.by[from] = known
	}
	if known.atOnce >= callerMost || large && known.wrong.Tokens() < 1 {
		return nil, false
	}
	known.atOnce++
	return func(right bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		known.atOnce--
		if large && !right {
			known.wrong.Allow()
		}
		if known.atOnce == 0 && known.wrong.Tokens() >= wrongBurst {
			delete(c.by, from)
		}
	}, true
}

// evict forgets an address of which no call is under way, rather one that owes nothing, and
// reports whether there was any.
func (c *callers) evict() bool {
	var idle *netip.Prefix
	for from, known := range c.by {
		if known.atOnce > 0 {
			continue
		}
		idle = &from
		if known.wrong.Tokens() >= wrongBurst {
			break
		}
	}
	if idle != nil {
		delete(c.by, *idle)
	}
	return idle != nil
}

// callerOf returns the address that a call comes from; of IPv6 the network, all of which
// is one machine's.
func callerOf(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil { // no address of a network: all of these are one
		return netip.Prefix{}
	}
	bits := 64
	address := at.Addr().Unmap().WithZone("")
	if address.Is4() {
		bits = 32
	}
	from, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return from
}
