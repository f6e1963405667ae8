package v1

import (
	"slices"
	"sync"
)

// EntityKind is what is known of one kind of Kong's entities without asking
// Kong: how files spell it, and which of its fields are references and secrets.
type EntityKind struct {
	Kind Kind
	// Section is the name of its list in declarative files, and of its schema.
	Section string
	// Path is that of its list below the Admin API's root; "" when there is none.
	Path string
	// Nested is what the list is called below Within; "" where entities are written
	// at Path. Within is the kind that it lives in.
	Nested string
	Within Kind
	// Named are the fields that tell entities apart; the first that is set does.
	Named []string
	// Refs are the fields that name another entity. One that may not be left out
	// comes first, and is what entities are nested in; of a member, which joins two, neither may.
	Refs []EntityRef
	// Fields are all others, without those that Kong gives by itself.
	Fields []string
	// Secrets are fields that are shown nowhere.
	Secrets []string
	// Hashed are those of which Kong returns something else than what it got.
	Hashed []string
}

// The kinds that have names in the code.
const (
	KindUpstream   Kind = "upstream"
	KindTarget     Kind = "target"
	KindPlugin     Kind = "plugin"
	KindConsumer   Kind = "consumer"
	KindKeyAuth    Kind = "keyauth_credential"
	KindSNI        Kind = "sni"
	KindGroup      Kind = "consumer_group"
	KindMember     Kind = "consumer_group_member"
	kindCA         Kind = "ca_certificate"
	kindKeySet     Kind = "key_set"
	fieldConsumer       = "consumer"
	fieldGroup          = "consumer_group"
	fieldTags           = "tags"
	fieldName           = "name"
	fieldUsername       = "username"
	fieldService        = "service"
	fieldRoute          = "route"
	fieldUpstream       = "upstream"
	fieldClientCrt      = "client_certificate"
)

func refs(pairs ...string) []EntityRef {
	var out []EntityRef
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, EntityRef{Field: pairs[i], Kind: Kind(pairs[i+1])})
	}
	return out
}

// credential is a kind that belongs to a consumer.
func credential(kind, section, path, nested string, named []string, fields []string) EntityKind {
	return EntityKind{
		Kind: Kind(kind), Section: section, Path: path, Nested: nested, Within: KindConsumer,
		Named: named, Refs: refs(fieldConsumer, string(KindConsumer)), Fields: append(fields, fieldTags),
	}
}

// hiding adds which fields of a kind are secrets, and which Kong hashes.
func (k EntityKind) hiding(secrets, hashed []string) EntityKind {
	k.Secrets, k.Hashed = secrets, hashed
	return k
}

// EntityKinds returns Kong's kinds of entities, parents before children. It is never
// changed.
func EntityKinds() []EntityKind { return entityKinds() }

