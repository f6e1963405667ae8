package routemap

import (
	"fmt"
	"path/filepath"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
)

// Rules writes rules of frontends that look into the maps. Each leaves in txn.m, or sess.m, the value of the
// line that it found: "backend|demands|cut|order|route".
type Rules struct {
	// Line writes one line.
	Line func(format string, args ...any)
	// Owner begins the names of our backends.
	Owner string
	// Dir is our directory, where the maps are.
	Dir string
	// Pages are what the operator would have requests answered with that no route takes.
	Pages page.Set
}

// routes is the file in which they look.
func (u Rules) routes() string { return filepath.Join(u.Dir, disk.Routes) }

// IfReplaced holds in a worker that was replaced: it passes everything on to the new one.
const IfReplaced = "{ var(txn.old) -m found }"

// missing says that no route was found so far.
const missing = "!{ var(txn.m) -m found }"

// gated says that there are patterns for the request's host.
const gated = "{ var(txn.y) -m found }"

// Replaced finds out whether this is a worker that was replaced, which passes everything on.
func (u Rules) Replaced() {
	u.Line("http-request set-var(txn.old) str(%s),map_beg(%s)", Handover, u.routes())
}

// Match finds the route of a request, whose host is in txn.h.
func (u Rules) Match() {
	u.gates("")
	u.prefixes()
	u.gates(" !{ var(txn.y) -m found } " + missing)
	u.patterns()
	u.Line("http-request set-var(txn.m) str(%s|0|0) if %s", Gate(u.Owner), IfReplaced)
}

// prefixes finds the map's line for a request. See route.go for the keys.
func (u Rules) prefixes() {
	line, file := u.Line, u.routes()
	line("http-request set-var(txn.p) path")
	line("http-request set-var(txn.m) var(txn.h),concat(%s,txn.p),map_beg(%s)", tagExactPath, file)
	line("http-request set-var(txn.m) var(txn.h),concat(%s),map_beg(%s) if %s", tagExact, file, missing)
	// A wildcard with a path, then one without: the greatest order wins.
	line("http-request set-var(txn.w) str(%s),map_beg(%s) if %s", flagWildPath, file, missing)
	line("http-request set-var(txn.l) int(0)")
	best := func(flag, path string) func(host, tag, condition string) {
		wanted := fmt.Sprintf("{ var(txn.%s) -m found }", flag)
		return func(host, tag, condition string) {
			line("http-request set-var(txn.c) %s,concat(%s%s),map_beg(%s) if %s%s", host, tag, path, file, wanted, condition)
			line("http-request set-var(txn.m) var(txn.c) if %s { var(txn.c),field(4,|),sub(txn.l) gt 0 }", wanted)
			line("http-request set-var(txn.l) var(txn.m),field(4,|),add(0) if %s { var(txn.m) -m found }", wanted)
		}
	}
	best("w", ",txn.p")("var(txn.h)", tagMixedPath, "")
	wildcards(best("w", ",txn.p"), tagSuffixPath, tagPrefixPath)
	line("http-request set-var(txn.m) str(%s),concat(,txn.p),map_beg(%s) if %s", tagPath, file, missing)
	line("http-request set-var(txn.e) str(%s),map_beg(%s) if %s", flagWild, file, missing)
	best("e", "")("var(txn.h)", tagMixed, "")
	wildcards(best("e", ""), tagSuffix, tagPrefix)
}

// gates finds out whether there are patterns for the request's host. It
// stands before and after the look into the map of prefixes, so that a route
// that moves from there to the patterns just now, or back, is found in one.
func (u Rules) gates(condition string) {
	line, file := u.Line, u.routes()
	always := ""
	if condition != "" {
		always = " if" + condition
	}
	line("http-request set-var(txn.x) str(%s),map_beg(%s)%s", gateAny, file, always)
	line("http-request set-var(txn.y) str(1) if { var(txn.x) -m str any }%s", condition)
	line("http-request set-var(txn.y) var(txn.h),concat(%s),map_beg(%s) if { var(txn.x) -m str some }%s", gateHost, file, condition)
}

