package v1

import (
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// table is the rows made ready for decoding. It is made once and never changed.
type table struct {
	byName  map[string]int  // a row by its folded name
	service DeclaredService // with every default filled in
	route   Route           // likewise
}

var fieldTable = newTable(rows)

func newTable(rows []Field) *table {
	t := &table{byName: make(map[string]int, len(rows))}
	for i := range rows {
		f := &rows[i]
		t.byName[fold(f.Name)] = i
		if f.Scope != OfContainer {
			f.set(target{service: &t.service, route: &t.route}, f.Default)
		}
	}
	return t
}

// The words of the long form.
const (
	wordRoutes   = "routes"
	wordServices = "services"
)

// later are the words of later versions. To offer the nearest known word for
// one of them would lead to a route that is more open than asked, or to
// something quite different, so each has its own answer.
var later = map[string]string{
	"plugins":      "plugins are not supported by this version; without them the route would be more open than asked",
	"plugin":       "plugins are not supported by this version; without them the route would be more open than asked",
	"middlewares":  "plugins are not supported by this version; without them the route would be more open than asked",
	"snis":         "matching by SNI is not supported by this version; without it the route would be more open than asked",
	"sources":      "matching by the client's address is not supported by this version; without it the route would be more open than asked",
	"destinations": "matching by the destination's address is not supported by this version; without it the route would be more open than asked",
	"protocols":    "protocols other than http are not supported by this version; without them the route might be more open than asked",
	"protocol":     "protocols other than http are not supported by this version",
	"listen":       "listening ports by label are not supported by this version",
	"certificate":  "certificates by label are not supported by this version",
	"certificates": "certificates by label are not supported by this version",
	"tls":          "certificates by label are not supported by this version",
	"rollout":      "rollouts by version are not supported by this version; without them all copies would get their full share",
	"version":      "rollouts by version are not supported by this version; without them all copies would get their full share",
	"drain":        "a drain time by label is not supported by this version",
	"retries":      "retries by label are not supported by this version",
	"balance":      "balancing other than round-robin is not supported by this version",
	"healthcheck":  "health checks by label are not supported by this version; Docker's HEALTHCHECK is heeded",
	"consumers":    "consumers by label are not supported",
	"tags":         "tags by label are not supported; the tags in a gateway belong to Lockstep",
}

// fold brings one of our own words to the form in which they are compared:
// lower case, "_" for "-".
func fold(word string) string {
	for i := range len(word) {
		if c := word[i]; c == '-' || 'A' <= c && c <= 'Z' {
			return strings.ToLower(strings.ReplaceAll(word, "-", "_"))
		}
	}
	return word
}

// nearest returns the known word of the given scopes, or the keyword, that a
// word was probably meant to be, or "".
func nearest(word string, keywords []string, scopes ...Scope) string {
	word = fold(word)
	candidates := slices.Clone(keywords)
	for i := range rows {
		f := &rows[i]
		if !slices.Contains(scopes, f.Scope) {
			continue
		}
		if slices.Contains(f.Aliases, word) {
			return f.Name
		}
		candidates = append(candidates, f.Name)
	}
	return closest(word, candidates)
}

// closest returns the candidate with the fewest letters to change, the first
// in order among equals; "" when a third of the letters or more would change.
func closest(word string, candidates []string) string {
	best, least := "", max(1, min(len(word), 12)/3)+1
	slices.Sort(candidates)
	if len(word) > 64 {
		return ""
	}
	for _, candidate := range candidates {
		if d := levenshtein.Distance(word, candidate, nil); d < least {
			best, least = candidate, d
		}
	}
	return best
}