var entityKinds = sync.OnceValue(func() []EntityKind {
	return []EntityKind{
		{Kind: "vault", Section: "vaults", Path: "vaults", Named: []string{"prefix"}, Fields: []string{"prefix", fieldName, "description", "config", fieldTags}},
		{Kind: kindKeySet, Section: "key_sets", Path: "key-sets", Named: []string{fieldName}, Fields: []string{fieldName, fieldTags}},
		{
			Kind: "key", Section: "keys", Path: "keys", Named: []string{fieldName, "kid"}, Refs: refs("set", string(kindKeySet)),
			Fields: []string{fieldName, "kid", "jwk", "pem", fieldTags}, Secrets: []string{"jwk", "pem.private_key"},
		},
		{Kind: kindCA, Section: "ca_certificates", Path: "ca_certificates", Fields: []string{"cert", "cert_digest", fieldTags}},
		{
			Kind: KindCertificate, Section: "certificates", Path: "certificates",
			Fields: []string{"cert", "key", "cert_alt", "key_alt", "snis", fieldTags}, Secrets: []string{"key", "key_alt"},
		},
		{Kind: KindSNI, Section: "snis", Path: "snis", Named: []string{fieldName}, Refs: refs("certificate", string(KindCertificate)), Fields: []string{fieldName, fieldTags}},
		{Kind: KindGroup, Section: "consumer_groups", Path: "consumer_groups", Named: []string{fieldName}, Fields: []string{fieldName, fieldTags}},
		{Kind: KindConsumer, Section: "consumers", Path: "consumers", Named: []string{fieldUsername, "custom_id"}, Fields: []string{fieldUsername, "custom_id", fieldTags}},
		{ // a consumer in a group: it has neither an id nor tags
			Kind: KindMember, Section: "consumer_group_consumers", Nested: "consumers", Within: KindGroup,
			Refs: refs(fieldGroup, string(KindGroup), fieldConsumer, string(KindConsumer)),
		},
		credential(string(KindKeyAuth), "keyauth_credentials", "key-auths", "key-auth", []string{"key"}, []string{"key", "ttl"}).hiding([]string{"key"}, nil),
		credential("basicauth_credential", "basicauth_credentials", "basic-auths", "basic-auth", []string{fieldUsername}, []string{fieldUsername, "password"}).
			hiding([]string{"password"}, []string{"password"}),
		credential("hmacauth_credential", "hmacauth_credentials", "hmac-auths", "hmac-auth", []string{fieldUsername}, []string{fieldUsername, "secret"}).
			hiding([]string{"secret"}, nil),
		credential("jwt_secret", "jwt_secrets", "jwts", "jwt", []string{"key"}, []string{"key", "secret", "rsa_public_key", "algorithm"}).hiding([]string{"secret"}, nil),
		credential("oauth2_credential", "oauth2_credentials", "oauth2", "oauth2", []string{"client_id", fieldName},
			[]string{fieldName, "client_id", "client_secret", "hash_secret", "redirect_uris", "client_type"}).hiding([]string{"client_secret"}, []string{"client_secret"}),
		credential("acl", "acls", "acls", "acls", []string{"group"}, []string{"group"}),
		{
			Kind: KindUpstream, Section: "upstreams", Path: "upstreams", Named: []string{fieldName}, Refs: refs(fieldClientCrt, string(KindCertificate)),
			Fields: []string{
				fieldName, "algorithm", "hash_on", "hash_fallback", "hash_on_header", "hash_fallback_header", "hash_on_cookie", "hash_on_cookie_path", "hash_on_query_arg",
				"hash_fallback_query_arg", "hash_on_uri_capture", "hash_fallback_uri_capture", "slots", "healthchecks", fieldTags, "host_header", "use_srv_name",
			},
		},
		{
			Kind: KindTarget, Section: "targets", Nested: "targets", Within: KindUpstream, Named: []string{"target"}, Refs: refs(fieldUpstream, string(KindUpstream)),
			Fields: []string{"target", "weight", fieldTags},
		},
		{
			Kind: KindService, Section: "services", Path: "services", Named: []string{fieldName}, Refs: refs(fieldClientCrt, string(KindCertificate)),
			Fields: []string{
				fieldName, "retries", "protocol", "host", "port", "path", "url", "connect_timeout", "write_timeout", "read_timeout", fieldTags, "tls_verify", "tls_verify_depth",
				"ca_certificates", "enabled",
			},
		},
		{
			Kind: KindRoute, Section: "routes", Path: "routes", Named: []string{fieldName}, Refs: refs(fieldService, string(KindService)),
			Fields: []string{
				fieldName, "protocols", "https_redirect_status_code", "strip_path", "preserve_host", "request_buffering", "response_buffering", fieldTags, "snis", "sources",
				"destinations", "methods", "hosts", "paths", "headers", "regex_priority", "path_handling", "expression", "priority",
			},
		},
		{
			Kind: KindPlugin, Section: "plugins", Path: "plugins", Named: []string{fieldName},
			Refs:   refs(fieldRoute, string(KindRoute), fieldService, string(KindService), fieldConsumer, string(KindConsumer), fieldGroup, string(KindGroup)),
			Fields: []string{fieldName, "instance_name", "config", "protocols", "enabled", fieldTags, "ordering"},
		},
	}
})

// EntityKindOf returns the row of a kind, or of a section of a file; false when there is none.
func EntityKindOf(kind Kind, section string) (EntityKind, bool) {
	kinds := EntityKinds()
	i := slices.IndexFunc(kinds, func(k EntityKind) bool { return kind != "" && k.Kind == kind || section != "" && k.Section == section })
	if i < 0 {
		return EntityKind{}, false
	}
	return kinds[i], true
}

// Required reports whether a field that refers to another entity may not be left out.
func (k EntityKind) Required(field string) bool {
	return k.Within != "" && k.Refs[0].Field == field || k.Kind == KindSNI || k.Kind == KindMember
}
