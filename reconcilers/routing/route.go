package routing

import (
	"fmt"
	"net/http"
)

// Route is a route with what of its service decides about paths.
type Route struct {
	ID            string // breaks ties
	Name          string
	Protocols     []string // empty: http and https
	Methods       []string
	Hosts         []string // "a.test", "*.a.test", "a.*", each with or without ":port"
	Paths         []string // "/plain/prefix" or "~/regular/expression"
	SNIs          []string
	Headers       map[string][]string // one of the values each; "~*…" alone is a regular expression
	RegexPriority int
	StripPath     bool
	PreserveHost  bool
	Redirect      int    // the status for plain requests to an https-only route; 0: 426
	ServicePath   string // what goes before the path upstream; "": nothing
}

// Request is what a decision depends on.
type Request struct {
	Scheme string // "http" or "https"; "": http
	Method string
	Host   string // the Host header, as it came
	Target string // of the request line: path and query, or an absolute URL
	Header http.Header
	SNI    string
	Port   int // that the gateway listens on
}

// Decision is what becomes of a request.
type Decision struct {
	// Route is the route that won; nil: none.
	Route *Route

	// Status is the gateway's own answer; 0: the request goes upstream.
	Status int

	// Target is the path and query for the upstream.
	Target string

	// Prefix is what strip_path cut off.
	Prefix string
}

// Table is an immutable set of routes, ready to decide.
type Table struct {
	rows []*row // the winner first
}

// New compiles routes. Routes for streams (tcp, tls, udp) are taken and never win.
func New(routes []Route) (*Table, error) {
	t := &Table{}
	for i := range routes {
		rows, err := compile(&routes[i])
		if err != nil {
			return nil, fmt.Errorf("route %s: %w", routes[i].Name, err)
		}
		t.rows = append(t.rows, rows...)
	}
	rank(t.rows)
	return t, nil
}

// Decide says what becomes of a request.
func (t *Table) Decide(r Request) Decision {
	if r.Host == "" {
		return Decision{Status: http.StatusBadRequest}
	}
	q := read(r)
	for _, row := range t.rows {
		prefix, matches := row.match(q)
		if !matches {
			continue
		}
		d := Decision{Route: row.route}
		if q.scheme == "http" && row.secureOnly() {
			if d.Status = row.route.Redirect; d.Status == 0 {
				d.Status = http.StatusUpgradeRequired
			}
			return d
		}
		if row.route.StripPath {
			d.Prefix = prefix
		}
		d.Target = Escape(upstreamPath(row.route, prefix, q.path)) + q.query
		return d
	}
	return Decision{Status: http.StatusNotFound}
}
