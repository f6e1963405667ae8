package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// everywhere says which plugins every route needs, ours too: those that are on nothing,
// which is for all that goes through Kong. A route is not opened without one of them. One
// that is open already stays so: it was asked for as it is before the plugin was, and a
// plugin that is wrong must not end everything.
func (c *compiler) everywhere(entities []v1.Entity) {
	needs, missing := c.globals(entities)
	if len(needs) == 0 {
		return
	}
	held := c.heldRoutes()
	for _, rec := range entity.Records(c.state, entity.RowOf(c.Rows, v1.KindRoute)) {
		key := v1.Key{Kind: v1.KindRoute, Name: rec.Key}
		last := c.Held[rec.Service][key]
		if last == nil {
			last = held[key]
		}
		switch {
		case c.Open[key], last != nil && (last == c.state[key] || entity.IsOpen(last)):
		case missing.Name == "":
			rec.Needs = append(rec.Needs, needs...)
		default:
			c.wait(rec, key, missing)
		}
	}
}

// globals returns the plugins that are on nothing, and one of them that could not be
// made. Of two of one name Kong takes one, and that one holds for both.
func (c *compiler) globals(entities []v1.Entity) (needs []v1.Key, missing v1.Key) {
	there := map[any]bool{}
	lacking := map[any]v1.Key{}
	for i := range entities {
		p := &entities[i]
		if p.Kind != v1.KindPlugin || len(p.Refs) > 0 || p.Body["enabled"] == false {
			continue
		}
		need := v1.Key{Kind: v1.KindPlugin, Name: c.entityKey(p)}
		// Within a narrow scope it is not compiled.
		if entity.Works(c.state, need) || !c.All && entity.Works(c.Held[entity.DeclaredGroup], need) {
			needs, there[p.Body["name"]] = append(needs, need), true
		} else {
			lacking[p.Body["name"]] = need
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(lacking), func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) }) {
		if !there[name] {
			return append(needs, lacking[name]), lacking[name]
		}
	}
	return needs, v1.Key{}
}

// wait leaves a route out until a plugin is there that is for everything.
func (c *compiler) wait(rec *entity.Record, key, need v1.Key) {
	message := fmt.Sprintf("it waits for the plugin %s, which is for everything and could not be made; without it the route would be more open than asked",
		strings.TrimPrefix(need.Name, entity.OwnWords))
	const fix = "see what is said about the plugin"
	if rec.Manifest != nil {
		c.wrong(rec.Manifest, rec.Manifest.Origin, v1.GatewayRejected, message, fix)
	} else {
		c.problems = append(c.problems, v1.Problem{Reason: v1.GatewayRejected, Gateway: v1.Kong, Object: key, Origin: c.state[key].Origin, Message: message, Fix: fix})
	}
	c.drop(key)
}

// heldRoutes are the routes that Kong holds, whichever group they are in: one may have
// gone to another. Within a narrow scope none has.
func (c *compiler) heldRoutes() plan.State {
	routes := plan.State{}
	if !c.All {
		return routes
	}
	for _, state := range c.Held {
		for key, o := range state {
			if key.Kind == v1.KindRoute {
				routes[key] = o
			}
		}
	}
	return routes
}
