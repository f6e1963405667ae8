package desired

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// slowGateways are two gateways that take up what they should hold some time later, and tell
// of it later still. Kong goes on as before for a while after it has accepted something.
type slowGateways struct {
	world   *world
	haproxy map[string]uint16               // ports at which it takes what Kong sends, by service
	kong    map[string]uint16               // to which Kong sends, as it has accepted it
	before  map[time.Time]map[string]uint16 // as it had until then
	moves   int                             // services that went over to the chain
}

// behindhand is for how long workers of Kong serve what it had before.
const behindhand = 25 * time.Second

// dials are the ports to which Kong's workers may send at some time, by service.
func (g *slowGateways) dials(now time.Time) map[string]map[uint16]bool {
	out := map[string]map[uint16]bool{}
	maps.DeleteFunc(g.before, func(until time.Time, _ map[string]uint16) bool { return now.Sub(until) >= behindhand })
	for _, ports := range append(slices.Collect(maps.Values(g.before)), g.kong) {
		for name, port := range ports {
			if out[name] == nil {
				out[name] = map[uint16]bool{}
			}
			out[name][port] = true
		}
	}
	return out
}

// check says whether a request that Kong sends to HAProxy could be lost, or reach another service.
func (g *slowGateways) check(t *testing.T, now time.Time) {
	t.Helper()
	for name, ports := range g.dials(now) {
		for port := range ports {
			for other, taken := range g.haproxy {
				if other != name && taken == port {
					t.Fatalf("%s: what Kong sends to %d for %s, HAProxy gives to %s", now.Sub(epoch), port, name, other)
				}
			}
			if g.world.sets[v1.HAProxy][name] != nil && g.haproxy[name] != port {
				t.Fatalf("%s: Kong may send to %d for %s, and HAProxy listens at %d", now.Sub(epoch), port, name, g.haproxy[name])
			}
		}
	}
}

// act lets a gateway take up what it should hold, and perhaps tells of it.
func (g *slowGateways) act(random *rand.Rand, now time.Time, heard *Heard) {
	w := g.world
	switch random.IntN(8) {
	case 0:
		g.haproxy = viaPorts(w.sets[v1.HAProxy])
	case 1:
		next := viaPorts(w.sets[v1.Kong])
		for name, port := range next {
			if g.kong[name] != port {
				g.moves++
			}
		}
		g.before[now], g.kong = g.kong, next
	case 2:
		heard.Listens = g.haproxy
	case 3:
		heard.Dials = g.kong
	}
	// Workers say before they begin what is uncertain from then on.
	wanted := viaPorts(w.sets[v1.HAProxy])
	heard.Listens = maps.Clone(heard.Listens)
	maps.DeleteFunc(heard.Listens, func(name string, port uint16) bool { return wanted[name] != port })
	if heard.Dials != nil {
		heard.Dials = maps.Clone(heard.Dials)
		maps.Copy(heard.Dials, viaPorts(w.sets[v1.Kong]))
	}
}

func viaPorts(set v1.Set) map[string]uint16 {
	ports := map[string]uint16{}
	for name, s := range set {
		if s.Via.Port != 0 {
			ports[name] = s.Via.Port
		}
	}
	return ports
}

// TestHandOverLosesNothing lets services move between the chain by default and Kong alone, for
// all reasons that there are, while both gateways take their time: HAProxy listens before
// Kong sends, as long as Kong may send, and no port is given to another service until then.
func TestHandOverLosesNothing(t *testing.T) {
	moves, seen := 0, map[string]bool{}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 11))
		onHost := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {Networks: []string{"shop"}}}
		g := &slowGateways{world: newWorld(), haproxy: map[string]uint16{}, kong: map[string]uint16{}, before: map[time.Time]map[string]uint16{}}
		boxes, now, heard := map[string]box{}, epoch, Heard{}
		g.world.update(now, snapshot.Delta{Full: true, Attachments: onHost})
		for range 600 {
			now = now.Add(time.Duration(1+random.IntN(9)) * time.Second)
			var delta snapshot.Delta
			switch random.IntN(12) {
			case 0, 1, 2:
				b := movedBox(random)
				boxes[b.Name] = b
				delta.Changed = []snapshot.Instance{b.instance()}
			case 3:
				heard.KongMode = []ledger.KongMode{ledger.KongDBLess, ledger.KongDBLess, ledger.KongDBLess, ledger.KongDatabase}[random.IntN(4)]
			case 4:
				if random.IntN(2) == 0 {
					g.world.again()
					heard = Heard{}
					delta = snapshot.Delta{Full: true, Attachments: onHost, Changed: instances(boxes)}
				}
			}
			g.world.builder.Hear(heard)
			g.world.update(now, delta)
			g.act(random, now, &heard)
			for _, s := range g.world.builder.services {
				if s.there() {
					why := g.world.builder.detour(s)
					seen[why[:min(len(why), 12)]] = true
				}
			}
			g.check(t, now)
		}
		moves += g.moves
	}
	if moves < 100 || len(seen) < 6 {
		t.Errorf("only %d moves, for the reasons %q", moves, slices.Sorted(maps.Keys(seen)))
	}
}

// movedBox is the one container of a service of a few, which HAProxy may take, not reach or
// not be asked for.
func movedBox(random *rand.Rand) box {
	n := random.IntN(4)
	b := box{Name: fmt.Sprintf("c%d", n), Created: n, Networks: map[string]string{"shop": netip.AddrFrom4([4]byte{10, 0, 0, byte(n + 1)}).String()}}
	b.Labels = map[string]string{"service": fmt.Sprintf("s%d", n), "hosts": fmt.Sprintf("s%d.test", n), "port": "80"}
	switch random.IntN(8) {
	case 0:
		b.Labels["gateways"] = "kong"
	case 1:
		b.Labels["balance"] = "source"
	case 2:
		b.Labels["version"], b.Labels["rollout_header"] = "v1", "X-Version"
	case 3:
		b.Labels["protocol"] = "https"
	case 4:
		b.Networks = map[string]string{"far": b.Networks["shop"]}
	case 5:
		b.Labels["gateways"] = "kong,haproxy"
	}
	return b
}
