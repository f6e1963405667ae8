package routemap

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// Restriction is the part of a Listener that says which hosts are answered there, or
// there alone. It stands in routes.map, as a comment and the lines that follow from it,
// and changes at runtime. It is never changed once it is in a model.
type Restriction struct {
	Name      string    `json:"name"`
	Hosts     []string  `json:"hosts,omitempty"`
	Exclusive bool      `json:"exclusive,omitempty"`
	Origin    v1.Origin `json:"-"`
}

// Same reports whether two say the same of hosts.
func (n *Restriction) Same(o *Restriction) bool {
	return o != nil && n.Name == o.Name && n.Exclusive == o.Exclusive && slices.Equal(n.Hosts, o.Hosts)
}

// restrictionMark begins the comment that tells a restriction.
const restrictionMark = "# listener "

// comment returns the restriction as one comment line.
func (n *Restriction) comment() string {
	var b bytes.Buffer
	b.WriteString(restrictionMark)
	_ = json.NewEncoder(&b).Encode(n) // texts and a boolean can't fail to encode
	return b.String()
}

// ParseRestriction reads back a comment that tells a restriction.
func ParseRestriction(line string) (*Restriction, bool) {
	text, ok := strings.CutPrefix(line, restrictionMark)
	n := &Restriction{}
	if !ok || json.Unmarshal([]byte(text), n) != nil || charset.Listener.Check(n.Name) != nil {
		return nil, false
	}
	return n, true
}

// The keys in routes.map.
const (
	tagHeld       = "|o" // HOST|o: which Listener has the host to itself
	tagHeldSuffix = "|O" // example.com|O for *.example.com
	tagAt         = "|i" // HOST|iLISTENER|: the Listener takes requests for the host
	tagAtSuffix   = "|I" // example.com|ILISTENER| for *.example.com
	flagLimited   = "|N" // |NLISTENER|: it takes requests for some hosts alone
)

// limits returns the lines of all restrictions by their keys.
func limits(restrictions map[string]*Restriction) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(restrictions)) {
		n := restrictions[name]
		if len(n.Hosts) > 0 {
			out[flagLimited+name+"|"] = "1"
		}
		for _, host := range n.Hosts {
			held, at := tagHeld, tagAt
			if suffix, wild := strings.CutPrefix(host, "*."); wild {
				host, held, at = suffix, tagHeldSuffix, tagAtSuffix
			}
			out[host+at+name+"|"] = "1"
			if n.Exclusive {
				out[host+held] = name
			}
		}
	}
	return out
}

// Restrain makes the table say what restrictions do, and returns the keys that may now
// have another value.
func (t *Table) Restrain(restrictions map[string]*Restriction) []string {
	keys := slices.Collect(maps.Keys(t.limits))
	t.limits = limits(restrictions)
	keys = slices.AppendSeq(keys, maps.Keys(t.limits))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// restrainLine is the first of the rules that keep hosts to Listeners: which of them the
// request came to, if to any.
const restrainLine = "http-request set-var(txn.at) so_name,field(2,.)"

// Restrained reports whether sections keep hosts to Listeners.
func Restrained(sections string) bool { return strings.Contains(sections, restrainLine) }

// Restrain writes the rules that keep hosts to Listeners. They look hosts up in lower
// case and without a final dot, for routes of other hosts must not answer there by another
// spelling. What a worker that was replaced gets is not its business any more.
func (u Rules) Restrain() {
	line, p, file := u.Line, u.Pages, u.routes()
	const here = "!" + IfReplaced
	line(restrainLine)
	line("http-request set-var(txn.lh) var(txn.h),lower,regsub([.]+$,)")
	// Variables may be limited in the user's files. Without it every host would pass.
	line("http-request %s if { var(txn.h) -m found } !{ var(txn.lh) -m found }", p.Answer(500, "no room for variables"))
	line("http-request set-var(txn.lo) var(txn.lh),concat(%s),map_beg(%s)", tagHeld, file)
	for n := MaxSuffixLabels; n > 0; n-- {
		line("http-request set-var(txn.lo) var(txn.lh),field(-1,.,%d),concat(%s),map_beg(%s) if !{ var(txn.lo) -m found } { var(txn.lh),field(%d,.) -m found }", n, tagHeldSuffix, file, n+1)
	}
	line("http-request %s if { var(txn.lo) -m found } !{ var(txn.lo),strcmp(txn.at) eq 0 } %s", p.Answer(404, "no route matched"), here)
	const limited = "{ var(txn.ll) -m found }"
	line("http-request set-var(txn.ll) str(%s),concat(,txn.at,|),map_beg(%s) if { var(txn.at) -m found }", flagLimited, file)
	line("http-request set-var(txn.la) var(txn.lh),concat(%s,txn.at,|),map_beg(%s) if %s", tagAt, file, limited)
	for n := MaxSuffixLabels; n > 0; n-- {
		line("http-request set-var(txn.la) var(txn.lh),field(-1,.,%d),concat(%s,txn.at,|),map_beg(%s) if %s !{ var(txn.la) -m found } { var(txn.lh),field(%d,.) -m found }", n, tagAtSuffix, file, limited, n+1)
	}
	line("http-request %s if %s !{ var(txn.la) -m found } %s", p.Answer(404, "no route matched"), limited, here)
}

// HandOver lets a worker that was replaced hand on what came to a Listener as
// what it is.
func (u Rules) HandOver() {
	u.Line("http-request set-var(txn.m) str(%s.),concat(,txn.at,|0|0) if %s { var(txn.at) -m found }", Gate(u.Owner), IfReplaced)
}
