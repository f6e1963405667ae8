package desired

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// matches returns what a route claims on a gateway, in canonical form, sorted.
func matches(gateway v1.Gateway, r *v1.Route) []string {
	if r.Stream() {
		return streamMatches(gateway, r)
	}
	var rest strings.Builder
	rest.WriteString(" " + strings.Join(r.Methods, ","))
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		rest.WriteString(" " + strings.ToLower(name) + "=" + strings.Join(r.Headers[name], ","))
	}
	others := rest.String()
	if len(others) > maxOthers {
		sum := sha256.Sum256([]byte(others))
		others = " sha256:" + hex.EncodeToString(sum[:])
	}
	var out []string
	for _, host := range orAny(r.Hosts) {
		for _, path := range orAny(r.Paths) {
			out = append(out, string(gateway)+" "+host+" "+path+others)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// streamMatches are those of a route that takes connections. None can be taken
// for a host, which holds no colon.
func streamMatches(gateway v1.Gateway, r *v1.Route) []string {
	var out []string
	for _, port := range r.Listen {
		out = append(out, string(gateway)+" port:"+strconv.Itoa(port))
	}
	for _, name := range r.SNIs {
		out = append(out, sniMatch(gateway, name))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxOthers is how much of methods and headers a match spells out. Each pair of
// host and path repeats them, here and in the ledger, so what is longer stands
// there as a digest.
const maxOthers = 128

// orAny returns the list, or one empty value that stands for "any".
func orAny(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}