// patterns compares the request with the patterns where the map
// says that there are any for its host, and takes the first that matches if
// its order is above that of what was found so far. See patterns.go.
func (u Rules) patterns() {
	line, p, file, patterns := u.Line, u.Pages, u.routes(), filepath.Join(u.Dir, disk.Patterns)
	// All must fit into the buffer once more, and a path that matching could take long over gets no answer.
	line("http-request %s if %s { var(txn.h) -m len gt 255 }", p.Answer(400, "bad host"), gated)
	line("http-request %s if %s { var(txn.p) -m len gt %d } { str(%s),map_beg(%s) -m found }", p.Answer(414, "path too long"), gated, maxMatched, gateLong, file)
	line("http-request set-var(txn.k) method if %s", gated)
	line("http-request set-var(txn.d) req.hdrs if %s", gated)
	line("http-request set-var(txn.s) str(=),concat(,txn.h,:),concat(,txn.k,:),concat(,txn.d),concat(,txn.p) if %s", gated)
	// Variables may be limited in the user's files. Without them a stricter route could be passed by.
	line("http-request %s if %s !{ var(txn.d) -m found } or %s !{ var(txn.s) -m found }", p.Answer(500, "no room for variables"), gated, gated)
	line("http-request set-var(txn.z) var(txn.s),map_regm(%s) if %s", patterns, gated)
	line("http-request set-var(txn.l) int(0) if %s", gated)
	line("http-request set-var(txn.l) var(txn.m),field(4,|),add(0) if %s { var(txn.m) -m found }", gated)
	line("http-request set-var(txn.m) var(txn.z) if %s { var(txn.z),field(4,|),sub(txn.l) gt 0 }", gated)
	// The last chance for a route that has just left the patterns.
	line("http-request set-var(txn.m) var(txn.h),concat(%s,txn.p),map_beg(%s) if %s %s", tagExactPath, file, gated, missing)
	line("http-request set-var(txn.m) var(txn.h),concat(%s),map_beg(%s) if %s %s", tagExact, file, gated, missing)
	line("http-request set-var(txn.m) str(%s),concat(,txn.p),map_beg(%s) if %s %s", tagPath, file, gated, missing)
}

// wildcards calls rule for each number of labels that may stand beside a star,
// the most specific first. The host must have one label more for the star.
func wildcards(rule func(host, tag, condition string), suffixTag, prefixTag string) {
	for n := MaxSuffixLabels; n > 0; n-- {
		rule(fmt.Sprintf("var(txn.h),field(-1,.,%d)", n), suffixTag, fmt.Sprintf(" { var(txn.h),field(%d,.) -m found }", n+1))
	}
	for n := MaxPrefixLabels; n > 0; n-- {
		rule(fmt.Sprintf("var(txn.h),field(1,.,%d)", n), prefixTag, fmt.Sprintf(" { var(txn.h),field(%d,.) -m found }", n+1))
	}
}

// Strip cuts the matched prefix off the path. HAProxy 2.6 cuts by
// constant lengths only, so the length is taken apart into powers of two.
func (u Rules) Strip() {
	line := u.Line
	const strips = "{ var(txn.n) -m int gt 0 }"
	const matched = "{ var(txn.y) -m found } { var(txn.m),field(3,|) -m str " + cutMatched + " }"
	line("http-request set-var(txn.n) var(txn.m),field(3,|),add(0)")
	line("http-request set-var(txn.n) var(txn.m),field(6,|,0),length if %s", matched)
	line("http-request set-var(txn.q) path if %s", strips)
	for bit := maxMatched; bit > MaxStrip; bit /= 2 {
		line("http-request set-var(txn.q) var(txn.q),bytes(%d) if %s { var(txn.n),and(%d) gt 0 }", bit, matched, bit)
	}
	for bit := (MaxStrip + 1) / 2; bit > 0; bit /= 2 {
		line("http-request set-var(txn.q) var(txn.q),bytes(%d) if { var(txn.n),and(%d) gt 0 }", bit, bit)
	}
	line("http-request set-var(txn.q) str(/) if %s { path,length,sub(txn.n) eq 0 }", strips)
	line("http-request set-path %%[var(txn.q)] if %s { var(txn.q) -m beg / }", strips)
	line("http-request set-path /%%[var(txn.q)] if %s !{ var(txn.q) -m beg / }", strips)
}

// MatchVia finds the service of a request that Kong has sent, by the port in txn.n.
func (u Rules) MatchVia() {
	u.Line("http-request set-var(txn.m) str(%s),concat(,txn.n),map_beg(%s)", flagVia, u.routes())
	u.Line("http-request set-var(txn.m) str(%s) if %s", ViaGate(u.Owner), IfReplaced)
}

// Secret puts into txn.secret by what a worker that was replaced vouches for clients, if condition holds.
func (u Rules) Secret(condition string) {
	u.Line("http-request set-var(txn.secret) str(%s),map_beg(%s) if %s", Proof, u.routes(), condition)
}
