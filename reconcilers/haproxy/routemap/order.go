package routemap

import (
	"maps"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/routing"
)

// row is a route with some of its paths: those that rank alike. There is one
// for each length of plain paths and one for all regular expressions.
type row struct {
	order int64    // the greater wins
	regex bool     // the paths are regular expressions, without their "~"
	paths []string // one "" where the route takes any path
}

// rows returns the route's rows.
func (r *Route) rows() []row {
	if r.Stream() {
		return nil
	}
	kong := routing.Route{
		ID: r.ID, Methods: r.Methods, Hosts: r.Hosts, Paths: r.Paths, Headers: r.allHeaders(), RegexPriority: r.RegexPriority,
	}
	var rows []row
	for _, one := range routing.Rows(&kong) {
		w := row{order: compress(one.Rank)<<tieBits | tie(one.ID), regex: one.Regex}
		for _, path := range one.Paths {
			w.paths = append(w.paths, strings.TrimPrefix(path, "~"))
		}
		if w.paths == nil {
			w.paths = []string{""}
		}
		rows = append(rows, w)
	}
	return rows
}

// compress leaves out of a rank the bits that are never set, or only together:
// HAProxy's numbers have 63.
func compress(rank uint64) int64 {
	low := int64(rank & (1<<32 - 1)) //nolint:gosec // 32 bits
	for i, bit := range []int{51, 60, 63} {
		low |= int64(rank>>bit&1) << (32 + i) //nolint:gosec // one bit
	}
	return low
}

// tieBits is how much of an id orders rows that rank alike.
const tieBits = 28

// tie is the beginning of an id as a number; 0 when it is none.
func tie(id string) int64 {
	if len(id) < tieBits/4 {
		return 0
	}
	n, err := strconv.ParseInt(id[:tieBits/4], 16, 64)
	if err != nil {
		return 0
	}
	return n
}

// allHeaders are the headers that count for the rank: a cookie is part of one.
func (r *Route) allHeaders() map[string][]string {
	if len(r.Cookies) == 0 {
		return r.Headers
	}
	out := map[string][]string{"cookie": nil}
	maps.Copy(out, r.Headers)
	return out
}
