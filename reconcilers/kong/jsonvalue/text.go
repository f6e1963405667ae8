package jsonvalue

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Text is the text of a value that is equal for equal meanings: null and
// empty are "", and lists of strings have no order.
func Text(value any) string {
	value = Normal(value)
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case []any:
		if text, ok := plainList(v); ok {
			return text
		}
	}
	text, err := json.Marshal(value)
	if err != nil { // JSON came in, so JSON goes out
		return fmt.Sprint(value)
	}
	return string(text)
}

// plainList is the JSON of a list of strings, where that takes no escaping: nearly always.
func plainList(list []any) (string, bool) {
	var out strings.Builder
	for i, element := range list {
		text, ok := element.(string)
		if !ok || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || strings.ContainsRune(`"\\<>&`, c) }) {
			return "", false
		}
		out.WriteByte(`[,`[min(i, 1)])
		out.WriteByte('"')
		out.WriteString(text)
		out.WriteByte('"')
	}
	out.WriteByte(']')
	return out.String(), len(list) > 0
}

// Normal drops what says nothing and sorts lists of strings, in copies.
func Normal(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, element := range v {
			if n := Normal(element); n != nil {
				out[key] = n
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		if len(v) == 0 {
			return nil
		}
		out := make([]any, len(v))
		strs := make([]string, 0, len(v))
		for i, element := range v {
			out[i] = Normal(element)
			if text, ok := element.(string); ok {
				strs = append(strs, text)
			}
		}
		if len(strs) == len(v) {
			slices.Sort(strs)
			for i, text := range strs {
				out[i] = text
			}
		}
		return out
	}
	return value
}

// Spelled is a number in one spelling: 60, not 60.0 or 6e1.
func Spelled(number json.Number) json.Number {
	if n, err := number.Float64(); err == nil {
		return json.Number(strconv.FormatFloat(n, 'f', -1, 64))
	}
	return number
}
