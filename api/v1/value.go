package v1

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The bounds of a value.
const (
	maxValueBytes = 8 << 10
	maxItems      = 64
	maxDuration   = 24 * time.Hour
)

// parse decodes a label's value. Spaces around it don't count.
func (f *Field) parse(text string) (Value, *fault) {
	if len(text) > maxValueBytes {
		return Value{}, &fault{
			message: fmt.Sprintf("the value has %d bytes, the most is %d", len(text), maxValueBytes),
			fix:     "split it over several routes",
		}
	}
	text = strings.Trim(text, " ")
	if text == "" {
		return Value{}, &fault{message: "the value is empty", fix: f.emptyFix()}
	}
	switch f.Type {
	case Bool:
		return parseBool(text)
	case Int:
		return f.parseInt(text)
	case Duration:
		return f.parseDuration(text)
	case Text:
		item, wrong := f.item(text)
		return Value{Text: item}, wrong
	case List, Map:
		list, wrong := f.parseList(text)
		return Value{List: list}, wrong
	case Shares:
		return parseShare(text)
	}
	return Value{}, &fault{message: fmt.Sprintf("the field has the unknown type %q", f.Type)}
}

// emptyFix is the advice for an empty value: it says what holds without one.
func (f *Field) emptyFix() string {
	without := f.Unset
	if without == "" {
		without = f.Text(f.Default)
	}
	return fmt.Sprintf("give it a value, or remove it to have the default: %s", strings.ReplaceAll(without, "`", ""))
}

func parseBool(text string) (Value, *fault) {
	switch {
	case strings.EqualFold(text, "true"):
		return Value{Bool: true}, nil
	case strings.EqualFold(text, "false"):
		return Value{Bool: false}, nil
	}
	wrong := &fault{message: fmt.Sprintf("%s is neither true nor false", shown(text))}
	switch strings.ToLower(text) {
	case "yes", "y", "on", "1":
		wrong.fix = "write true"
	case "no", "n", "off", "0":
		wrong.fix = "write false"
	}
	return Value{}, wrong
}

func (f *Field) parseInt(text string) (Value, *fault) {
	n, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && (n < f.Min || n > f.Max):
		return Value{}, &fault{message: fmt.Sprintf("%s is outside of %d to %d", shown(text), f.Min, f.Max)}
	case err != nil || text[0] == '+':
		return Value{}, &fault{message: fmt.Sprintf("%s is not a whole number", shown(text))}
	}
	if f.check != nil {
		if _, wrong := f.check(strconv.Itoa(n)); wrong != nil {
			return Value{}, wrong
		}
	}
	return Value{Int: n}, nil
}

// parseDuration takes Go's syntax. Both gateways count whole milliseconds.
func (f *Field) parseDuration(text string) (Value, *fault) {
	d, err := time.ParseDuration(text)
	if err != nil {
		wrong := &fault{message: fmt.Sprintf("%s is not a duration", shown(text))}
		if _, err := strconv.Atoi(text); err == nil && len(text) < 12 {
			wrong.message = fmt.Sprintf("%s has no unit", shown(text))
			wrong.fix = fmt.Sprintf("write %ss for seconds, or %sms for milliseconds", text, text)
		}
		return Value{}, wrong
	}
	longest, step := cmp.Or(f.Longest, maxDuration), cmp.Or(f.Step, time.Millisecond)
	switch {
	case d <= 0:
		return Value{}, &fault{message: fmt.Sprintf("%s is not above 0", shown(text))}
	case d > longest:
		return Value{}, &fault{message: fmt.Sprintf("%s is longer than %dh", shown(text), longest/time.Hour)}
	case d%step != 0:
		unit := map[time.Duration]string{time.Millisecond: "milliseconds", time.Second: "seconds"}[step]
		return Value{}, &fault{message: fmt.Sprintf("%s is no whole number of %s", shown(text), unit)}
	}
	return Value{Duration: d}, nil
}

// maxShare is the whole, in per cent.
const maxShare = 100

// parseShare takes "10%": a part of the traffic, in whole per cents.
func parseShare(text string) (Value, *fault) {
	digits, marked := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(strings.TrimRight(digits, " "))
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && (n < 0 || n > maxShare):
		return Value{}, &fault{message: fmt.Sprintf("%s is outside of 0%% to %d%%", shown(text), maxShare)}
	case err != nil || digits[0] == '+' || digits[0] == '-':
		return Value{}, &fault{message: fmt.Sprintf("%s is no share in whole per cents", shown(text))}
	case !marked:
		return Value{}, &fault{message: fmt.Sprintf("%s has no unit", shown(text)), fix: fmt.Sprintf("write %d%%", n)}
	}
	return Value{Int: n}, nil
}

// parseList takes "a,b" or a JSON list of strings, and returns it sorted and
// each item once, so that equal wishes compare equal.
func (f *Field) parseList(text string) ([]string, *fault) {
	var items []string
	isJSON := text[0] == '[' || text[0] == '{'
	if isJSON {
		if err := json.Unmarshal([]byte(text), &items); err != nil {
			return nil, &fault{
				message: fmt.Sprintf("%s begins like JSON but is not a JSON list of strings", shown(text)),
				fix:     `write ["a","b"], or a,b without brackets`,
			}
		}
	} else {
		items = strings.Split(text, ",")
	}
	if len(items) == 0 || len(items) > maxItems {
		return nil, &fault{
			message: fmt.Sprintf("the list has %d items", len(items)),
			fix:     fmt.Sprintf("write 1 to %d items, and split longer lists over several routes", maxItems),
		}
	}
	for i, item := range items {
		if !isJSON {
			item = strings.Trim(item, " ")
		}
		if item == "" {
			return nil, &fault{message: fmt.Sprintf("item %d of the list is empty", i+1), fix: "remove the empty item", item: i}
		}
		normal, wrong := f.item(item)
		if wrong != nil {
			wrong.item = i
			if !isJSON && strings.Contains(text, "~") && len(items) > 1 {
				wrong.fix += `; where a comma belongs to a value, write the list as JSON: ["…","…"]`
			}
			return nil, wrong
		}
		items[i] = normal
	}
	slices.Sort(items)
	items = slices.Compact(items)
	if f.whole != nil {
		return items, f.whole(items)
	}
	return items, nil
}

// item checks one item and brings it to its normal form. Whatever the field's
// own check lets through is held against its characters once more, for this is
// the door.
func (f *Field) item(text string) (string, *fault) {
	normal, wrong := f.check(text)
	if wrong != nil {
		return "", wrong
	}
	if f.Words != nil && !slices.Contains(f.Words, normal) {
		wrong := &fault{message: fmt.Sprintf("%s is none of %s", shown(text), strings.Join(f.Words, ", "))}
		if near := closest(normal, slices.Clone(f.Words)); near != "" {
			wrong.fix = "did you mean " + near + "?"
		}
		return "", wrong
	}
	if wrong := f.Chars.refuse("the value", normal); wrong != nil {
		return "", wrong
	}
	return normal, nil
}
