package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// leftOut returns what a gateway leaves out of a route that it serves: what was marked
// optional. Before Kong that is only what decides which requests get there: Kong's own
// route asks for all the rest.
func leftOut(s *service, r role, gateway v1.Gateway, route *v1.Route) []string {
	if r.behind != v1.Kong {
		fields := v1.LeftOut(route, gateway, s.settings.Plugins)
		if r.instances {
			fields = append(fields, v1.LeftOutOfService(&s.settings, gateway)...)
		}
		return fields
	}
	plain := *route
	plain.Plugins = nil
	return slices.DeleteFunc(v1.LeftOut(&plain, gateway, nil), func(field string) bool { return !strings.Contains(field, "=") })
}

// servedWithout says what is served without some fields; "" when there are none.
func servedWithout(fields []string, gateway v1.Gateway) string {
	if len(fields) == 0 {
		return ""
	}
	return fmt.Sprintf("served without %s, which %s can't express", strings.Join(fields, ", "), gateway)
}

// markOptional is how a label or a field of a Service may be left out by a gateway.
const markOptional = "mark the field optional with a ? after its name"

// leaveOut says how the fields that a gateway can't express may be left out: where a manifest
// asks for a plugin, no label can say so.
func leaveOut(fields []string, plugins []v1.Plugin) string {
	declared, places := map[string]bool{}, map[string]bool{}
	for _, plugin := range plugins {
		if field := "plugins." + plugin.Name; plugin.Origin.File != "" && slices.Contains(fields, field) {
			declared[field], places[plugin.Origin.String()] = true, true
		}
	}
	at := strings.Join(slices.Sorted(maps.Keys(places)), " and ")
	switch len(declared) {
	case 0:
		return markOptional
	case len(fields):
		return "let it be left out at " + at + " (optional: true in a Plugin, a ? after its name elsewhere)"
	}
	return "mark each field optional with a ? after its name, those of manifests at " + at + " (in a Plugin by optional: true),"
}

// elsewhere is the advice to have served by the other gateway what one can't express.
func (b *Builder) elsewhere(s *service, gateway v1.Gateway) v1.Elsewhere {
	why, _ := b.options.Chain.Usable(v1.KongHAProxy, b.options.Gateways)
	return v1.Elsewhere{
		Gateway: gateway, Field: b.gatewaysOf(s), Alone: len(b.options.Gateways) == 1,
		Chained: why == "" && !s.settings.Protocol.Stream(),
	}
}

// reached is the advice to have the other gateway reach a service's instances as this one
// can't.
func (b *Builder) reached(s *service, gateway v1.Gateway) string {
	other := b.elsewhere(s, gateway)
	if b.options.Chain.unfit(&s.settings) != "" {
		return other.Only()
	}
	return other.Behind() + other.Only()
}
