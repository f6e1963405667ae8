package fakekong

import (
	"slices"
)

// balancers hold where each upstream's round-robin stands. The node's lock guards them.
type balancers struct {
	byID map[string][]*peer // by upstream; absent: to be made from the targets
}

// peer is a target with its place in the round.
type peer struct {
	address string
	weight  int
	current int
}

// reset forgets all rounds: the targets have changed.
func (b *balancers) reset() { b.byID = nil }

// forget forgets the round of one upstream.
func (b *balancers) forget(id string) { delete(b.byID, id) }

// next picks a target of an upstream, smoothly by weight, and passes over those in
// tried while there are others; "": there is none to pick. The caller holds the lock.
func (k *Kong) next(upstream *entity, tried []string) string {
	peers, known := k.balancers.byID[upstream.id()]
	if !known {
		peers = k.peers(upstream)
		if k.balancers.byID == nil {
			k.balancers.byID = map[string][]*peer{}
		}
		k.balancers.byID[upstream.id()] = peers
	}
	fresh := slices.DeleteFunc(slices.Clone(peers), func(p *peer) bool { return slices.Contains(tried, p.address) })
	if len(fresh) == 0 {
		fresh = peers
	}
	var best *peer
	total := 0
	for _, p := range fresh {
		p.current += p.weight
		total += p.weight
		if best == nil || p.current > best.current {
			best = p
		}
	}
	if best == nil {
		return ""
	}
	best.current -= total
	return best.address
}

// peers lists the targets of an upstream that may get requests, in the order of their ids.
func (k *Kong) peers(upstream *entity) []*peer {
	var out []*peer
	for _, t := range k.store.below(kindOf("targets"), &parent{upstream, "upstream"}) {
		weight := number(t.fields["weight"])
		if weight > 0 && !k.unhealthy[t.id()] {
			out = append(out, &peer{address: text(t.fields["target"]), weight: weight})
		}
	}
	return out
}
