package entity

import (
	v1 "github.com/lockstep/lockstep/api/v1"
)

// GroupOf returns the group of an entity that belongs to no service of ours; of tells that
// of what a field refers to, "" for none. What is declared in Kong's own words stands in
// groups, as what services become stands by service: a service with its routes and the
// plugins of both. The guard holds them together.
func GroupOf(kind v1.Kind, key string, of func(field string, kind v1.Kind) string) string {
	switch kind {
	case v1.KindService:
		return "@service/" + key
	case v1.KindRoute:
		if group := of("service", v1.KindService); group != "" {
			return group
		}
		return "@route/" + key
	case v1.KindPlugin:
		if group := of("route", v1.KindRoute); group != "" {
			return group
		}
		if group := of("service", v1.KindService); group != "" {
			return group
		}
	}
	return DeclaredGroup
}

// Join gives a record that was read its group, and notes that by its id for those that refer
// to it: parents must join before children.
func (r *Record) Join(groups map[string]string) {
	if !r.Declared || r.Service != DeclaredGroup {
		return
	}
	r.Service = GroupOf(r.Row.Kind, r.Key, func(field string, _ v1.Kind) string { return groups[Reference(r.Body, field)] })
	groups[r.ID] = r.Service
}

// DeclaredGroup is the group of what is declared in Kong's own words and belongs to no
// service of ours, nor to a service or route that is declared.
const DeclaredGroup = v1.EntityGroup
