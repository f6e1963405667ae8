package entity

import (
	"net/netip"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
)

// Canonical is the text of a field's value that is equal for equal meanings: as jsonvalue.Text
// has it, and addresses of targets have one spelling, and names of headers no case.
func Canonical(r *Row, field string, value any) string {
	switch v := value.(type) {
	case string:
		if r.Kind == v1.KindTarget && field == r.Unique {
			return Address(v)
		}
	case map[string]any:
		if headers, ok := jsonvalue.Normal(v).(map[string]any); ok && r.Kind == v1.KindRoute && field == "headers" {
			value = lower(headers)
		}
	}
	return jsonvalue.Text(value)
}

// lower is a map with its names in lower case.
func lower(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, value := range m {
		out[strings.ToLower(name)] = value
	}
	return out
}

// Address returns a target in one spelling: Kong writes IPv6 out in full.
func Address(target string) string {
	if ap, err := netip.ParseAddrPort(target); err == nil {
		return ap.String()
	}
	return target
}

// Equal reports whether another entity has the same values in some fields, not all of which
// are empty.
func (r *Record) Equal(body map[string]any, fields []string) bool {
	any := false
	for _, field := range fields {
		mine, theirs := Canonical(r.Row, field, r.Body[field]), Canonical(r.Row, field, body[field])
		if _, ref := r.Row.Refs[field]; ref {
			mine, theirs = Reference(r.Body, field), Reference(body, field)
		}
		if mine != theirs {
			return false
		}
		any = any || mine != ""
	}
	return any
}

// Place is what only one entity may have: the fields, and a text of their values that is the
// same for the same place.
type Place struct {
	Fields []string
	Text   string
}

// Places returns what no other entity may have as this one has it; none where all of it is
// empty.
func Places(rows []*Row, kind *Row, body map[string]any) []Place {
	var out []Place
	for _, fields := range kind.Apart {
		parts, set := []string{string(kind.Kind), strings.Join(fields, ",")}, false
		if kind.Within != "" {
			parts = append(parts, kind.PathOf(rows, body))
		}
		for _, field := range fields {
			value := Canonical(kind, field, body[field])
			if _, ref := kind.Refs[field]; ref {
				value = Reference(body, field)
			}
			parts, set = append(parts, value), set || value != ""
		}
		if set {
			out = append(out, Place{fields, strings.Join(parts, "\x00")})
		}
	}
	return out
}
