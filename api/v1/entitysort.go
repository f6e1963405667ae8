package v1

import "slices"

// Sort is what sort of value a field of Kong's entities takes, as Kong's schema says it.
type Sort string

// The sorts. A list is what Kong calls array or set, a map what it calls map or record.
const (
	SortText    Sort = "string"
	SortInteger Sort = "integer"
	SortBoolean Sort = "boolean"
	SortList    Sort = "list"
	SortMap     Sort = "map"
)

// entitySorts are the fields of each sort. A field is of one sort in all kinds that have it, and
// in each version from 3.4 on. What only some Kongs have is left for those to say.
var entitySorts = map[Sort][]string{
	SortInteger: {
		"retries", "port", "connect_timeout", "write_timeout", "read_timeout", "tls_verify_depth", "https_redirect_status_code", "regex_priority", "slots", "weight",
	},
	SortBoolean: {"tls_verify", "enabled", "strip_path", "preserve_host", "request_buffering", "response_buffering", "use_srv_name", "hash_secret"},
	SortList:    {fieldTags, "snis", "sources", "destinations", "methods", "hosts", "paths", "protocols", "ca_certificates", "redirect_uris"},
	SortMap:     {"config", "headers", "healthchecks", "pem"},
	SortText: {
		fieldName, fieldUsername, "custom_id", "instance_name", "description", "prefix", "host", "protocol", "path", "path_handling", "host_header", "target",
		"algorithm", "hash_on", "hash_fallback", "hash_on_header", "hash_fallback_header", "hash_on_cookie", "hash_on_cookie_path", "hash_on_query_arg",
		"hash_fallback_query_arg", "hash_on_uri_capture", "hash_fallback_uri_capture", "cert", "cert_alt", "cert_digest", "key", "key_alt", "kid", "jwk",
		"password", "secret", "rsa_public_key", "group", "client_id", "client_secret", "client_type",
	},
}

// SortOf returns what sort of value a field of entities takes; "" where not every Kong says so.
func SortOf(field string) Sort {
	for sort, fields := range entitySorts {
		if slices.Contains(fields, field) {
			return sort
		}
	}
	return ""
}
