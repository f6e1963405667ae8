package haproxy

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// row is a route with some of its paths: those that rank alike. There is one
// for each length of plain paths and one for all regular expressions.
type row struct {
	order int64    // the greater wins
	regex bool     // the paths are regular expressions, without their "~"
	paths []string // one "" where the route takes any path
}

// kongSplits is the name space from which Kong makes the ids of routes that it
// splits by their paths.
var kongSplits = uuid.MustParse("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")

// rows returns the route's rows.
func (r *route) rows() []row {
	var rows []row
	at := map[int]int{}
	for _, path := range r.paths {
		length, regex := len(path), strings.HasPrefix(path, "~")
		if regex {
			path, length = path[1:], 0
		}
		if _, known := at[length]; !known {
			at[length] = len(rows)
			rows = append(rows, row{regex: regex})
		}
		rows[at[length]].paths = append(rows[at[length]].paths, path)
	}
	if len(rows) == 0 {
		rows = []row{{paths: []string{""}}}
	}
	for i := range rows {
		id := r.id
		if len(rows) > 1 {
			id = uuid.NewSHA1(kongSplits, []byte(r.id+"#"+strconv.Itoa(i+1))).String()
		}
		rows[i].order = compress(r.rank(rows[i]))<<tieBits | tie(id)
	}
	return rows
}

// rank is Kong's number for a row: its categories (methods, hosts, headers,
// paths), only exact hosts, a regular expression, its headers, the length of
// its path. Kong means to put categories and headers above all else, but its
// shifts are those of 32 bits: categories end up at bit 29, and four of them
// in the sign, which fills all bits above; headers at bit 20.
func (r *route) rank(w row) uint64 {
	categories := 0
	for _, n := range []int{len(r.methods), len(r.hosts), len(r.headers), len(r.paths)} {
		categories += min(n, 1)
	}
	rank := shift32(categories, 29) | shift32(len(r.headers), 20)
	if len(r.hosts) > 0 && !slices.ContainsFunc(r.hosts, wildcard) {
		rank |= 1 << 60
	}
	if w.regex {
		return rank | 1<<51 | shift32(r.regexPriority, 19)
	}
	return rank | uint64(len(w.paths[0]))
}

// shift32 shifts in 32 bits and keeps the sign.
func shift32(n, by int) uint64 { return uint64(int64(int32(uint32(n) << by))) } //nolint:gosec // as Kong does

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
