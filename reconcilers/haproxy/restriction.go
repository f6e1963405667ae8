package haproxy

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// restriction is the part of a Listener that says which hosts are answered there, or
// there alone. It stands in routes.map, as a comment and the lines that follow from it,
// and changes at runtime. It is never changed once it is in a model.
type restriction struct {
	Name      string   `json:"name"`
	Hosts     []string `json:"hosts,omitempty"`
	Exclusive bool     `json:"exclusive,omitempty"`
	origin    v1.Origin
}

// The keys in routes.map.
const (
	tagHeld       = "|o" // HOST|o: which Listener has the host to itself
	tagHeldSuffix = "|O" // example.com|O for *.example.com
	tagAt         = "|i" // HOST|iLISTENER|: the Listener takes requests for the host
	tagAtSuffix   = "|I" // example.com|ILISTENER| for *.example.com
	flagLimited   = "|N" // |NLISTENER|: it takes requests for some hosts alone
)

// restrictionMark begins the comment that tells a restriction.
const restrictionMark = "# listener "

func (n *restriction) same(o *restriction) bool {
	return o != nil && n.Name == o.Name && n.Exclusive == o.Exclusive && slices.Equal(n.Hosts, o.Hosts)
}

// object is what a plan knows of it. It is there for as long as the Listener is.
func (n *restriction) object() *plan.Object {
	key := v1.Key{Kind: v1.KindListener, Name: n.Name}
	noun := "hosts of the Listener " + n.Name
	if len(n.Hosts) > 0 {
		noun += " (" + strings.Join(n.Hosts, " ") + ")"
	}
	return &plan.Object{
		Key: key, Service: key.String(), Owner: key, Level: levelProcess, Noun: noun,
		Fields: map[string]string{"hosts": strings.Join(n.Hosts, " "), "exclusive": strconv.FormatBool(n.Exclusive)},
		Native: n, Origin: n.origin,
	}
}

// limits returns the lines of all restrictions by their keys.
func limits(restrictions map[string]*restriction) map[string]string {
	out := map[string]string{}
	for _, name := range sortedKeys(restrictions) {
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

// restrainLine is the first of the rules that keep hosts to Listeners: which of them the
// request came to, if to any.
const restrainLine = "http-request set-var(txn.at) so_name,field(2,.)"

// renderRestraint writes the rules that keep hosts to Listeners. They look hosts up in lower
// case and without a final dot, for routes of other hosts must not answer there by another
// spelling. What a worker that was replaced gets is not its business any more.
func renderRestraint(line func(string, ...any), o Options, p page.Set) {
	file := filepath.Join(o.Dir, disk.Routes)
	const here = "!" + passes
	line(restrainLine)
	line("http-request set-var(txn.lh) var(txn.h),lower,regsub([.]+$,)")
	// Variables may be limited in the user's files. Without it every host would pass.
	line("http-request %s if { var(txn.h) -m found } !{ var(txn.lh) -m found }", p.Answer(500, "no room for variables"))
	line("http-request set-var(txn.lo) var(txn.lh),concat(%s),map_beg(%s)", tagHeld, file)
	for n := maxSuffixLabels; n > 0; n-- {
		line("http-request set-var(txn.lo) var(txn.lh),field(-1,.,%d),concat(%s),map_beg(%s) if !{ var(txn.lo) -m found } { var(txn.lh),field(%d,.) -m found }", n, tagHeldSuffix, file, n+1)
	}
	line("http-request %s if { var(txn.lo) -m found } !{ var(txn.lo),strcmp(txn.at) eq 0 } %s", p.Answer(404, "no route matched"), here)
	const limited = "{ var(txn.ll) -m found }"
	line("http-request set-var(txn.ll) str(%s),concat(,txn.at,|),map_beg(%s) if { var(txn.at) -m found }", flagLimited, file)
	line("http-request set-var(txn.la) var(txn.lh),concat(%s,txn.at,|),map_beg(%s) if %s", tagAt, file, limited)
	for n := maxSuffixLabels; n > 0; n-- {
		line("http-request set-var(txn.la) var(txn.lh),field(-1,.,%d),concat(%s,txn.at,|),map_beg(%s) if %s !{ var(txn.la) -m found } { var(txn.lh),field(%d,.) -m found }", n, tagAtSuffix, file, limited, n+1)
	}
	line("http-request %s if %s !{ var(txn.la) -m found } %s", p.Answer(404, "no route matched"), limited, here)
}

// renderHandover lets a worker that was replaced hand on what came to a Listener as
// what it is.
func renderHandover(line func(string, ...any), o Options) {
	line("http-request set-var(txn.m) str(%s.),concat(,txn.at,|0|0) if %s { var(txn.at) -m found }", gateName(o.Owner), passes)
}

// comment returns the restriction as one comment line.
func (n *restriction) comment() string {
	var b bytes.Buffer
	b.WriteString(restrictionMark)
	_ = json.NewEncoder(&b).Encode(n) // texts and a boolean can't fail to encode
	return b.String()
}

func parseRestriction(line string) (*restriction, bool) {
	text, ok := strings.CutPrefix(line, restrictionMark)
	n := &restriction{}
	if !ok || json.Unmarshal([]byte(text), n) != nil || charset.Listener.Check(n.Name) != nil {
		return nil, false
	}
	return n, true
}

// restrain makes the table say what restrictions do, and returns the keys that may now
// have another value.
func (t *table) restrain(restrictions map[string]*restriction) []string {
	keys := sortedKeys(t.limits)
	t.limits = limits(restrictions)
	keys = append(keys, sortedKeys(t.limits)...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// softenRestrictions brings the map up to the restrictions of the steps; false when that
// failed, and no route may come.
func (r *Reconciler) softenRestrictions(rt *runtime, steps []*step) bool {
	var mine []*step
	for _, s := range steps {
		if _, ok := s.change.Object().Native.(*restriction); ok {
			mine = append(mine, s)
		}
	}
	if len(mine) == 0 {
		return true
	}
	next := nextRestrictions(r.model.restrictions, steps)
	if err := rt.entries(r.table.restrain(next)); err != nil {
		failAll(mine, err)
		r.table = newTable(r.o.Owner, r.model) // it was ahead of what was done
		return false
	}
	r.model.restrictions = next
	return true
}

// nextRestrictions applies the steps that have not failed.
func nextRestrictions(have map[string]*restriction, steps []*step) map[string]*restriction {
	next := map[string]*restriction{}
	maps.Copy(next, have)
	for _, s := range steps {
		n, ok := s.change.Object().Native.(*restriction)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, n.Name)
		default:
			next[n.Name] = n
		}
	}
	return next
}
