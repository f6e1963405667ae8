package entity

import (
	"cmp"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Works reports whether a state holds a plugin, and it is enabled.
func Works(state plan.State, need v1.Key) bool {
	o, ok := state[need]
	return ok && o.Fields["enabled"] == "true"
}

// Records returns the records of a kind, sorted by key.
func Records(state plan.State, row *Row) []*Record {
	var records []*Record
	for key, o := range state {
		if rec, ok := o.Native.(*Record); ok && key.Kind == row.Kind {
			records = append(records, rec)
		}
	}
	slices.SortFunc(records, func(a, b *Record) int { return strings.Compare(a.Key, b.Key) })
	return records
}

// Secrets returns what Kong must not be heard to repeat of some states; what holds another
// goes first.
func Secrets(states ...plan.State) []string {
	var secrets []string
	for _, state := range states {
		for _, o := range state {
			if rec, ok := o.Native.(*Record); ok {
				secrets = append(secrets, rec.Secrets...)
			}
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return slices.Compact(secrets)
}

// IsOpen reports whether a route that Kong holds leads to its service, and not to the
// reserved one.
func IsOpen(route *plan.Object) bool {
	return route.Hold == nil || len(route.Differs(route.Hold)) > 0
}

// Whole returns the one of two equal objects that knows what Kong gives back as something
// else: a push without a database must say all of it again. known may be nil.
func Whole(known, read *plan.Object) *plan.Object {
	rec, ok := read.Native.(*Record)
	if !ok || len(rec.Row.Hashed) == 0 || known == nil || len(known.Differs(read)) > 0 {
		return read
	}
	return known
}
