package routing

import (
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// Row is a route with some of its paths: those that rank alike. There is one for
// each length of plain paths and one for all regular expressions.
type Row struct {
	Rank  uint64   // the higher wins
	ID    string   // among equals the greater wins; each of several rows has one of its own
	Regex bool     // the paths are regular expressions
	Paths []string // as the route has them, with the "~"; nil: any path
}

// splits is the name space of the ids of routes that are split by their paths.
var splits = uuid.MustParse("7f145bf9-0dce-4f91-98eb-debbce4b9f6b")

// Rows returns the rows of a route in the order of its paths. It does not look
// into regular expressions.
func Rows(r *Route) []Row {
	var rows []Row
	at := map[int]int{}
	for _, p := range r.Paths {
		key, regex := len(p), strings.HasPrefix(p, "~")
		if regex {
			key = 0
		}
		if _, known := at[key]; !known {
			at[key] = len(rows)
			rows = append(rows, Row{Regex: regex})
		}
		rows[at[key]].Paths = append(rows[at[key]].Paths, p)
	}
	if rows == nil {
		rows = []Row{{}}
	}
	for i := range rows {
		rows[i].ID = r.ID
		if len(rows) > 1 {
			rows[i].ID = uuid.NewSHA1(splits, []byte(r.ID+"#"+strconv.Itoa(i+1))).String()
		}
		rows[i].Rank = r.rank(rows[i])
	}
	return rows
}

// The bits of a rank that mean what they say.
const (
	plainHostsBit = 1 << 60
	regexpBit     = 1 << 51
)

// rank ranks a row as Kong does. The numbers that Kong means to put above those
// bits (categories at 61, headers at 52) are shifted in 32 bits, where 61 is 29 and
// 52 is 20, and a number that reaches the sign fills all bits above. The order that
// comes of it is the one that doc.go tells, and the one that a real Kong shows.
func (r *Route) rank(w Row) uint64 {
	categories := 0
	for _, n := range []int{len(r.Methods), len(r.Hosts), len(r.Headers), len(r.SNIs), len(w.Paths)} {
		categories += min(n, 1)
	}
	rank := shift32(categories, 61) | shift32(len(r.Headers), 52)
	if len(r.Hosts) > 0 && !slices.ContainsFunc(r.Hosts, func(h string) bool { return strings.Contains(h, "*") }) {
		rank |= plainHostsBit
	}
	switch {
	case w.Regex:
		rank |= regexpBit | shift32(r.RegexPriority, 19)
	case len(w.Paths) > 0:
		rank |= uint64(len(w.Paths[0]))
	}
	return rank
}

// shift32 shifts as the router's language does: in 32 bits, the distance modulo 32, the sign kept.
func shift32(n, by int) uint64 { return uint64(int64(int32(uint32(n) << (by % 32)))) }
