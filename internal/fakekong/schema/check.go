package schema

import (
	"strings"
)

// Check is a constraint across the fields of a record. Checks that Kong makes in
// code (custom_entity_check) say nothing here; they are the caller's Rules.
type Check struct {
	AtLeastOneOf      []string     `json:"at_least_one_of"`
	OnlyOneOf         []string     `json:"only_one_of"`
	MutuallyRequired  []string     `json:"mutually_required"`
	MutuallyExclusive []string     `json:"mutually_exclusive"`
	Distinct          []string     `json:"distinct"`
	Conditional       *Conditional `json:"conditional"`
}

// Conditional demands something of one field when another has a certain value.
type Conditional struct {
	IfField   string `json:"if_field"`
	IfMatch   *Field `json:"if_match"`
	ThenField string `json:"then_field"`
	ThenMatch *Field `json:"then_match"`
	ThenErr   string `json:"then_err"`
}

// apply adds what the check finds to the violations. Fields that are wrong by
// themselves are not judged again.
func (c Check) apply(entity map[string]any, v Violations) {
	for _, rule := range []struct {
		fields  []string
		wrong   func(set, all int) bool
		message string
	}{
		{c.AtLeastOneOf, func(set, _ int) bool { return set == 0 }, "at least one of these fields must be non-empty: "},
		{c.OnlyOneOf, func(set, _ int) bool { return set != 1 }, "exactly one of these fields must be non-empty: "},
		{c.MutuallyRequired, func(set, all int) bool { return set != 0 && set != all }, "all or none of these fields must be set: "},
		{c.MutuallyExclusive, func(set, _ int) bool { return set > 1 }, "only one or none of these fields must be set: "},
	} {
		if len(rule.fields) == 0 || v.has(rule.fields...) {
			continue
		}
		set := 0
		for _, name := range rule.fields {
			if !empty(value(entity, name)) {
				set++
			}
		}
		if rule.wrong(set, len(rule.fields)) {
			v.Add(rule.message + quoted(rule.fields))
		}
	}
	if len(c.Distinct) > 0 && !v.has(c.Distinct...) && !distinct(entity, c.Distinct) {
		v.Add("values of these fields must be distinct: " + quoted(c.Distinct))
	}
	if c.Conditional != nil {
		c.Conditional.apply(entity, v)
	}
}

// apply adds the violation of a conditional: one for the field, one for the whole.
func (c *Conditional) apply(entity map[string]any, v Violations) {
	if v.has(c.IfField, c.ThenField) {
		return
	}
	if !c.IfMatch.fits(value(entity, c.IfField)) {
		return
	}
	then := value(entity, c.ThenField)
	e := ""
	switch {
	case c.ThenMatch.HasEq && !equal(c.ThenMatch.Eq, then):
		e = "value must be " + show(c.ThenMatch.Eq)
	case then == nil && c.ThenMatch.Required:
		e = "required field missing"
	case then != nil:
		e = c.ThenMatch.attribute(then)
	}
	if e == "" {
		return
	}
	v.Set(c.ThenField, e)
	v.Add(or(c.ThenErr, "failed conditional validation given value of field '"+c.IfField+"'"))
}

// fits reports whether a value meets the condition.
func (f *Field) fits(v any) bool {
	if v == nil {
		return f.HasEq && f.Eq == nil
	}
	if f.attribute(v) != "" {
		return false
	}
	if l, ok := v.([]any); ok && f.Elements != nil {
		for _, e := range l {
			if !f.Elements.fits(e) {
				return false
			}
		}
	}
	return true
}

// Add lists a violation of the entity as a whole.
func (v Violations) Add(message string) {
	l, _ := v[Entity].([]any)
	v[Entity] = append(l, message)
}

// Set states the violation of a field, given by its dotted name.
func (v Violations) Set(field, message string) {
	at := v
	path := strings.Split(field, ".")
	for _, name := range path[:len(path)-1] {
		next, ok := at[name].(Violations)
		if !ok {
			next = Violations{}
			at[name] = next
		}
		at = next
	}
	at[path[len(path)-1]] = message
}

// has reports whether one of the fields, given by dotted names, is in violation.
func (v Violations) has(fields ...string) bool {
	for _, field := range fields {
		at := v
		for name := range strings.SplitSeq(field, ".") {
			e, ok := at[name]
			if !ok {
				break
			}
			if at, ok = e.(Violations); !ok {
				return true
			}
		}
	}
	return false
}

func value(entity map[string]any, dotted string) any {
	v, _ := Lookup(entity, strings.Split(dotted, "."))
	return v
}

func distinct(entity map[string]any, fields []string) bool {
	seen := map[any]bool{}
	for _, name := range fields {
		v := value(entity, name)
		if v == nil {
			continue
		}
		if s, ok := v.(string); ok {
			if seen[s] {
				return false
			}
			seen[s] = true
		}
	}
	return true
}
