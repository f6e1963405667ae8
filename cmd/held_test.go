package cmd

import (
	"strings"
	"testing"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/status"
)

// TestHeldIsCountedAlike: the same services and routes are counted in a plan, where each is
// several objects, as in the status, and services that are held stand in its table.
func TestHeldIsCountedAlike(t *testing.T) {
	service := func(name string) v1.Key { return v1.Key{Kind: v1.KindService, Name: name} }
	route := func(name string) v1.Key { return v1.Key{Kind: v1.KindRoute, Name: name} }
	changes := []server.Change{
		{Service: "a", Owner: route("a.default")}, {Service: "a", Owner: service("a")}, {Service: "a", Owner: service("a")},
		{Service: "b", Owner: service("b")}, {Service: "web", Owner: route("web.old")}, {Service: "web", Owner: route("web.old")},
	}
	held := []status.Held{{Owner: service("a")}, {Owner: service("b")}, {Owner: route("web.old")}}
	const want = "2 services and 1 route"
	if got := sayOwners(ownersIn(changes)); got != want {
		t.Errorf("a plan says %q", got)
	}
	if got := sayOwners(ownersOf(held)); got != want {
		t.Errorf("the status says %q", got)
	}
	report := status.Report{
		Gateways: []status.Gateway{{Name: v1.Kong, Held: held}, {Name: v1.HAProxy, Held: held[:1]}},
		Services: []status.Service{{Standing: desired.Standing{Service: "web"}}},
	}
	got := strings.Fields(printed(t, func(p *printer) { printServices(p, report, heldRows(report)) }))
	table := "SERVICE CONTAINER KONG HAPROXY ROUTES web (none) - - a (none) HeldByGuard HeldByGuard b (none) HeldByGuard -"
	if strings.Join(got, " ") != table {
		t.Errorf("got %q", got)
	}
}

// TestStepsByGateway: what was decided for a gateway and what became of it are told
// together.
func TestStepsByGateway(t *testing.T) {
	steps := []desired.Step{
		{Name: "labels"}, {Name: "wanted", Gateway: v1.Kong}, {Name: "wanted", Gateway: v1.HAProxy},
		{Name: "applied", Gateway: v1.Kong}, {Name: "applied", Gateway: v1.HAProxy},
	}
	got := printed(t, func(p *printer) { printSteps(p, steps, nil) })
	var words []string
	for word := range strings.FieldsSeq(got) {
		if word != "on" && word != markLooks[steps[0].Result].word {
			words = append(words, word)
		}
	}
	if want := "labels kong wanted applied haproxy wanted applied"; strings.Join(words, " ") != want {
		t.Errorf("got\n%s", got)
	}
}
