package kong

import (
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// The kinds of entities that are written. Their keys: a service's name for
// services and upstreams, a route's name, "service/address" for targets, and
// "route/ROUTE/plugin" or "service/SERVICE/plugin" for plugins.
const (
	kindUpstream v1.Kind = "upstream"
	kindTarget   v1.Kind = "target"
	kindService  v1.Kind = "service"
	kindRoute    v1.Kind = "route"
	kindPlugin   v1.Kind = "plugin"
)

// row is everything that is particular to one kind of entity.
type row struct {
	kind v1.Kind
	path string // below the Admin API's root, and the section of a declarative file
	// level orders changes: parents before children.
	level int
	// within is the kind under whose path the entity lives: Kong has no list of all targets.
	within v1.Kind
	// unique is the field that no two entities (of one parent, if within) share.
	unique string
	// refs are the fields that name another entity by id.
	refs map[string]v1.Kind
	// fields are always compared; every other one only where it is not Kong's default.
	fields []string
	// patch says that updates are sent by PATCH: Kong creates no target by PUT.
	patch bool
}

// names reports whether a field is compared whatever Kong's default is.
func (r *row) names(field string) bool {
	_, ref := r.refs[field]
	return ref || slices.Contains(r.fields, field)
}

// table returns the kinds, parents first.
func table() []*row {
	return []*row{
		{
			kind: kindUpstream, path: "upstreams", level: 1, unique: "name",
			fields: []string{"name", "algorithm", "hash_on", "hash_on_header", "hash_on_cookie", "tags"},
		},
		{
			kind: kindTarget, path: "targets", level: 2, within: kindUpstream, unique: "target", patch: true,
			refs:   map[string]v1.Kind{"upstream": kindUpstream},
			fields: []string{"target", "weight", "tags"},
		},
		{
			kind: kindService, path: "services", level: 2, unique: "name",
			fields: []string{"name", "host", "port", "protocol", "connect_timeout", "read_timeout", "write_timeout", "retries", "tls_verify", "tags"},
		},
		{
			kind: kindRoute, path: "routes", level: 4, unique: "name",
			refs:   map[string]v1.Kind{"service": kindService},
			fields: []string{"name", "protocols", "https_redirect_status_code", "hosts", "paths", "methods", "headers", "strip_path", "preserve_host", "regex_priority", "tags"},
		},
		{
			// The level is that of a route's plugin; a service's stands before the routes.
			kind: kindPlugin, path: "plugins", level: 5, unique: "name",
			refs:   map[string]v1.Kind{"service": kindService, "route": kindRoute},
			fields: []string{"name", "instance_name", "enabled", "tags"},
		},
	}
}

// wiped are the lists of what we don't write but a push without a database
// would remove: a node that holds any of it is not ours alone.
func wiped() []string {
	return []string{"consumers", "consumer_groups", "certificates", "ca_certificates", "snis", "vaults", "keys", "key-sets", "filter-chains"}
}

func rowOf(rows []*row, kind v1.Kind) *row {
	i := slices.IndexFunc(rows, func(r *row) bool { return r.kind == kind })
	if i < 0 {
		return nil
	}
	return rows[i]
}
