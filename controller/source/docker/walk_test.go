package docker

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/internal/fakedocker"
)

// TestRandomWalks lets anything happen in any order, with faults in between,
// and compares what is known in the end with what a fresh source reads. A
// stop's mark is memory and not compared.
func TestRandomWalks(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			e, host := fake(t)
			e.AddNetwork(fakedocker.Network{Name: "shop"})
			e.AddNetwork(fakedocker.Network{Name: "inner", Internal: true})
			e.AddNetwork(fakedocker.Network{Name: "six", IPv6Only: true})
			o := Options{Host: host, timing: quick, Resync: 50 * time.Millisecond, Strangers: seed%2 == 1}
			w := begin(t, o)
			walk := &walker{Engine: e, rand: rand.New(rand.NewPCG(seed, 1)), state: map[string]string{}, nets: map[string][]string{}}
			for range 400 {
				walk.step()
				if walk.rand.IntN(20) == 0 {
					w.take()
				}
			}
			walk.repair()
			fresh := begin(t, o)
			fresh.loaded()
			same := func() bool {
				return gocmp.Equal(fresh.known, w.known, instances, cmpopts.IgnoreFields(snapshot.Instance{}, "Stopping", "StoppingSince"))
			}
			w.eventually("both know the same", func() bool { fresh.take(); return same() })
			for _, i := range w.known {
				if _, enabled := i.Labels["lockstep.enable"]; !enabled && !o.Strangers {
					t.Errorf("%s is seen, and does not bear the label", i.Name)
				}
			}
		})
	}
}

// walker makes random things happen that are possible at the moment.
type walker struct {
	*fakedocker.Engine
	rand  *rand.Rand
	state map[string]string   // by id: running, paused, exited
	nets  map[string][]string // by id
	order []string            // ids, so that a seed always means the same walk
	made  int
}

func (k *walker) step() {
	if n := k.rand.IntN(100); n < 5 {
		k.fault()
		return
	} else if n < 25 || len(k.order) == 0 {
		k.make()
		return
	}
	i := k.rand.IntN(len(k.order))
	id := k.order[i]
	switch k.state[id] {
	case "running":
		k.running(id)
	case "paused":
		k.Unpause(id)
		k.state[id] = "running"
	default:
		if k.rand.IntN(2) == 0 {
			k.Start(id)
			k.state[id] = "running"
			return
		}
		k.Remove(id)
		k.order = slices.Delete(k.order, i, i+1)
		delete(k.state, id)
	}
}

func (k *walker) make() {
	k.made++
	spec := fakedocker.Spec{
		Name:    fmt.Sprintf("c%d", k.made),
		Network: [...]string{"bridge", "shop", "inner", "six", "host", "none"}[k.rand.IntN(6)],
		Health:  [...]string{"", "starting"}[k.rand.IntN(2)],
	}
	if k.rand.IntN(4) > 0 {
		spec.Labels = enabled()
	}
	if k.rand.IntN(3) > 0 {
		spec.Expose = []string{"80", "53/udp"}
	}
	id := k.Run(spec)
	k.order = append(k.order, id)
	k.state[id], k.nets[id] = "running", []string{spec.Network}
	if spec.Health != "" {
		k.SetHealth(id, "healthy")
	}
}

func (k *walker) running(id string) {
	switch k.rand.IntN(9) {
	case 0:
		k.Stop(id)
		k.state[id] = "exited"
	case 1:
		k.Kill(id, 9)
		k.state[id] = "exited"
	case 2:
		k.Crash(id, 1)
		k.state[id] = "restarting"
	case 3:
		k.Pause(id)
		k.state[id] = "paused"
	case 4:
		k.Restart(id)
	case 5:
		k.made++
		k.Rename(id, fmt.Sprintf("c%d", k.made))
	case 6:
		k.Kill(id, 1+k.rand.IntN(2)*14) // HUP or TERM
	case 7:
		k.Update(id)
	case 8:
		k.move(id)
	}
}

// move connects or disconnects one of the networks that containers may change.
func (k *walker) move(id string) {
	if slices.Contains(k.nets[id], "host") || slices.Contains(k.nets[id], "none") {
		return
	}
	n := [...]string{"bridge", "shop", "inner", "six"}[k.rand.IntN(4)]
	if i := slices.Index(k.nets[id], n); i >= 0 {
		k.Disconnect(id, n)
		k.nets[id] = slices.Delete(k.nets[id], i, i+1)
		return
	}
	k.Connect(id, n)
	k.nets[id] = append(k.nets[id], n)
}

func (k *walker) fault() {
	switch k.rand.IntN(5) {
	case 0:
		k.DropStreams()
	case 1:
		k.LoseEvents(1 + k.rand.IntN(5))
	case 2:
		k.Fail(fakedocker.List, 1, http.StatusInternalServerError)
	case 3:
		k.Fail(fakedocker.Inspect, 1+k.rand.IntN(3), http.StatusInternalServerError)
	case 4:
		k.CutLists(1)
	}
}

func (k *walker) repair() {
	k.LoseEvents(0)
	k.CutLists(0)
	k.Fail(fakedocker.List, 0, 0)
	k.Fail(fakedocker.Inspect, 0, 0)
}
