package routemap

import (
	"maps"
	"slices"
	"strings"
)

// Match is what the route claims, in canonical form.
func (r *Route) Match() string {
	text := "hosts=" + strings.Join(r.Hosts, ",") + " paths=" + strings.Join(r.Paths, ",")
	if len(r.Methods) > 0 {
		text += " methods=" + strings.Join(r.Methods, ",")
	}
	if len(r.Headers) > 0 {
		text += " headers=" + r.HeaderText()
	}
	if len(r.Cookies) > 0 {
		text += " cookies=" + r.CookieText()
	}
	return text
}

// HeaderText writes headers in a fixed order.
func (r *Route) HeaderText() string { return listsText(r.Headers) }

// CookieText writes cookies in a fixed order.
func (r *Route) CookieText() string { return listsText(r.Cookies) }

// listsText writes lists by name in a fixed order.
func listsText(lists map[string][]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		parts = append(parts, name+"="+strings.Join(lists[name], ","))
	}
	return strings.Join(parts, ";")
}
