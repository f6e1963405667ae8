package kong

import (
	"fmt"
	"maps"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// close says which plugins routes need, and leaves a route out that would be more
// open than asked without one that could not be made.
func (c *compiler) close(entities []v1.Entity) {
	for i := range entities {
		route := &entities[i]
		key := v1.Key{Kind: kindRoute, Name: c.entityKey(route)}
		o := c.state[key]
		if route.Kind != kindRoute || o == nil {
			continue
		}
		rec, ok := o.Native.(*record)
		if !ok || rec.places == nil { // what Kong holds of it stays
			continue
		}
		for j := range entities {
			p := &entities[j]
			if p.Kind != kindPlugin || p.Body["enabled"] == false || !c.guards(p, route) {
				continue
			}
			need := v1.Key{Kind: kindPlugin, Name: c.entityKey(p)}
			if !satisfied(c.state, need) {
				c.wrong(route, route.Origin, v1.GatewayRejected,
					fmt.Sprintf("it waits for its plugin %s, which could not be made; without it the route would be more open than asked", p.Name), "see what is said about the plugin")
				c.drop(key)
				break
			}
			rec.needs = append(rec.needs, need)
		}
	}
}

// guards reports whether a plugin is for everybody who uses a route.
func (c *compiler) guards(p, route *v1.Entity) bool {
	if p.Ref("consumer") != "" || p.Ref("consumer_group") != "" {
		return false
	}
	is := func(field string, name, id string) bool {
		ref := p.Ref(field)
		return ref != "" && (ref == name || ref == id)
	}
	if p.Ref("route") != "" {
		return is("route", route.Name, route.ID)
	}
	service := route.Ref("service")
	return service != "" && p.Ref("service") != "" && c.known[v1.Key{Kind: kindService, Name: service}] == c.known[v1.Key{Kind: kindService, Name: p.Ref("service")}]
}

// drop leaves a route out with its plugins.
func (c *compiler) drop(key v1.Key) {
	delete(c.state, key)
	maps.DeleteFunc(c.state, func(_ v1.Key, o *plan.Object) bool {
		rec, ok := o.Native.(*record)
		return ok && rec.row.kind == kindPlugin && rec.parents["route"] == key.Name
	})
}
