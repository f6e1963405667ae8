package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/internal/instant"
)

// Settled is what was decided of one service: what holds for it, whichever instances
// it has. It is immutable.
type Settled struct {
	// Settings are the service and its routes, without endpoints.
	Settings v1.Service
	// Pin is the generation that it is held to; 0: it follows what is declared.
	Pin uint64
	// By is who held it to that, or let go of it just now; "" when nobody did.
	By string
}

// PinStanding is the account of a service that is held to an earlier generation.
type PinStanding struct {
	Generation uint64    `json:"generation"` // whose settings hold
	By         string    `json:"by"`         // who rolled it back
	Since      time.Time `json:"since"`      // when that was
}

func newPinStanding(pin *ledger.Pin) *PinStanding {
	if pin == nil {
		return nil
	}
	return &PinStanding{Generation: pin.Generation, By: pin.By, Since: pin.Since}
}

// Pin holds a service to settings that it once had, or with nil lets go of it;
// the next Update draws the conclusions. by is who asks.
func (b *Builder) Pin(name string, pin *ledger.Pin, by string) {
	if pin == nil {
		b.memory.Pins.Delete(name)
	} else {
		b.memory.Pins.Set(name, *pin)
	}
	b.steered[name] = by
}

// Asked returns what labels and manifests ask for of a service, what holds for it
// now, and whether it is there at all.
func (b *Builder) Asked(name string) (asked, holds v1.Service, there bool) {
	s := b.services[name]
	if s == nil || !s.there() {
		return v1.Service{}, v1.Service{}, false
	}
	return s.asked, s.settings, true
}

// Holdable says why a service that is there could not be held to settings; nil: it can.
func (b *Builder) Holdable(name string, settings v1.Service) *v1.Problem {
	_, why := b.holdable(b.services[name], settings)
	return why
}

// Rivals returns the routes of other services that hold what a service would claim with
// these settings, sorted. Who has it then, claims decide.
func (b *Builder) Rivals(name string, settings v1.Service) []string {
	supposed := *b.services[name]
	supposed.settings = settings
	held := map[string]bool{}
	for _, wish := range b.claimants(&supposed) {
		for _, match := range wish.matches {
			holder := b.memory.Claims.Get(match)
			if slices.ContainsFunc(b.claims.byMatch[match], func(other *claimant) bool { return other.route == holder && other.service != name }) {
				held[holder] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(held))
}

// settled returns the outcome of settle.
func (b *Builder) settled(s *service) *Settled {
	out := &Settled{Settings: s.settings, By: b.steered[s.name]}
	if s.pin != nil {
		out.Pin, out.By = s.pin.Generation, s.pin.By
	}
	return out
}

// hold puts what a service is pinned to in place of what labels and manifests ask
// for. Where that can't be, the service follows them, and says so.
func (b *Builder) hold(s *service) {
	s.asked, s.pin = s.settings, nil
	pinned, has := b.memory.Pins.Lookup(s.name)
	if !has {
		return
	}
	pin := pinned // which is kept, by reference: only who is pinned pays for it
	said := v1.Problem{
		Reason: v1.Paused, Object: v1.Key{Kind: v1.KindService, Name: s.name}, Origin: s.settings.Origin,
		Fix: "follow again with: lockstep release " + s.name,
	}
	since := instant.Text(pin.Since)
	held, why := b.holdable(s, pin.Settings)
	if why != nil {
		said.Reason, said.Origin = why.Reason, why.Origin
		said.Message = fmt.Sprintf("it can't be held to generation %d, as %s has wanted since %s: %s; it follows what is declared", pin.Generation, pin.By, since, why.Message)
		s.problems = append(s.problems, said)
		return
	}
	said.Message = fmt.Sprintf("rolled back to generation %d by %s at %s, %s", pin.Generation, pin.By, since, waiting(&held, &s.settings))
	s.problems = append(s.problems, said)
	s.settings, s.pin, s.rolledBy = held, &pin, held.Origin
}

// fieldsSaid is how many fields a message names.
const fieldsSaid = 6

// waiting says what of a declaration does not come about while another one holds.
func waiting(held, declared *v1.Service) string {
	var names []string
	for _, d := range v1.Differences(held, declared) {
		names = append(names, d.Field)
	}
	switch more := len(names) - fieldsSaid; {
	case len(names) == 0:
		return "which is what is declared now"
	case more > 0:
		names = append(names[:fieldsSaid], fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("and what is declared now waits (%s)", strings.Join(names, ", "))
}

// holdable returns earlier settings as they would hold for a service today: with the
// secrets of today, and only if flags and policies let them pass today.
func (b *Builder) holdable(s *service, settings v1.Service) (v1.Service, *v1.Problem) {
	whole, missing := settings.WithSecretsOf(s.asked)
	if len(missing) > 0 {
		return v1.Service{}, &v1.Problem{
			Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindService, Name: s.name}, Origin: settings.Origin,
			Message: fmt.Sprintf("it asked for secrets, which history never keeps and nothing declares any more (%s)", strings.Join(missing, ", ")),
			Fix:     "declare them again",
		}
	}
	for _, plugins := range append(pluginsOf(whole.Routes), whole.Plugins) {
		for i := range plugins {
			if p := &plugins[i]; p.Origin.File == "" {
				if why := b.options.Grammar.Refuses(p); why != nil {
					why.Object = v1.Key{Kind: v1.KindService, Name: s.name}
					return v1.Service{}, why
				}
			}
		}
	}
	for _, claim := range b.claimsOf(s, whole) {
		if problems := b.policies.Judge(claim); len(problems) > 0 {
			return v1.Service{}, &problems[0]
		}
	}
	return whole, nil
}

func pluginsOf(routes []v1.Route) [][]v1.Plugin {
	var out [][]v1.Plugin
	for i := range routes {
		out = append(out, routes[i].Plugins)
	}
	return out
}

// claimsOf returns what earlier settings ask policies for today: what was asked for
// by labels as a claim of the copy that decides, the rest as a manifest's.
func (b *Builder) claimsOf(s *service, settings v1.Service) []policy.Claim {
	if len(b.policies) == 0 {
		return nil
	}
	var out []policy.Claim
	only := func(files bool) v1.Service {
		part := settings
		part.Routes = slices.DeleteFunc(slices.Clone(settings.Routes), func(r v1.Route) bool { return (r.Origin.File != "") != files })
		return part
	}
	if len(s.members) > 0 {
		c := s.decider.container
		out = append(out, policy.Claim{
			Source: policy.FromLabels, Container: c.instance.Name, Labels: c.instance.Labels, Project: c.instance.Project, Port: s.decider.part.Port,
			Service: only(false), Gateways: b.wished(&settings), Origin: v1.Origin{Container: c.instance.Name},
		})
	}
	if part := only(true); s.rooted() || len(part.Routes) > 0 {
		out = append(out, policy.OfManifest(&v1.Declared{Service: part}, b.wished(&part)))
	}
	return out
}
