package desired

import (
	"cmp"
	"maps"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
)

// claims settles which route holds a match. A route claims every pair of its
// hosts and paths (with its methods and headers) on a gateway, and holds either
// all of them or none. The order is: highest priority; then a service that has
// instances before one in its grace time; then who holds it in the ledger, so
// that a holder keeps it while its containers are replaced; then the oldest
// service; then the name. Who stands in for a holder in its grace time is not
// written to the ledger: the holder has it back when it returns before the end.
// Only routes that share a match with a changed one, directly or through others,
// are looked at again. What routes of HTTP and of TLS that is passed on are to
// each other says sni.go.
type claims struct {
	memory    *ledger.Ledger
	byService map[string][]*claimant
	byMatch   map[string][]*claimant
	byUnder   map[string][]*claimant
	dirty     map[string]bool // matches to settle anew
}

// claimant is one route on one gateway.
type claimant struct {
	gateway v1.Gateway
	service string
	route   string
	matches []string // sorted
	under   []string // matches that nobody else may hold, though the route holds none of them itself; sorted
	rank    rank
	holds   bool   // the ledger says that it holds one of them; set while its region is settled
	stream  bool   // it takes connections
	lostTo  string // the route that holds a match it wants; "" when it holds all
	byName  bool   // that one is no HTTP and this one is, or the other way round
	settled bool
}

// rank is what orders claimants besides the ledger.
type rank struct {
	priority int
	live     bool // the service has instances, or a manifest declares it
	oldest   time.Time
}

func newClaims(memory *ledger.Ledger) claims {
	return claims{
		memory:    memory,
		byService: map[string][]*claimant{},
		byMatch:   map[string][]*claimant{},
		byUnder:   map[string][]*claimant{},
		dirty:     map[string]bool{},
	}
}

// claimants returns the routes of a service that claim their matches, on each
// gateway that takes its requests.
func (b *Builder) claimants(s *service) []*claimant {
	var fresh []*claimant
	if s.banned() {
		return nil
	}
	for _, gateway := range b.options.Gateways {
		r := b.role(&s.settings, gateway)
		if !r.routes || r.instances && len(v1.InexpressibleOfService(&s.settings, gateway)) > 0 || b.deniesTLS(s, gateway) {
			continue
		}
		for i := range s.settings.Routes {
			route := &s.settings.Routes[i]
			if len(b.inexpressible(s, r, gateway, route)) > 0 || b.confined(r, gateway, route).Reason != "" {
				continue
			}
			fresh = append(fresh, &claimant{
				gateway: gateway,
				service: s.name,
				route:   route.Name,
				matches: matches(gateway, route),
				under:   b.under(gateway, route),
				stream:  route.Stream(),
				rank:    rank{priority: route.Priority, live: s.live(), oldest: s.oldest},
			})
		}
	}
	return fresh
}

// put replaces the claims of a service.
func (c *claims) put(fresh []*claimant, service string) {
	if slices.EqualFunc(c.byService[service], fresh, (*claimant).same) {
		return
	}
	c.drop(service)
	c.byService[service] = fresh
	for _, claimant := range fresh {
		for _, match := range claimant.matches {
			c.byMatch[match] = append(c.byMatch[match], claimant)
			c.dirty[match] = true
		}
		for _, match := range claimant.under {
			c.byUnder[match] = append(c.byUnder[match], claimant)
		}
	}
}

// same reports whether two claimants claim alike.
func (c *claimant) same(o *claimant) bool {
	return c.gateway == o.gateway && c.route == o.route && c.rank == o.rank && slices.Equal(c.matches, o.matches) && slices.Equal(c.under, o.under)
}

// drop takes back the claims of a service.
func (c *claims) drop(name string) {
	for _, gone := range c.byService[name] {
		for _, match := range gone.matches {
			forget(c.byMatch, match, gone)
			c.dirty[match] = true
		}
		for _, match := range gone.under {
			forget(c.byUnder, match, gone)
			if len(c.byMatch[match]) > 0 {
				c.dirty[match] = true
			}
		}
	}
	delete(c.byService, name)
}

// forget takes a claimant out of an index.
func forget(index map[string][]*claimant, match string, gone *claimant) {
	rest := slices.DeleteFunc(index[match], func(x *claimant) bool { return x == gone })
	if index[match] = rest; len(rest) == 0 {
		delete(index, match)
	}
}

