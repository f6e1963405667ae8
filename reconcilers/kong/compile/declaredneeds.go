package compile

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// close says which plugins routes need, and leaves a route out that would be more
// open than asked without one that could not be made.
func (c *compiler) close(entities []v1.Entity) {
	guards := c.guards(entities)
	for i := range entities {
		route := &entities[i]
		key := v1.Key{Kind: v1.KindRoute, Name: c.entityKey(route)}
		o := c.state[key]
		if route.Kind != v1.KindRoute || o == nil {
			continue
		}
		rec, ok := o.Native.(*entity.Record)
		if !ok || rec.Manifest == nil { // what Kong holds of it stays
			continue
		}
		for _, p := range guards.of(c, route) {
			need := v1.Key{Kind: v1.KindPlugin, Name: c.entityKey(p)}
			if !entity.Works(c.state, need) {
				c.wrong(route, route.Origin, v1.GatewayRejected,
					fmt.Sprintf("it waits for its plugin %s, which could not be made; without it the route would be more open than asked", p.Name), "see what is said about the plugin")
				c.drop(key)
				break
			}
			rec.Needs = append(rec.Needs, need)
		}
	}
}

// guards are the plugins that everybody passes who uses a route: by the route that
// they are on, or by the service, as references name them.
type guards struct{ routes, services map[string][]*v1.Entity }

func (c *compiler) guards(entities []v1.Entity) guards {
	g := guards{map[string][]*v1.Entity{}, map[string][]*v1.Entity{}}
	for i := range entities {
		p := &entities[i]
		switch {
		case !p.Guards() || p.Body["enabled"] == false:
		case p.Ref("route") != "":
			g.routes[p.Ref("route")] = append(g.routes[p.Ref("route")], p)
		default:
			key := c.known[v1.Key{Kind: v1.KindService, Name: p.Ref("service")}]
			g.services[key] = append(g.services[key], p)
		}
	}
	return g
}

// of returns those of a route.
func (g guards) of(c *compiler, route *v1.Entity) []*v1.Entity {
	out := slices.Clone(g.routes[route.Name])
	if route.ID != "" && route.ID != route.Name {
		out = append(out, g.routes[route.ID]...)
	}
	if service := route.Ref("service"); service != "" {
		out = append(out, g.services[c.known[v1.Key{Kind: v1.KindService, Name: service}]]...)
	}
	return out
}

// drop leaves a route out with its plugins.
func (c *compiler) drop(key v1.Key) {
	delete(c.state, key)
	maps.DeleteFunc(c.state, func(_ v1.Key, o *plan.Object) bool {
		rec, ok := o.Native.(*entity.Record)
		return ok && rec.Row.Kind == v1.KindPlugin && rec.ParentKeys["route"] == key.Name
	})
}
