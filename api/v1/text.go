package v1

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text returns a value of the field as a label would say it, so that it decodes
// to the same value; "" for an empty list or text. What no single label says
// is written "entry=a,b; entry=c", or "entry=10%; entry=20%".
func (f *Field) Text(v Value) string {
	switch f.Type {
	case Bool:
		return strconv.FormatBool(v.Bool)
	case Int:
		return strconv.Itoa(v.Int)
	case Duration:
		return durationText(v.Duration)
	case Text:
		return v.Text
	case List:
		return listText(v.List)
	case Map:
		var entries []string
		for _, name := range slices.Sorted(maps.Keys(v.Map)) {
			entries = append(entries, name+"="+listText(v.Map[name]))
		}
		return strings.Join(entries, "; ")
	case Shares:
		var entries []string
		for _, name := range slices.Sorted(maps.Keys(v.Shares)) {
			entries = append(entries, name+"="+strconv.Itoa(v.Shares[name])+"%")
		}
		return strings.Join(entries, "; ")
	}
	return ""
}

// listText writes "a,b", or JSON where that would be read as something else.
func listText(items []string) string {
	text := strings.Join(items, ",")
	if text == "" || text[0] != '[' && text[0] != '{' && strings.Count(text, ",") == len(items)-1 {
		return text
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(items); err != nil {
		return text // a []string always encodes
	}
	return strings.TrimSpace(b.String())
}

// durationText writes "10m", where Duration.String writes "10m0s".
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
