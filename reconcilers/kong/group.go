package kong

import (
	v1 "github.com/lockstep/lockstep/api/v1"
)

// What is declared in Kong's own words stands in groups, as what services become
// stands by service: a service with its routes and the plugins of both. The guard
// holds them together.

// groupOf returns the group of an entity; of tells that of what a field refers to.
func groupOf(kind v1.Kind, key string, of func(field string, kind v1.Kind) string) string {
	switch kind {
	case kindService:
		return "@service/" + key
	case kindRoute:
		if group := of("service", kindService); group != "" {
			return group
		}
		return "@route/" + key
	case kindPlugin:
		if group := of("route", kindRoute); group != "" {
			return group
		}
		if group := of("service", kindService); group != "" {
			return group
		}
	}
	return declaredGroup
}

// join gives a record that was read its group, and notes that for those that refer to it.
func (r *record) join(groups map[string]string) {
	if !r.declared || r.service != declaredGroup {
		return
	}
	r.service = groupOf(r.row.kind, r.key, func(field string, _ v1.Kind) string { return groups[reference(r.body, field)] })
	groups[r.id] = r.service
}

// beside gives a record that was read the group of the one that was written.
func (r *record) beside(written *record) *record {
	if r.declared {
		r.service = written.service
	}
	return r
}
