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
			f.set(target{instance: &t.service, service: &t.service.Service, route: &t.route}, f.Default)
		}
	}
	return t
}

// The words of the long form.
const (
	wordRoutes   = "routes"
	wordServices = "services"
)

// later are the words of later versions, and those by which people ask for
// protection, with what to say of each. To offer the nearest known word for
// one of them would lead to a route that is more open than asked, or to
// something quite different, so each has its own answer. Never changed.
var later = func() map[string]string {
	const open = "; without it the route would be more open than asked"
	words := map[string]string{
		"sources":      "matching by the client's address is not supported by this version" + open,
		"destinations": "matching by the destination's address is not supported by this version" + open,
		"tags":         "tags by label are not supported, for those in a gateway belong to Lockstep",
	}
	for _, word := range []string{"certificate", "certificates", "tls"} {
		words[word] = "certificates by label are not supported by this version"
	}
	for word, plugin := range map[string]string{
		"plugin": "NAME", "middlewares": "NAME", "auth": "key-auth", "basic_auth": "basic-auth", "key_auth": "key-auth",
		"jwt": "jwt", "acl": "acl", "allow": "ip-restriction", "deny": "ip-restriction", "ip_restriction": "ip-restriction",
		"rate_limit": "rate-limiting", "rate_limiting": "rate-limiting", "cors": "cors",
	} {
		words[word] = "that is for a plugin of Kong, written plugins." + plugin + "…" + open
	}
	words["consumers"] = "consumers are not supported by this version" + open
	return words
}()

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
// in order among equals; when more than a third would change, one that begins
// the word or that the word begins, else the longest that ends it after a "_"; else "".
func closest(word string, candidates []string) string {
	if len(word) > maxPart {
		return ""
	}
	best, least := "", (min(len(word), 12)+2)/3+1
	slices.Sort(candidates)
	for _, candidate := range candidates {
		if d := levenshtein.Distance(word, candidate, nil); d < least {
			best, least = candidate, d
		}
	}
	if best != "" || len(word) < 4 {
		return best
	}
	for _, candidate := range candidates {
		if strings.HasPrefix(word, candidate) || strings.HasPrefix(candidate, word) {
			return candidate
		}
	}
	for _, candidate := range candidates { // health_check_path: check_path, and not path
		if strings.HasSuffix(word, "_"+candidate) && len(candidate) > len(best) {
			best = candidate
		}
	}
	return best
}
