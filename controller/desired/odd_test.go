package desired

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

var onHost = snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}

// copies returns two copies of one service with the given ids.
func copies(ids ...string) []snapshot.Instance {
	var out []snapshot.Instance
	for i, id := range ids {
		instance := box{
			Name: "web-" + id[len(id)-1:], Created: i,
			Labels:   map[string]string{"service": "web", "hosts": "web.test", "port": "80"},
			Networks: map[string]string{"shop": "10.0.0." + id[len(id)-1:]},
		}.instance()
		instance.ID = id
		out = append(out, instance)
	}
	return out
}

// TestIDsThatBeginAlike: two copies whose ids share their first twelve digits
// are two endpoints, and each is one for its whole life beside the other.
func TestIDsThatBeginAlike(t *testing.T) {
	first, second := "0123456789ab"+strings.Repeat("0", 51)+"1", "0123456789ab"+strings.Repeat("0", 51)+"2"
	w := newWorld()
	w.update(epoch, snapshot.Delta{Full: true, Attachments: onHost, Changed: copies(first, second)})
	endpoints := w.sets[v1.Kong]["web"].Endpoints
	if len(endpoints) != 2 || endpoints[0].ID != first || endpoints[1].ID != second {
		t.Fatalf("endpoints are %+v, want one for each container", endpoints)
	}
	w.update(epoch, snapshot.Delta{Removed: []string{first}})
	if endpoints = w.sets[v1.Kong]["web"].Endpoints; len(endpoints) != 1 || endpoints[0].ID != second[:idLength] {
		t.Errorf("endpoints are %+v, want the one that is left", endpoints)
	}
}

// TestGraceAfterTheClockWasSetBack: a grace time never lasts longer than it is,
// whatever a wrong clock has written to the ledger.
func TestGraceAfterTheClockWasSetBack(t *testing.T) {
	memory := ledger.New()
	memory.Services.Set("web", ledger.Service{
		Settings: v1.Service{Name: "web", Grace: 10 * time.Minute, Routes: []v1.Route{{Name: "web.default", Hosts: []string{"web.test"}}}},
		Until:    epoch.AddDate(4, 0, 0),
	})
	w := newWorldWith(memory, netip.Addr{})
	w.update(epoch, snapshot.Delta{Full: true, Attachments: onHost})
	if w.sets[v1.Kong]["web"] == nil {
		t.Fatal("the service is gone at once")
	}
	w.update(epoch.Add(10*time.Minute), snapshot.Delta{})
	if s := w.sets[v1.Kong]["web"]; s != nil {
		t.Errorf("the service is there after its grace time: %+v", s)
	}
}

// TestLongHeadersAreNotRepeated: a match does not grow with what a route asks
// of headers, because there is one for each pair of host and path.
func TestLongHeadersAreNotRepeated(t *testing.T) {
	long := v1.Route{Hosts: []string{"a.test", "b.test"}, Headers: map[string][]string{"x": {strings.Repeat("a", 8000)}}}
	other := v1.Route{Hosts: long.Hosts, Headers: map[string][]string{"x": {strings.Repeat("b", 8000)}}}
	for i, match := range matches(v1.Kong, &long) {
		if len(match) > 300 || match == matches(v1.Kong, &other)[i] {
			t.Errorf("the match %q has %d bytes", match[:60], len(match))
		}
	}
}
