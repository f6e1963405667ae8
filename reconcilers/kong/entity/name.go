package entity

import (
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// Reserved is the key of the service and of the upstream that belong to no
// service. No service key holds an "@".
const Reserved = "@unavailable"

// Namer gives entities their names, ids and tags: pure functions of owner, workspace, kind
// and key, so that every start finds what an earlier one made.
//
// The key of what a service becomes is the service's name for services and upstreams, the
// route's name for routes, "SERVICE/ADDRESS" for targets, and "route/ROUTE/PLUGIN" or
// "service/SERVICE/PLUGIN" for plugins. What is declared in Kong's own words has the name
// that it has there, behind OwnWords where services become such a kind as well; or "@" and
// its id, where the manifest gives one.
type Namer struct {
	Owner, Workspace string
	Seal             secret.Seal       // turns secrets to digests
	Adopted          map[v1.Key]string // ids of what was a stranger's before, as Kong itself says
}

// ID is a UUIDv5: the same on every Kong, and nobody else's by accident. What was
// adopted keeps the id that it has.
func (n Namer) ID(kind v1.Kind, key string) string {
	at := v1.Key{Kind: kind, Name: key}
	if id := n.Adopted[at]; id != "" {
		return id
	}
	id := at.UUID(n.Owner, n.Workspace)
	if kind == v1.KindRoute && key == ProofKey {
		return lastID(id)
	}
	return id
}

// Name is what an entity is called in Kong: its key and the owner, as in
// "shop.web.lockstep". It must be a host name for an upstream, where no part may
// end with a dash; such a part gets a "Z", which no key holds. The owner has
// no dot, so a reserved name can't be that of a service.
func (n Namer) Name(key string) string {
	switch key {
	case Reserved:
		return n.Owner + "-unavailable"
	case ProofKey:
		return n.Owner + "-verify"
	}
	if strings.Contains(key, "-.") || strings.HasSuffix(key, "-") {
		key = strings.ReplaceAll(key, "-.", "-Z.")
		if strings.HasSuffix(key, "-") {
			key += "Z"
		}
	}
	return key + "." + n.Owner
}

// Parked is a name that is free for sure, for an entity that is in the way of another's.
func (n Namer) Parked(id string) string { return "parked-" + id + "." + n.Owner }

// PluginKey is the key of a plugin that labels ask for, on a service or a route.
func PluginKey(kind v1.Kind, parent, name string) string {
	return string(kind) + "/" + parent + "/" + name
}

// KindAuthority is Kong's kind of those who issue certificates.
const KindAuthority v1.Kind = "ca_certificate"

// MemberKey is the key of a consumer in a group, of the keys of both.
func MemberKey(group, consumer string) string { return group + "/" + consumer }

// The fields by which a member names what it joins.
const (
	FieldGroup    = "consumer_group"
	FieldConsumer = "consumer"
)

// OwnWords is what keys begin with of what is declared in Kong's own words, of kinds that
// services become as well. No service's name holds it.
const OwnWords = "kong:"
