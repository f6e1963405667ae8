package entity

import (
	"cmp"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Row is everything that is particular to one kind of entity: what every file
// that declares it must know (v1.EntityKind), and what writing it takes.
type Row struct {
	Kind v1.Kind
	Path string // below the Admin API's root; "" where there is no list, and no path of its own
	// Section is the name of its list in a declarative file, and of its schema.
	Section string
	// level orders changes: parents before children.
	level int
	// Within is the kind under whose path the entity lives: Kong has no list of all targets.
	Within v1.Kind
	// Below is the kind under whose path it is written, as nested, though Kong has a list of all.
	Below  v1.Kind
	Nested string
	// Unique is the field by which Kong finds an entity in a path, as it does by id;
	// "" where there is none, or where it is a secret.
	Unique string
	// Apart are the sets of fields that no two entities share.
	Apart [][]string
	// Refs are the fields that name another entity by id; those of Going take the
	// entity along when what they name is removed.
	Refs  map[string]v1.Kind
	Going []string
	// Fields are always compared; every other one only where it is not Kong's default.
	Fields []string
	// Secrets are shown nowhere; Hashed are those that Kong gives back as something
	// else; Derived are those that it makes of others.
	Secrets, Hashed, Derived []string
	// Patch says that updates are sent by PATCH: Kong creates no target by PUT.
	Patch bool
	// Parks says that the unique field takes any name, so that an entity can be
	// moved out of the way of another.
	Parks bool
}

// Always reports whether a field is compared whatever Kong's default is.
func (r *Row) Always(field string) bool {
	_, ref := r.Refs[field]
	return ref || slices.Contains(r.Fields, field)
}

// Optional reports whether an edition of Kong may lack the kind: no service needs it.
func (r *Row) Optional() bool { return len(r.Fields) == 0 }

// compared are the fields of what services become that are always compared.
func compared() map[v1.Kind][]string {
	return map[v1.Kind][]string{
		v1.KindUpstream: {"name", "algorithm", "hash_on", "hash_on_header", "hash_on_cookie", "tags"},
		v1.KindTarget:   {"target", "weight", "tags"},
		v1.KindService:  {"name", "host", "port", "protocol", "connect_timeout", "read_timeout", "write_timeout", "retries", "tls_verify", "ca_certificates", "tags"},
		v1.KindRoute:    {"name", "protocols", "https_redirect_status_code", "hosts", "paths", "methods", "headers", "snis", "destinations", "strip_path", "preserve_host", "regex_priority", "tags"},
		v1.KindPlugin:   {"name", "instance_name", "enabled", "tags"},
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
		v1.KindGroup:           {level: 1, unique: "name", parks: true, apart: [][]string{{"name"}}},
		v1.KindMember:          {level: 2, going: []string{FieldGroup, FieldConsumer}},
		v1.KindConsumer:        {level: 1, unique: "username", parks: true, apart: [][]string{{"username"}, {"custom_id"}}},
		v1.KindKeyAuth:         {level: 2, apart: [][]string{{"key"}}, going: consumer, derived: []string{"ttl"}},
		"basicauth_credential": {level: 2, apart: [][]string{{"username"}}, going: consumer},
		"hmacauth_credential":  {level: 2, apart: [][]string{{"username"}}, going: consumer},
		"jwt_secret":           {level: 2, apart: [][]string{{"key"}}, going: consumer},
		"oauth2_credential":    {level: 2, apart: [][]string{{"client_id"}}, going: consumer},
		"acl":                  {level: 2, apart: [][]string{{"consumer", "group"}}, going: consumer},
		v1.KindUpstream:        {level: 3, unique: "name", parks: true, apart: [][]string{{"name"}}},
		v1.KindTarget:          {level: 4, unique: "target", apart: [][]string{{"target"}}, going: []string{"upstream"}},
		v1.KindService:         {level: 4, unique: "name", parks: true, apart: [][]string{{"name"}}, derived: []string{"url"}},
		v1.KindRoute:           {level: 6, unique: "name", parks: true, apart: [][]string{{"name"}}},
		// The level is that of a route's plugin; every other stands before the routes.
		v1.KindPlugin: {
			level: 7, unique: "name", apart: [][]string{{"name", "route", "service", "consumer", "consumer_group"}, {"instance_name"}},
			going: []string{"route", "service", "consumer", "consumer_group"},
		},
	}
}

// levelOfPlugins is that of the plugins that are on no route.
const levelOfPlugins = 5

// Table returns the kinds, parents first. Whoever needs several rows makes it once.
func Table() []*Row {
	var rows []*Row
	for _, known := range v1.EntityKinds() {
		w := writing()[known.Kind]
		r := &Row{
			Kind: known.Kind, Path: known.Path, Section: known.Section, level: w.level, Unique: w.unique, Apart: w.apart, Going: w.going, Derived: w.derived,
			Parks: w.parks, Secrets: known.Secrets, Hashed: known.Hashed, Fields: compared()[known.Kind], Patch: known.Kind == v1.KindTarget,
			Refs: make(map[string]v1.Kind, len(known.Refs)),
		}
		switch {
		case known.Kind == v1.KindMember:
			r.Below, r.Nested = known.Within, known.Nested
		case known.Path == "":
			r.Path, r.Within = known.Nested, known.Within
		case known.Within != "":
			r.Below, r.Nested = known.Within, known.Nested
		}
		for _, ref := range known.Refs {
			r.Refs[ref.Field] = ref.Kind
		}
		rows = append(rows, r)
	}
	return rows
}

// RowOf returns the row of a kind; nil for one that nobody can declare.
func RowOf(rows []*Row, kind v1.Kind) *Row {
	i := slices.IndexFunc(rows, func(r *Row) bool { return r.Kind == kind })
	if i < 0 {
		return nil
	}
	return rows[i]
}

// PathOf returns where entities of the kind are made: "/services", or for what lives within
// another "/upstreams/ID/targets"; body says which other.
func (r *Row) PathOf(rows []*Row, body map[string]any) string {
	parent := cmp.Or(r.Within, r.Below)
	if parent == "" {
		return "/" + r.Path
	}
	for field, kind := range r.Refs {
		if id := Reference(body, field); kind == parent && id != "" {
			return "/" + RowOf(rows, kind).Path + "/" + id + "/" + r.Last()
		}
	}
	return "/" + r.Path
}

// Word is what the kind is called in a sentence.
func (r *Row) Word() string { return strings.ReplaceAll(string(r.Kind), "_", " ") }

// Last is the last part of the path under which entities of the kind are made.
func (r *Row) Last() string {
	if r.Below != "" {
		return r.Nested
	}
	return r.Path
}