// purge forgets what the ledger says of matches that nobody claims.
func (c *claims) purge() {
	for match := range c.memory.Claims.Keys() {
		if len(c.byMatch[match]) == 0 {
			c.dirty[match] = true
		}
	}
}

// resolve settles every dirty match and what hangs together with it, writes
// the holders to the ledger, and returns the services for which that changed
// anything.
func (c *claims) resolve() map[string]bool {
	touched := map[string]bool{}
	if len(c.dirty) == 0 {
		return touched
	}
	region, matches := c.region()
	c.dirty = map[string]bool{}
	for _, claimant := range region {
		claimant.holds = slices.ContainsFunc(claimant.matches, func(match string) bool { return c.memory.Claims.Get(match) == claimant.route })
	}
	slices.SortFunc(region, order)
	h := newHolding()
	for _, claimant := range region {
		if h.hinders(claimant) == nil {
			h.give(claimant)
		}
	}
	for _, claimant := range region {
		lostTo, byName := "", false
		if other := h.hinders(claimant); other != nil {
			lostTo, byName = other.route, other.stream != claimant.stream
		}
		if !claimant.settled || claimant.lostTo != lostTo || claimant.byName != byName {
			claimant.settled, claimant.lostTo, claimant.byName = true, lostTo, byName
			touched[claimant.service] = true
		}
	}
	for match := range matches {
		c.record(match, h.holders[match])
	}
	return touched
}

// region returns the claimants that hang together with a dirty match, and the
// matches that they claim.
func (c *claims) region() ([]*claimant, map[string]bool) {
	matches := maps.Clone(c.dirty)
	queue := slices.Collect(maps.Keys(c.dirty))
	seen := map[*claimant]bool{}
	for len(queue) > 0 {
		match := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, claimant := range slices.Concat(c.byMatch[match], c.byUnder[match]) {
			if seen[claimant] {
				continue
			}
			seen[claimant] = true
			for _, other := range claimant.matches {
				if !matches[other] {
					matches[other] = true
					queue = append(queue, other)
				}
			}
			for _, other := range claimant.under { // most are claimed by nobody, and then lead nowhere
				if !matches[other] && len(c.byMatch[other]) > 0 {
					matches[other] = true
					queue = append(queue, other)
				}
			}
		}
	}
	return slices.Collect(maps.Keys(seen)), matches
}

// order compares claimants: the first gets what it wants.
func order(a, b *claimant) int {
	return cmp.Or(
		cmp.Compare(b.rank.priority, a.rank.priority),
		trueFirst(a.rank.live, b.rank.live),
		trueFirst(a.holds, b.holds),
		a.rank.oldest.Compare(b.rank.oldest),
		cmp.Compare(a.route, b.route),
		cmp.Compare(a.gateway, b.gateway))
}

func trueFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// record writes the holder of a match to the ledger; nil means nobody. A
// holder in its grace time stays written while another stands in for it.
func (c *claims) record(match string, holder *claimant) {
	before, known := c.memory.Claims.Lookup(match)
	absent := c.inGrace(match, before)
	switch {
	case absent && (holder == nil || holder.rank.live), holder != nil && holder.rank.live && c.standsIn(match, holder):
		return
	case holder == nil && known:
		c.memory.Claims.Delete(match)
	case holder != nil && before != holder.route:
		c.memory.Claims.Set(match, holder.route)
	}
}

// inGrace reports whether a route that claims the match has no instances.
func (c *claims) inGrace(match, route string) bool {
	return slices.ContainsFunc(c.byMatch[match], func(x *claimant) bool { return x.route == route && !x.rank.live })
}

// lost returns the route that holds what the named route wants on a gateway;
// "" when the named route has it. byName says that one of the two is HTTP and the
// other takes TLS to the same name.
func (c *claims) lost(service string, gateway v1.Gateway, route string) (holder string, byName bool) {
	if claimant := c.claimant(service, gateway, route); claimant != nil {
		return claimant.lostTo, claimant.byName
	}
	return "", false
}

// claimant returns what a route claims on a gateway; nil when it claims nothing there.
func (c *claims) claimant(service string, gateway v1.Gateway, route string) *claimant {
	for _, claimant := range c.byService[service] {
		if claimant.gateway == gateway && claimant.route == route {
			return claimant
		}
	}
	return nil
}
