package routemap

import (
	"strconv"
	"strings"
)

// tagListen stands after a port in a map key. A host holds no "|", and is
// followed by other tags, so neither is found by a question for the other.
const tagListen = "|l" // PORT|l

// Stream reports whether the route takes connections, not requests.
func (r *Route) Stream() bool { return len(r.Listen)+len(r.SNIs) > 0 }

// Ends says for people which connections the route takes.
func (r *Route) Ends() string {
	var words []string
	for _, port := range r.Listen {
		words = append(words, "port "+strconv.Itoa(port))
	}
	for _, name := range r.SNIs {
		words = append(words, "TLS for "+name)
	}
	return strings.Join(words, ", ")
}

// streamEntries are the route's lines in the map; target is "" while nothing serves it.
func (r *Route) streamEntries(target string) []entry {
	out := r.passedOn(target)
	if target == "" {
		return out
	}
	for _, port := range r.Listen {
		out = append(out, entry{key: strconv.Itoa(port) + tagListen, value: r.value(target, "", 0)})
	}
	return out
}

// MatchPort finds the route of a connection, by the name of the bind that it came to, which is its port.
func (u Rules) MatchPort() {
	u.Line("tcp-request connection set-var(sess.m) so_name,concat(%s),map_beg(%s)", tagListen, u.routes())
}
