package routing

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// row is a route with some of its paths: those that rank alike.
type row struct {
	route   *Route
	id      string // breaks ties
	rank    uint64 // the higher wins
	hosts   []hostPattern
	plain   []string // all of one length
	regexps []*regexp.Regexp
	headers []headerPattern
}

// compile makes the rows of a route, ready to match.
func compile(r *Route) ([]*row, error) {
	var rows []*row
	for _, one := range Rows(r) {
		w := &row{route: r, id: one.ID, rank: one.Rank}
		if err := w.compile(one.Paths); err != nil {
			return nil, err
		}
		rows = append(rows, w)
	}
	return rows, nil
}

// compile prepares the patterns of a row with these paths.
func (w *row) compile(paths []string) error {
	for _, p := range paths {
		expr, isRegexp := strings.CutPrefix(p, "~")
		if !isRegexp {
			w.plain = append(w.plain, p)
			continue
		}
		re, err := Compile(expr)
		if err != nil {
			return fmt.Errorf("path %s: %w", p, err)
		}
		w.regexps = append(w.regexps, re)
	}
	for _, h := range w.route.Hosts {
		w.hosts = append(w.hosts, readHost(h))
	}
	for name, values := range w.route.Headers {
		h, err := readHeader(name, values)
		if err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
		w.headers = append(w.headers, h)
	}
	return nil
}

// rank sorts rows, the winner first.
func rank(rows []*row) {
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), strings.Compare(b.id, a.id))
	})
}

// secureOnly reports whether plain requests are turned away.
func (w *row) secureOnly() bool {
	p := w.route.Protocols
	return (slices.Contains(p, "https") || slices.Contains(p, "grpcs")) && !slices.Contains(p, "http") && !slices.Contains(p, "grpc")
}
