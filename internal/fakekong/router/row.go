package router

import (
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
	rank    [6]int // compared place by place, the higher first
	hosts   []hostPattern
	plain   []string
	regexps []*regexp.Regexp
	headers []headerPattern
}

// splits is the name space of the ids of routes that are split by their paths.
var splits = uuid.MustParse("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")

// compile makes the rows of a route: one for each length of plain paths, and one
// for all regular expressions.
func compile(r *Route) ([]*row, error) {
	groups := map[string][]string{}
	for _, p := range r.Paths {
		key := strconv.Itoa(len(p))
		if strings.HasPrefix(p, "~") {
			key = "true"
		}
		groups[key] = append(groups[key], p)
	}
	if len(groups) == 0 {
		groups[""] = nil
	}
	var rows []*row
	for key, paths := range groups {
		one := &row{route: r, id: r.ID}
		if len(groups) > 1 {
			one.id = uuid.NewSHA1(splits, []byte(r.ID+"#"+key)).String()
		}
		if err := one.compile(paths); err != nil {
			return nil, err
		}
		rows = append(rows, one)
	}
	return rows, nil
}

// compile prepares the patterns of a row with these paths and ranks it.
func (w *row) compile(paths []string) error {
	longest := 0
	for _, p := range paths {
		expr, isRegexp := strings.CutPrefix(p, "~")
		longest = max(longest, len(expr))
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
	plainHosts := len(w.route.Hosts) > 0
	for _, h := range w.route.Hosts {
		w.hosts = append(w.hosts, readHost(h))
		plainHosts = plainHosts && !strings.Contains(h, "*")
	}
	for name, values := range w.route.Headers {
		h, err := readHeader(name, values)
		if err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
		w.headers = append(w.headers, h)
	}
	w.rank = [6]int{w.categories(paths), len(w.headers), bit(plainHosts), bit(w.regexps != nil), 0, longest}
	if w.regexps != nil {
		w.rank[4] = w.route.RegexPriority
	}
	return nil
}

// categories counts by how many kinds of things the row matches.
func (w *row) categories(paths []string) int {
	n := 0
	for _, l := range []int{len(w.route.Methods), len(w.hosts), len(w.headers), len(paths), len(w.route.SNIs)} {
		n += bit(l > 0)
	}
	return n
}

// rank sorts rows, the winner first.
func rank(rows []*row) {
	slices.SortFunc(rows, func(a, b *row) int {
		if c := slices.Compare(b.rank[:], a.rank[:]); c != 0 {
			return c
		}
		return strings.Compare(b.id, a.id)
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
