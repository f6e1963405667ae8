package kong

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// The kinds of entities that services become. Their keys: a service's name for
// services and upstreams, a route's name, "service/address" for targets, and
// "route/ROUTE/plugin" or "service/SERVICE/plugin" for plugins. Keys of what is
// declared in Kong's own words are in declared.go.
const (
	kindUpstream = v1.KindUpstream
	kindTarget   = v1.KindTarget
	kindService  = v1.KindService
	kindRoute    = v1.KindRoute
	kindPlugin   = v1.KindPlugin
	kindConsumer = v1.KindConsumer
)

// row is everything that is particular to one kind of entity: what every file
// that declares it must know (v1.EntityKind), and what writing it takes.
type row struct {
	kind v1.Kind
	path string // below the Admin API's root; "" where there is no list, and no path of its own
	// section is the name of its list in a declarative file, and of its schema.
	section string
	// level orders changes: parents before children.
	level int
	// within is the kind under whose path the entity lives: Kong has no list of all targets.
	within v1.Kind
	// below is the kind under whose path it is written, as nested, though Kong has a list of all.
	below  v1.Kind
	nested string
	// unique is the field by which Kong finds an entity in a path, as it does by id;
	// "" where there is none, or where it is a secret.
	unique string
	// apart are the sets of fields that no two entities share.
	apart [][]string
	// refs are the fields that name another entity by id; those of going take the
	// entity along when what they name is removed.
	refs  map[string]v1.Kind
	going []string
	// fields are always compared; every other one only where it is not Kong's default.
	fields []string
	// secrets are shown nowhere; hashed are those that Kong gives back as something
	// else; derived are those that it makes of others.
	secrets, hashed, derived []string
	// patch says that updates are sent by PATCH: Kong creates no target by PUT.
	patch bool
	// parks says that the unique field takes any name, so that an entity can be
	// moved out of the way of another.
	parks bool
}

// names reports whether a field is compared whatever Kong's default is.
func (r *row) names(field string) bool {
	_, ref := r.refs[field]
	return ref || slices.Contains(r.fields, field)
}

// compared are the fields of what services become that are always compared.
func compared() map[v1.Kind][]string {
	return map[v1.Kind][]string{
		kindUpstream: {"name", "algorithm", "hash_on", "hash_on_header", "hash_on_cookie", "tags"},
		kindTarget:   {"target", "weight", "tags"},
		kindService:  {"name", "host", "port", "protocol", "connect_timeout", "read_timeout", "write_timeout", "retries", "tls_verify", "ca_certificates", "tags"},
		kindRoute:    {"name", "protocols", "https_redirect_status_code", "hosts", "paths", "methods", "headers", "snis", "destinations", "strip_path", "preserve_host", "regex_priority", "tags"},
		kindPlugin:   {"name", "instance_name", "enabled", "tags"},
	}
}

// written is what writing a kind takes beyond what files know of it.
type written struct {
	level          int
	unique         string
	parks          bool
	apart          [][]string
	going, derived []string
}

func writing() map[v1.Kind]written {
	consumer := []string{"consumer"}
	return map[v1.Kind]written{
		"vault":                {level: 1, unique: "prefix", apart: [][]string{{"prefix"}}},
		"key_set":              {level: 1, unique: "name", parks: true, apart: [][]string{{"name"}}},
		"key":                  {level: 2, unique: "name", parks: true, apart: [][]string{{"name"}, {"kid", "set"}}, going: []string{"set"}},
		"ca_certificate":       {level: 1, apart: [][]string{{"cert"}}, derived: []string{"cert_digest"}},
		v1.KindCertificate:     {level: 1, derived: []string{"snis"}},
		v1.KindSNI:             {level: 2, unique: "name", parks: true, apart: [][]string{{"name"}}, going: []string{"certificate"}},
		kindGroup:              {level: 1, unique: "name", parks: true, apart: [][]string{{"name"}}},
		kindMember:             {level: 2, going: []string{fieldGroup, fieldConsumer}},
		kindConsumer:           {level: 1, unique: "username", parks: true, apart: [][]string{{"username"}, {"custom_id"}}},
		v1.KindKeyAuth:         {level: 2, apart: [][]string{{"key"}}, going: consumer, derived: []string{"ttl"}},
		"basicauth_credential": {level: 2, apart: [][]string{{"username"}}, going: consumer},
		"hmacauth_credential":  {level: 2, apart: [][]string{{"username"}}, going: consumer},
		"jwt_secret":           {level: 2, apart: [][]string{{"key"}}, going: consumer},
		"oauth2_credential":    {level: 2, apart: [][]string{{"client_id"}}, going: consumer},
		"acl":                  {level: 2, apart: [][]string{{"consumer", "group"}}, going: consumer},
		kindUpstream:           {level: 3, unique: "name", parks: true, apart: [][]string{{"name"}}},
		kindTarget:             {level: 4, unique: "target", apart: [][]string{{"target"}}, going: []string{"upstream"}},
		kindService:            {level: 4, unique: "name", parks: true, apart: [][]string{{"name"}}, derived: []string{"url"}},
		kindRoute:              {level: 6, unique: "name", parks: true, apart: [][]string{{"name"}}},
		// The level is that of a route's plugin; every other stands before the routes.
		kindPlugin: {
			level: 7, unique: "name", apart: [][]string{{"name", "route", "service", "consumer", "consumer_group"}, {"instance_name"}},
			going: []string{"route", "service", "consumer", "consumer_group"},
		},
	}
}

// levelOfPlugins is that of the plugins that are on no route.
const levelOfPlugins = 5

// table returns the kinds, parents first.
func table() []*row {
	var rows []*row
	for _, known := range v1.EntityKinds() {
		w := writing()[known.Kind]
		r := &row{
			kind: known.Kind, path: known.Path, section: known.Section, level: w.level, unique: w.unique, apart: w.apart, going: w.going, derived: w.derived,
			parks: w.parks, secrets: known.Secrets, hashed: known.Hashed, fields: compared()[known.Kind], patch: known.Kind == kindTarget,
			refs: make(map[string]v1.Kind, len(known.Refs)),
		}
		switch {
		case known.Kind == kindMember:
			r.below, r.nested = known.Within, known.Nested
		case known.Path == "":
			r.path, r.within = known.Nested, known.Within
		case known.Within != "":
			r.below, r.nested = known.Within, known.Nested
		}
		for _, ref := range known.Refs {
			r.refs[ref.Field] = ref.Kind
		}
		rows = append(rows, r)
	}
	return rows
}

// wiped are the lists of what we don't write but a push without a database
// would remove: a node that holds any of it is not ours alone.
func wiped() []string { return []string{"filter-chains"} }

func rowOf(rows []*row, kind v1.Kind) *row {
	i := slices.IndexFunc(rows, func(r *row) bool { return r.kind == kind })
	if i < 0 {
		return nil
	}
	return rows[i]
}

// word is what the kind is called in a sentence.
func (r *row) word() string { return strings.ReplaceAll(string(r.kind), "_", " ") }

// last is the last part of the path under which entities of the kind are made.
func (r *row) last() string {
	if r.below != "" {
		return r.nested
	}
	return r.path
}
