package desired

import (
	"net/netip"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// TestPoliciesThatChangedWhileNobodyLooked: what a container had before a restart, and
// may not have after it, is neither kept for a grace time nor in anybody's way.
func TestPoliciesThatChangedWhileNobodyLooked(t *testing.T) {
	on := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}
	thief := box{Name: "thief-1", Created: 1, Labels: map[string]string{"service": "thief", "hosts": "a.test", "port": "80"}, Networks: map[string]string{"net": "10.0.0.1"}}
	owner := box{Name: "owner-1", Created: 2, Labels: map[string]string{"service": "owner", "hosts": "a.test", "port": "80"}, Networks: map[string]string{"net": "10.0.0.2"}}
	containers := instances(map[string]box{"thief-1": thief, "owner-1": owner})
	before := newWorld()
	before.update(epoch, snapshot.Delta{Full: true, Changed: containers, Attachments: on})
	if lost, _ := before.builder.claims.lost("owner", v1.Kong, "owner.default"); lost != "thief.default" {
		t.Fatalf("the older one does not hold the host, but %q", lost)
	}
	after := newWorldWith(before.memory.Clone(), netip.Addr{})
	rules := parse(t, `apiVersion: lockstep.dev/v1
kind: Policy
metadata: {name: p}
spec: {rules: [{require: 'service == "owner"', message: no}]}
`)
	after.update(epoch, snapshot.Delta{Full: true, Changed: containers, Attachments: on, Policies: &rules.Policies})
	for _, gateway := range []v1.Gateway{v1.Kong, v1.HAProxy} {
		if set := after.sets[gateway]; set["thief"] != nil || set["owner"] == nil || len(set["owner"].Routes) != 1 {
			t.Errorf("%s holds %v, want the owner alone, with its route", gateway, after)
		}
	}
	if _, remembered := after.memory.Services.Lookup("thief"); remembered || !after.wake.IsZero() {
		t.Errorf("the ledger remembers it: %v, wake %s", after.memory.Services, after.wake)
	}
}
