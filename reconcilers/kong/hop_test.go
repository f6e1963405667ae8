package kong

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/hop"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// hopKeys makes keys for a HAProxy on loopback.
func hopKeys(t *testing.T) *hop.Keys {
	t.Helper()
	keys, err := hop.Make([]string{"127.0.0.1", "haproxy"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// chained is a service that stands behind HAProxy.
func chained(name string, number byte, overTLS bool) *v1.Service {
	s := service(name, number)
	s.Endpoints, s.Via = nil, v1.Via{Host: "127.0.0.1", Port: 29000 + uint16(number), TLS: overTLS}
	return s
}

// TestHopIsProven: a service behind HAProxy over TLS shows Kong's certificate and believes
// our authority alone; it is found again as it was written, goes over to other keys, and
// nothing of them is left when TLS is given up.
func TestHopIsProven(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		o.Hop = hop.Hold(hopKeys(t))
		set := setOf(chained("web", 1, true), service("direct", 2))
		holds := func(r *Reconciler, when string, certificates int) string {
			t.Helper()
			settled(t, r, set)
			world := k.World("tags")
			if n, m := strings.Count(world, "ca_certificate "), strings.Count("\n"+world, "\ncertificate "); n != certificates || m != certificates {
				t.Errorf("%v, %s: %d authorities, %d certificates:\n%s", mode, when, n, m, world)
			}
			writes := k.Writes()
			settled(t, open(t, r.options), set)
			if k.Writes() != writes {
				t.Errorf("%v, %s: it is written again though nothing changed", mode, when)
			}
			return world
		}
		r := open(t, o)
		before := holds(r, "at first", 1)
		state, _ := r.Compile(reconcilers.Scope{}, set, v1.Shared{})
		rec, ok := state[v1.Key{Kind: v1.KindService, Name: "web"}].Native.(*entity.Record)
		if !ok {
			t.Fatal("the service has no record")
		}
		for _, id := range append(believed(t, r, set, "web"), entity.Reference(rec.Body, "client_certificate")) {
			if id == "" || strings.Count(before, id) < 2 { // there, and named by the service
				t.Errorf("%v: no %s in\n%s", mode, id, before)
			}
		}
		o.Hop.Replace(hopKeys(t))
		if holds(r, "with other keys", 1) == before {
			t.Errorf("%v: other keys change nothing", mode)
		}
		set["web"].Via.TLS = false
		o.Hop = nil
		if world := holds(open(t, o), "without TLS", 0); strings.Contains(world, "tls_verify: true") {
			t.Errorf("%v: TLS is still there:\n%s", mode, world)
		}
	})
}

// TestKeysOfTheHopAreNeverShown plants keys and looks for them in all that people see.
func TestKeysOfTheHopAreNeverShown(t *testing.T) {
	modes(t, func(t *testing.T, mode fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		keys := hopKeys(t)
		o.Hop = hop.Hold(keys)
		r, set := open(t, o), setOf(chained("web", 1, true))
		observed, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
		if err != nil {
			t.Fatal(err)
		}
		desired, problems := r.Compile(reconcilers.Scope{}, set, v1.Shared{})
		p := plan.Diff(observed, desired)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		files, _, err := r.Render(set, v1.Shared{})
		if err != nil {
			t.Fatal(err)
		}
		var seen strings.Builder
		fmt.Fprintf(&seen, "%s %v %v %v", text, p, problems, files)
		for _, change := range p.Changes {
			fmt.Fprintf(&seen, "%s %v", change.Sentence(), change.After.Fields)
		}
		repeats := `{"code":2,"name":"schema violation","message":"` + strings.ReplaceAll(keys.Kong.Key.Reveal(), "\n", `\n`) + `"}`
		k.FailNext(fakekong.Writing, fakekong.Fault{Status: http.StatusBadRequest, Body: repeats})
		outcomes, err := r.Apply(t.Context(), p)
		fmt.Fprintf(&seen, "%v %v", err, outcomes)
		for _, pair := range []hop.Pair{keys.Authority, keys.HAProxy, keys.Kong} {
			if strings.Contains(seen.String(), strings.Split(pair.Key.Reveal(), "\n")[1]) {
				t.Errorf("%v: a key is shown:\n%s", mode, seen.String())
			}
		}
		if !strings.Contains(fmt.Sprint(files), "DECK_") {
			t.Errorf("%v: no variable stands for the key in %v", mode, files)
		}
	})
}
