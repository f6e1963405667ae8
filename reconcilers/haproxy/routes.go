package haproxy

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// route says which requests go to a backend.
type route struct {
	name     string
	service  string
	hosts    []string // sorted
	paths    []string // plain prefixes, sorted
	backend  string   // without the owner's prefix; "" answers 503
	strip    bool
	preserve bool
	priority int
	methods  []string            // sorted
	headers  map[string][]string // by name in lower case
	cookies  map[string][]string // by name; no values: any
	id       string              // that Kong has for it: orders what is equal otherwise
	// port, when not 0, is that of the service for what Kong sends on to it: then
	// the route takes this and nothing else. See via.go.
	port   int
	listen []int    // ports whose connections it takes, sorted; see stream.go
	snis   []string // names that TLS clients ask for whose connections it takes, sorted; see passthrough.go
	// regexPriority is Kong's; no field asks for it yet.
	regexPriority int
	// https is the answer to requests without TLS; "" when they are taken.
	https string
	hsts  int // seconds; 0 for none
	// client says that clients must prove themselves with a certificate; https is set then.
	client bool
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
	// This one is set in a worker that was replaced, never in a file: its frontend
	// passes what still comes over old connections on to the new worker.
	flagHandover = "|H"
	// These lead to patterns.map; see patterns.go.
	gateHost = "|x" // HOST|x: some pattern is about this host
	gateAny  = "|X" // there are patterns: about hosts with a gate only, or about any
	gateLong = "|R" // some are regular expressions, which get no very long path
)

// Wildcards are looked up by the number of labels beside the star, so there
// must be a most.
const (
	maxSuffixLabels = 6
	maxPrefixLabels = 3
	// A prefix is cut off bit by bit of its length; see render.go.
	maxStrip = 255
)

// entry is one line of the map: a key, and what the route makes of it.
type entry struct {
	key, value string
	order      int64
}

// entries returns the route's lines in the map, in a fixed order: one for each
// host and path, as far as no pattern is needed. target is the backend's name in
// HAProxy.
func (r *route) entries(target string) []entry {
	if r.port != 0 {
		return []entry{{key: viaKey(r.port), value: r.value(target, "", 0)}}
	}
	if r.stream() {
		return r.streamEntries(target)
	}
	hosts := r.hosts
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
func (r *route) value(target, path string, order int64) string {
	cut := 0
	if r.strip {
		cut = len(path)
	}
	return target + "|" + r.demands() + "|" + strconv.Itoa(cut) + "|" + strconv.FormatInt(order, 10) + "|" + r.name
}

// demands is "answer to requests without TLS.seconds of HSTS", with ".1" behind it where
// a client must have a certificate; "0" asks for nothing.
func (r *route) demands() string {
	if r.https == "" && r.hsts == 0 {
		return "0"
	}
	demands := cmp.Or(r.https, "0") + "." + strconv.Itoa(r.hsts)
	if r.client {
		demands += ".1"
	}
	return demands
}
