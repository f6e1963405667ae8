package desired

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

// within reports whether all that a route matches another matches too, as far as
// that can be told.
func within(inner, outer v1.Route) bool {
	for _, host := range orAny(inner.Hosts) {
		if len(outer.Hosts) > 0 && !slices.ContainsFunc(outer.Hosts, func(o string) bool { return hostWithin(host, o) }) {
			return false
		}
	}
	for _, path := range orAny(inner.Paths) {
		if len(outer.Paths) > 0 && !slices.ContainsFunc(outer.Paths, func(o string) bool { return o == "/" && path != "" || o == path || strings.HasPrefix(path, o) }) {
			return false
		}
	}
	for _, method := range orAny(inner.Methods) {
		if len(outer.Methods) > 0 && !slices.Contains(outer.Methods, method) {
			return false
		}
	}
	for name, values := range outer.Headers {
		has := inner.Headers[name]
		if len(has) == 0 || slices.ContainsFunc(has, func(v string) bool { return !slices.Contains(values, v) }) {
			return false
		}
	}
	return true
}

// hostWithin reports whether every host that matches inner matches outer.
func hostWithin(inner, outer string) bool {
	suffix, isSuffix := strings.CutPrefix(outer, "*")
	prefix, isPrefix := strings.CutSuffix(outer, "*")
	switch {
	case inner == "":
		return false
	case isSuffix:
		return strings.HasSuffix(inner, suffix)
	case isPrefix:
		return strings.HasPrefix(inner, prefix)
	}
	return inner == outer
}

// rows ranks a route as both gateways do.
func rows(r v1.Route) []routing.Row {
	headers := r.Headers
	if len(r.Cookies) > 0 { // is one more header
		headers = maps.Clone(headers)
		if headers == nil {
			headers = map[string][]string{}
		}
		headers["cookie"] = nil
	}
	return routing.Rows(&routing.Route{Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths, Headers: headers})
}

// meet reports whether a request might match both routes, their paths aside.
func meet(a, b v1.Route) bool {
	methods := len(a.Methods) == 0 || len(b.Methods) == 0 ||
		slices.ContainsFunc(a.Methods, func(m string) bool { return slices.Contains(b.Methods, m) })
	return methods && hostsMeet(a.Hosts, b.Hosts)
}

func hostsMeet(a, b []string) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(x string) bool {
		return slices.ContainsFunc(b, func(y string) bool { return hostMeets(x, y) })
	})
}

// hostMeets reports whether a host might match both, each plain, "*.suffix" or "prefix.*".
func hostMeets(x, y string) bool {
	xEnd, xSuffix := strings.CutPrefix(x, "*")
	yEnd, ySuffix := strings.CutPrefix(y, "*")
	xHead, xPrefix := strings.CutSuffix(x, "*")
	yHead, yPrefix := strings.CutSuffix(y, "*")
	switch {
	case xSuffix && yPrefix || xPrefix && ySuffix:
		return true
	case xSuffix || ySuffix:
		return strings.HasSuffix(xEnd, yEnd) && ySuffix || strings.HasSuffix(yEnd, xEnd) && xSuffix
	case xPrefix || yPrefix:
		return strings.HasPrefix(xHead, yHead) && yPrefix || strings.HasPrefix(yHead, xHead) && xPrefix
	}
	return x == y
}

// pathsMeet reports whether a path might match one of each: plain paths are
// prefixes, of regular expressions nothing is known.
func pathsMeet(a, b []string) bool {
	if len(a) == 0 || len(b) == 0 {
		return true
	}
	for _, p := range a {
		for _, q := range b {
			if p[0] == '~' || q[0] == '~' || strings.HasPrefix(p, q) || strings.HasPrefix(q, p) {
				return true
			}
		}
	}
	return false
}
