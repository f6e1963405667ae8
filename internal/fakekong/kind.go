package fakekong

import (
	"maps"
	"slices"
)

// kind is what the Admin API needs to know of an entity beyond its schema.
type kind struct {
	name     string     // the schema's: "keyauth_credentials"
	path     string     // the collection's path: "key-auths"; "": only below its parent
	nested   string     // the collection's path below its parent: "key-auth"
	key      string     // the field that may stand for the id in paths; "": none
	unique   [][]string // sets of fields that are unique together
	singular string     // in flattened errors
	joins    bool       // it joins two others: no id, no list of its own, and in requests no more than its place
	shared   bool       // it belongs to no workspace: all have it
	parents  []string   // fields whose deletion takes the entity along although the schema doesn't say so

	// seeded says that POST /config makes the same id from the same name, always.
	seeded bool
}

// kinds are the rows of the Admin API, in the order in which a whole configuration is read.
var kinds = table(
	kind{name: "certificates", singular: "certificate"},
	kind{name: "ca_certificates", singular: "ca_certificate", shared: true},
	kind{name: "consumers", singular: "consumer", key: "username", seeded: true},
	kind{name: "consumer_groups", singular: "consumer_group", key: "name", seeded: true},
	kind{name: "consumer_group_consumers", singular: "consumer_group_consumer", path: "-", nested: "-", joins: true,
		unique: [][]string{{"consumer_group", "consumer"}}},
	kind{name: "services", singular: "service", key: "name", seeded: true},
	kind{name: "routes", singular: "route", key: "name", seeded: true},
	kind{name: "plugins", singular: "plugin", key: "instance_name", seeded: true,
		unique: [][]string{{"name", "route", "service", "consumer", "consumer_group"}}},
	kind{name: "upstreams", singular: "upstream", key: "name", seeded: true},
	kind{name: "targets", singular: "target", key: "target", seeded: true, path: "-",
		unique: [][]string{{"upstream", "target"}}},
	kind{name: "snis", singular: "sni", key: "name", seeded: true, parents: []string{"certificate"}},
	kind{name: "vaults", singular: "vault", key: "prefix", seeded: true},
	kind{name: "key_sets", singular: "key_set", key: "name", seeded: true, path: "key-sets"},
	kind{name: "keys", singular: "key", key: "name", seeded: true, unique: [][]string{{"kid", "set"}}},
	kind{name: "keyauth_credentials", singular: "keyauth_credential", key: "key", path: "key-auths", nested: "key-auth"},
	kind{name: "basicauth_credentials", singular: "basicauth_credential", key: "username", path: "basic-auths", nested: "basic-auth"},
	kind{name: "hmacauth_credentials", singular: "hmacauth_credential", key: "username", path: "hmac-auths", nested: "hmac-auth"},
	kind{name: "jwt_secrets", singular: "jwt_secret", key: "key", path: "jwts", nested: "jwt"},
	kind{name: "oauth2_credentials", singular: "oauth2_credential", key: "client_id", path: "oauth2", nested: "oauth2"},
	kind{name: "acls", singular: "acl", key: "group", unique: [][]string{{"consumer", "group"}}},
)

// table completes the rows: paths are the kind's name unless said otherwise.
func table(rows ...kind) []*kind {
	out := make([]*kind, len(rows))
	for i, k := range rows {
		switch k.path {
		case "":
			k.path = k.name
		case "-":
			k.path = ""
		}
		if k.nested == "" {
			k.nested = k.name
		}
		out[i] = &k
	}
	return out
}

// kindOf returns the row of that name, or nil.
func kindOf(name string) *kind { return find(func(k *kind) bool { return k.name == name }) }

// find returns the first row that answers the question with yes, or nil.
func find(is func(*kind) bool) *kind {
	if i := slices.IndexFunc(kinds, is); i >= 0 {
		return kinds[i]
	}
	return nil
}

// has reports whether this edition has a kind.
func (l *library) has(k *kind) bool { return k != nil && l.entities[k.name] != nil }

// together lists the sets of fields that are unique together, without fields that this
// edition has not.
func (l *library) together(k *kind) [][]string {
	out := make([][]string, len(k.unique))
	for i, set := range k.unique {
		out[i] = slices.DeleteFunc(slices.Clone(set), func(name string) bool { return l.entities[k.name].Field(name) == nil })
	}
	return out
}

// foreign tells which fields of a kind refer to which kind, by field name.
func (l *library) foreign(k *kind) map[string]string {
	out := map[string]string{}
	if !l.has(k) {
		return out
	}
	for _, f := range l.entities[k.name].Fields {
		if f.Type == "foreign" {
			out[f.Name] = f.Reference
		}
	}
	return out
}

// reference is one field of one kind that refers to another kind.
type reference struct {
	kind    *kind
	field   string
	cascade bool // the deletion of what is referred to takes the entity along
}

// references lists who refers to a kind, in the order of the table.
func (l *library) references(to string) []reference {
	var out []reference
	for _, k := range kinds {
		fields := l.foreign(k)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if fields[name] == to {
				f := l.entities[k.name].Field(name)
				out = append(out, reference{k, name, f.OnDelete == "cascade" || slices.Contains(k.parents, name)})
			}
		}
	}
	return out
}
