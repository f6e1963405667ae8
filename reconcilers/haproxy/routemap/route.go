package routemap

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Route says which requests go to a backend.
type Route struct {
	Name     string
	Service  string
	Hosts    []string // sorted
	Paths    []string // plain prefixes, sorted
	Backend  string   // without the owner's prefix; "" answers 503
	Strip    bool
	Preserve bool
	Priority int
	Methods  []string            // sorted
	Headers  map[string][]string // by name in lower case
	Cookies  map[string][]string // by name; no values: any
	ID       string              // that Kong has for it: orders what is equal otherwise
	// Port, when not 0, is that of the service for what Kong sends on to it: then
	// the route takes this and nothing else.
	Port   int
	Listen []int    // ports whose connections it takes, sorted
	SNIs   []string // names that TLS clients ask for whose connections it takes, sorted
	// RegexPriority is Kong's; no field asks for it yet.
	RegexPriority int
	// HTTPS is the answer to requests without TLS; "" when they are taken.
	HTTPS string
	HSTS  int // seconds; 0 for none
	// Client says that clients must prove themselves with a certificate; HTTPS is set then.
	Client bool
}

// Tags stand between a host and a path in a map key and say at which level it
// competes. A host holds no "|", so that no key of one level is found by a
// question for another. The levels are Kong's (as its router really decides):
// routes whose hosts are all exact come first, then those that match by host
// and path, then those that match by one of them; of each, the longest path.
const (
	tagExactPath  = "|a" // HOST|a/path: every host of the route is exact
	tagMixedPath  = "|b" // HOST|b/path: some host of the route is a wildcard
	tagSuffixPath = "|s" // example.com|s/path for *.example.com
	tagPrefixPath = "|p" // example|p/path for example.*
	tagExact      = "|c" // HOST|c
	tagPath       = "|d" // |d/path
	tagMixed      = "|e"
	tagSuffix     = "|t"
	tagPrefix     = "|q"
	// These two tell the frontend whether it must look for wildcards at all.
	flagWildPath = "|B"
	flagWild     = "|E"
	// These lead to patterns.map; see patterns.go.
	gateHost = "|x" // HOST|x: some pattern is about this host
	gateAny  = "|X" // there are patterns: about hosts with a gate only, or about any
	gateLong = "|R" // some are regular expressions, which get no very long path
	// This one begins the keys of the ports at which Kong reaches services.
	flagVia = "|V"
)

// Keys that stand in running maps alone, never in a file.
const (
	// Handover is set in a worker that was replaced: its frontend passes what still comes
	// over old connections on to the new worker. Its value is the secret below, or any word.
	Handover = "|H"
	// Proof is the key of the secret by which such a worker vouches for clients; it stands in the map of
	// the worker that takes requests.
	Proof = "|K"
)

// Wildcards are looked up by the number of labels beside the star, so there
// must be a most.
const (
	MaxSuffixLabels = 6
	MaxPrefixLabels = 3
)

// MaxStrip is how long a prefix may be that is cut off a path, bit by bit of its length; see rules.go.
const MaxStrip = 255

// entry is one line of the map: a key, and what the route makes of it.
type entry struct {
	key, value string
	order      int64
}

// entries returns the route's lines in the map, in a fixed order: one for each
// host and path, as far as no pattern is needed. target is the backend's name in
// HAProxy.
func (r *Route) entries(target string) []entry {
	if r.Port != 0 {
		return []entry{{key: viaKey(r.Port), value: r.value(target, "", 0)}}
	}
	if r.Stream() {
		return r.streamEntries(target)
	}
	hosts := r.Hosts
	if len(hosts) == 0 {
		hosts = []string{""}
	}
	mixed := slices.ContainsFunc(hosts, wildcard)
	var out []entry
	for _, row := range r.rows() {
		if r.needsPattern(row) {
			continue
		}
		for _, host := range hosts {
			for _, path := range row.paths {
				out = append(out, entry{key: routeKey(host, path, mixed), value: r.value(target, path, row.order), order: row.order})
			}
		}
	}
	return out
}

// viaKey has five digits, so that no key begins another.
func viaKey(port int) string { return fmt.Sprintf("%s%05d", flagVia, port) }

func wildcard(host string) bool { return strings.Contains(host, "*") }

// routeKey returns the key of one host and path; either may be "".
func routeKey(host, path string, mixed bool) string {
	withPath := path != ""
	pick := func(with, without string) string {
		if withPath {
			return with + path
		}
		return without
	}
	switch {
	case host == "":
		return tagPath + path
	case strings.HasPrefix(host, "*."):
		return host[2:] + pick(tagSuffixPath, tagSuffix)
	case strings.HasSuffix(host, ".*"):
		return host[:len(host)-2] + pick(tagPrefixPath, tagPrefix)
	case mixed:
		return host + pick(tagMixedPath, tagMixed)
	}
	return host + pick(tagExactPath, tagExact)
}

// value is "backend|what TLS is asked for|how much of the path is cut off|order|route".
func (r *Route) value(target, path string, order int64) string {
	cut := 0
	if r.Strip {
		cut = len(path)
	}
	return target + "|" + r.Demands() + "|" + strconv.Itoa(cut) + "|" + strconv.FormatInt(order, 10) + "|" + r.Name
}

// Demands is "answer to requests without TLS.seconds of HSTS", with ".1" behind it where
// a client must have a certificate; "0" asks for nothing.
func (r *Route) Demands() string {
	if r.HTTPS == "" && r.HSTS == 0 {
		return "0"
	}
	demands := cmp.Or(r.HTTPS, "0") + "." + strconv.Itoa(r.HSTS)
	if r.Client {
		demands += ".1"
	}
	return demands
}

// ID is the id that Kong has for a route, in its default workspace.
func ID(owner, name string) string {
	return v1.Key{Kind: v1.KindRoute, Name: name}.UUID(owner, "")
}
