package routing

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
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

// splits is the name space of the ids of routes that are split by their paths.
var splits = uuid.MustParse("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")

// compile makes the rows of a route: one for each length of plain paths, and one
// for all regular expressions. Each of several rows has an id of its own.
func compile(r *Route) ([]*row, error) {
	var groups [][]string
	at := map[int]int{}
	for _, p := range r.Paths {
		key := len(p)
		if strings.HasPrefix(p, "~") {
			key = 0
		}
		if _, known := at[key]; !known {
			at[key] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[key]] = append(groups[at[key]], p)
	}
	if groups == nil {
		groups = [][]string{nil}
	}
	var rows []*row
	for i, paths := range groups {
		one := &row{route: r, id: r.ID}
		if len(groups) > 1 {
			one.id = uuid.NewSHA1(splits, []byte(r.ID+"#"+strconv.Itoa(i+1))).String()
		}
		if err := one.compile(paths); err != nil {
			return nil, err
		}
		rows = append(rows, one)
	}
	return rows, nil
}

// compile prepares the patterns of a row with these paths, and ranks it.
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
	w.rank = w.priority(len(paths))
	return nil
}

// The bits of a rank that mean what they say.
const (
	plainHostsBit = 1 << 60
	regexpBit     = 1 << 51
)

// priority ranks a row as Kong does. The numbers that Kong means to put above those
// bits (categories at 61, headers at 52) are shifted in 32 bits, where 61 is 29 and
// 52 is 20, and a number that reaches the sign fills all bits above. The order that
// comes of it is the one that doc.go tells, and the one that a real Kong shows.
func (w *row) priority(paths int) uint64 {
	categories := bit(len(w.route.Methods) > 0) + bit(len(w.hosts) > 0) + bit(len(w.headers) > 0) +
		bit(len(w.route.SNIs) > 0) + bit(paths > 0)
	rank := shift32(categories, 61) | shift32(len(w.headers), 52)
	if len(w.hosts) > 0 && !slices.ContainsFunc(w.route.Hosts, func(h string) bool { return strings.Contains(h, "*") }) {
		rank |= plainHostsBit
	}
	if w.regexps != nil {
		rank |= regexpBit | shift32(w.route.RegexPriority, 19)
	}
	if len(w.plain) > 0 {
		rank |= uint64(len(w.plain[0]))
	}
	return rank
}

// shift32 shifts as the router's language does: in 32 bits, the distance modulo 32, the sign kept.
func shift32(n, by int) uint64 { return uint64(int64(int32(uint32(n) << (by % 32)))) }

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

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
