package routing

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// query is a request made ready for matching.
type query struct {
	Request
	scheme string
	host   string // without a port
	path   string // normalised
	query  string // with its "?", or ""
}

// read takes a request apart.
func read(r Request) query {
	q := query{Request: r, scheme: r.Scheme, host: r.Host}
	if q.scheme == "" {
		q.scheme = "http"
	}
	if i := strings.LastIndexByte(r.Host, ':'); i >= 0 && !strings.HasSuffix(r.Host, "]") {
		q.host = r.Host[:i]
	}
	target := r.Target
	if !strings.HasPrefix(target, "/") {
		if u, err := url.Parse(target); err == nil {
			target = u.RequestURI()
		}
	}
	if i := strings.IndexByte(target, '?'); i >= 0 {
		target, q.query = target[:i], target[i:]
	}
	q.path = Normalize(target)
	return q
}

// match reports whether the row takes the request, and the part of the path that it matched.
func (w *row) match(q query) (prefix string, matches bool) {
	r := w.route
	if !w.takesProtocol(q.scheme) ||
		len(r.Methods) > 0 && !slices.Contains(r.Methods, q.Method) ||
		len(w.hosts) > 0 && !slices.ContainsFunc(w.hosts, func(h hostPattern) bool { return h.match(q) }) ||
		len(r.SNIs) > 0 && q.scheme == "https" && !slices.Contains(r.SNIs, q.SNI) {
		return "", false
	}
	for _, h := range w.headers {
		if !h.match(q.Header) {
			return "", false
		}
	}
	if len(w.plain)+len(w.regexps) == 0 {
		return "", true
	}
	for _, p := range w.plain {
		if strings.HasPrefix(q.path, p) {
			return p, true
		}
	}
	for _, re := range w.regexps {
		if at := re.FindStringIndex(q.path); at != nil {
			return q.path[:at[1]], true
		}
	}
	return "", false
}

// takesProtocol: routes for https take plain requests too, to turn them away.
func (w *row) takesProtocol(scheme string) bool {
	p := w.route.Protocols
	if len(p) == 0 || slices.Contains(p, "https") || slices.Contains(p, "grpcs") {
		return true
	}
	return scheme == "http" && (slices.Contains(p, "http") || slices.Contains(p, "grpc"))
}

// hostPattern is a host of a route: plain, "*.suffix" or "prefix.*", maybe with a port.
type hostPattern struct {
	plain, prefix, suffix string
	port                  string
}

func readHost(h string) hostPattern {
	var p hostPattern
	if host, port, ok := strings.Cut(h, ":"); ok {
		h, p.port = host, port
	}
	switch {
	case strings.HasPrefix(h, "*"):
		p.suffix = h[1:]
	case strings.HasSuffix(h, "*"):
		p.prefix = h[:len(h)-1]
	default:
		p.plain = h
	}
	return p
}

// match compares letter by letter. A port is that of the listener, not that of the Host header.
func (p hostPattern) match(q query) bool {
	if p.port != "" && p.port != strconv.Itoa(q.Port) {
		return false
	}
	switch {
	case p.suffix != "":
		return strings.HasSuffix(q.host, p.suffix) && len(q.host) > len(p.suffix)
	case p.prefix != "":
		return strings.HasPrefix(q.host, p.prefix) && len(q.host) > len(p.prefix)
	}
	return q.host == p.plain
}

// headerPattern is a header of a route with the values that it may have.
type headerPattern struct {
	name   string
	values []string       // in lower case
	re     *regexp.Regexp // instead of values
}

func readHeader(name string, values []string) (headerPattern, error) {
	p := headerPattern{name: name}
	if len(values) == 1 && strings.HasPrefix(values[0], "~*") {
		re, err := regexp.Compile("(?i)" + values[0][2:])
		p.re = re
		return p, err
	}
	for _, v := range values {
		p.values = append(p.values, strings.ToLower(v))
	}
	return p, nil
}

func (p headerPattern) match(h http.Header) bool {
	return slices.ContainsFunc(h.Values(p.name), func(v string) bool {
		if p.re != nil {
			return p.re.MatchString(v)
		}
		return slices.Contains(p.values, strings.ToLower(v))
	})
}
