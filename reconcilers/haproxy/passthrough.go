package haproxy

import (
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// TLS is passed on by the name that the client asks for (SNI): a frontend of mode
// tcp has the TLS addresses, reads the ClientHello, looks the name up in routes.map,
// and hands what nobody takes to the listener that ends TLS, over a socket of our own
// and with the client's address. The most specific name decides, whichever of the
// two it belongs to. So hosts of HTTP have a line there as well: shop.example.com
// is answered here though all of *.example.com is passed on.

// The keys of names in routes.map.
const (
	tagName       = "|n" // NAME|n
	tagNameSuffix = "|m" // example.com|m for *.example.com
)

// closedTarget stands in the map in place of a backend where nobody serves a name. The
// listener that ends TLS must not answer then: its certificate is not the one that
// the client is meant to see.
const closedTarget = "closed"

// helloWithin is how long a client may take to say which name it wants.
const helloWithin = "5s"

func passName(owner string) string    { return owner + "::tls" }
func tlsGateName(owner string) string { return owner + "::tlsgate" }

// tlsGateAddress is where the listener that ends TLS stands behind the one that
// reads names.
func tlsGateAddress(o Options) string { return gateAddress(o) + "-tls" }

// tlsBinds are what the listener that ends TLS is bound to.
func (o *Options) tlsBinds() []string {
	if o.TLSPassthrough {
		return []string{tlsGateAddress(*o) + " accept-proxy"}
	}
	return o.TLSBinds
}

// passesTLS reports whether what the model holds passes TLS on.
func (m *model) passesTLS(owner string) bool {
	return strings.Contains(m.base, "\nfrontend "+passName(owner)+" ")
}

// nameKey returns the key of a name.
func nameKey(name string) string {
	if suffix, wild := strings.CutPrefix(name, "*."); wild {
		return suffix + tagNameSuffix
	}
	return name + tagName
}

// passedOn are the lines of the names that the route takes.
func (r *route) passedOn(target string) []entry {
	if target == "" {
		target = closedTarget
	}
	var out []entry
	for _, name := range r.snis {
		out = append(out, entry{key: nameKey(name), value: r.value(target, "", 0)})
	}
	return out
}

// ended are the names of hosts of HTTP, by their keys, with how many routes have them:
// the listener that ends TLS answers to these. Hosts that end with a star are no
// names that can be passed on.
type ended struct {
	passes bool // else there is nothing to tell them from
	names  map[string]int
	order  []string // sorted; nil when it must be made anew
}

func newEnded(passes bool) ended { return ended{passes: passes, names: map[string]int{}} }

// endedValue is the map's value for them.
func endedValue(owner string) string { return tlsGateName(owner) + "|0|0|0" }

// count notes that a route comes or goes, and returns the keys that are there now and
// were not before, or the other way round.
func (e *ended) count(r *route, by int) (keys []string) {
	if !e.passes || r.stream() || r.port != 0 {
		return nil
	}
	for _, host := range r.hosts {
		if strings.HasSuffix(host, "*") {
			continue
		}
		key := nameKey(host)
		was := e.names[key]
		if e.names[key] = was + by; was+by <= 0 {
			delete(e.names, key)
		}
		if (was > 0) != (was+by > 0) {
			keys = append(keys, key)
			if e.order != nil {
				e.order = toggle(e.order, key)
			}
		}
	}
	return keys
}

// sorted returns the keys in order.
func (e *ended) sorted() []string {
	if e.order == nil {
		e.order = sortedKeys(e.names)
	}
	return e.order
}

// nameTrouble says why names can't be passed on; its reason is "" when they can.
func (o *Options) nameTrouble(names []string) (reason v1.Reason, why, fix string) {
	if len(names) > 0 && !o.TLSPassthrough {
		return v1.PolicyDenied, "the operator has not allowed TLS to be passed on by name",
			"start Lockstep with --haproxy-tls-passthrough and --haproxy-bind-tls"
	}
	for _, name := range names {
		if err := charset.SNI.Check(name); err != nil {
			return v1.NotExpressible, err.Error(), "change the name"
		}
		suffix, wild := strings.CutPrefix(name, "*.")
		switch {
		case suffix == "" || strings.Contains(suffix, "*"):
			return v1.NotExpressible, fmt.Sprintf("name %q has a star where HAProxy knows none", name), "let one * stand for the leftmost part: *.example.com"
		case wild && strings.Count(suffix, ".") >= maxSuffixLabels:
			return v1.NotExpressible, fmt.Sprintf("%q has more than %d parts after the star", name, maxSuffixLabels), "name the hosts one by one"
		}
	}
	return "", "", ""
}

// renderPassthrough writes the frontend that reads names, and the way from there to
// the listener that ends TLS, which knows by itself how long a client may take.
func renderPassthrough(b *strings.Builder, o Options) {
	if !o.TLSPassthrough {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	file := filepath.Join(o.Dir, disk.Routes)
	fmt.Fprintf(b, "frontend %s from %s\n", passName(o.Owner), streamsName(o.Owner))
	for _, bind := range o.TLSBinds {
		line("bind %s", bind)
	}
	line("timeout client-fin 30s")
	renderAccept(line, o, "")
	line("tcp-request inspect-delay %s", helloWithin)
	line("tcp-request content set-var(txn.n) req.ssl_sni,lower if { req.ssl_hello_type 1 }")
	line("tcp-request content unset-var(txn.n) if !{ var(txn.n) -m reg ^[a-z0-9._-]+$ }") // else it could name any key
	line("tcp-request content set-var(txn.m) var(txn.n),concat(%s),map_beg(%s)", tagName, file)
	for n := maxSuffixLabels; n > 0; n-- {
		line("tcp-request content set-var(txn.m) var(txn.n),field(-1,.,%d),concat(%s),map_beg(%s) if %s { var(txn.n),field(%d,.) -m found }", n, tagNameSuffix, file, missing, n+1)
	}
	// What TLS ends here is logged request by request.
	renderStreamLog(line, o, `"name":"%[var(txn.n),json(utf8s)]"`, "var(txn.m)", " if { var(txn.m),field(5,|) -m found }")
	line("tcp-request content reject if { var(txn.m) -m beg %s| }", closedTarget)
	line("use_backend %%[var(txn.m),field(1,|)] if { var(txn.m) -m found }")
	line("default_backend %s", tlsGateName(o.Owner))
	fmt.Fprintf(b, "backend %s from %s\n", tlsGateName(o.Owner), streamsName(o.Owner))
	line("timeout tunnel 24d")
	line("server gate %s send-proxy-v2", tlsGateAddress(o))
}
