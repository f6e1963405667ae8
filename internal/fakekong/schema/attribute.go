package schema

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// attribute judges a value of the right type by the field's constraints.
func (f *Field) attribute(v any) string {
	if f.HasEq && !equal(f.Eq, v) {
		return "value must be " + show(f.Eq)
	}
	if len(f.OneOf) > 0 && !contains(f.OneOf, v) {
		return "expected one of: " + commas(f.OneOf)
	}
	if len(f.NotOneOf) > 0 && contains(f.NotOneOf, v) {
		return "must not be one of: " + commas(f.NotOneOf)
	}
	switch v := v.(type) {
	case float64:
		if len(f.Between) == 2 && (v < f.Between[0] || v > f.Between[1]) {
			return fmt.Sprintf("value should be between %s and %s", show(f.Between[0]), show(f.Between[1]))
		}
		if f.Gt != nil && v <= *f.Gt {
			return "value must be greater than " + show(*f.Gt)
		}
	case string:
		return f.text(v)
	case []any:
		if e := f.length(len(v)); e != "" {
			return e
		}
		if f.Contains != nil && !contains(v, f.Contains) {
			return "expected to contain: " + show(f.Contains)
		}
		return f.exclusive(v)
	case map[string]any:
		if f.Type == "map" {
			return f.length(len(v))
		}
	}
	return ""
}

// text judges a string.
func (f *Field) text(s string) string {
	if e := f.length(len(s)); e != "" {
		return e
	}
	if f.UUID && uuid.Validate(s) != nil {
		return "expected a valid UUID"
	}
	if f.Match != "" && !MatchLua(f.Match, s) {
		return "invalid value: " + s
	}
	for _, p := range f.MatchNone {
		if MatchLua(p.Pattern, s) {
			return or(p.Err, "invalid value: "+s)
		}
	}
	for _, p := range f.MatchAll {
		if !MatchLua(p.Pattern, s) {
			return or(p.Err, "invalid value: "+s)
		}
	}
	if f.MatchAny != nil {
		found := false
		for _, p := range f.MatchAny.Patterns {
			found = found || MatchLua(p, s)
		}
		if !found {
			return or(f.MatchAny.Err, "invalid value: "+s)
		}
	}
	if f.StartsWith != "" && !strings.HasPrefix(s, f.StartsWith) {
		return "should start with: " + f.StartsWith
	}
	if f.IsRegex {
		if _, err := regexp.Compile(s); err != nil {
			return "not a valid regex: " + s
		}
	}
	return ""
}

// length judges how long a string is or how many elements a list has.
func (f *Field) length(n int) string {
	switch {
	case f.LenEq != nil && n != *f.LenEq:
		return fmt.Sprintf("length must be exactly %d", *f.LenEq)
	case f.LenMin != nil && n < *f.LenMin:
		return fmt.Sprintf("length must be at least %d", *f.LenMin)
	case f.LenMax != nil && n > *f.LenMax:
		return fmt.Sprintf("length must be at most %d", *f.LenMax)
	}
	return ""
}

// exclusive reports which of the subsets that exclude each other a set mixes.
func (f *Field) exclusive(set []any) string {
	var hit []string
	for _, subset := range f.MutuallyExclusiveSubsets {
		for _, s := range subset {
			if contains(set, s) {
				hit = append(hit, "('"+strings.Join(subset, "', '")+"')")
				break
			}
		}
	}
	if len(hit) > 1 {
		return "these sets are mutually exclusive: " + strings.Join(hit, ", ")
	}
	return ""
}

// message lets the schema's own words replace the usual ones.
func (f *Field) message(usual string) string { return or(f.Err, usual) }
