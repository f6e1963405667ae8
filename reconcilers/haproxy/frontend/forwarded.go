package frontend

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// What a request says of the way that it came is believed when a trusted proxy
// says it, and replaced otherwise. Kong does the same with its trusted_ips, except
// that it passes on what a stranger wrote into X-Forwarded-For.

// renderAccept expects connections from some sources to begin with a PROXY header,
// which then says who the client is: for all that looks at it, from routes to what
// containers are told. From everybody else such a header is no more than a bad
// request. but is a condition more: a Listener has sources of its own. Over our own
// sockets, which have no source, it is always there.
func renderAccept(line func(string, ...any), o Options, but string) {
	for _, from := range sources(o.AcceptProxy) {
		line("tcp-request connection expect-proxy layer4 if %s%s", from, but)
	}
}

// renderPeer finds out who sent the request. A trusted proxy names the client, as
// the last address of X-Forwarded-For. A worker that was replaced passes on what
// it got as it is.
func renderPeer(line func(string, ...any), o Options) {
	line("http-request set-var(txn.peer) src")
	if len(o.TrustedProxies) == 0 {
		return
	}
	renderKept(line, o)
	if o.ClientCA != "" {
		for _, from := range sources(o.TrustedProxies) {
			line("http-request set-var(%s) bool(true) if %s", keptProof, from)
		}
	}
	for _, from := range sources(o.TrustedProxies) {
		line("http-request set-var(txn.trust) bool(true) if %s !%s", from, routemap.IfReplaced)
	}
	line("http-request set-src req.hdr(x-forwarded-for,-1) if %s { req.hdr(x-forwarded-for) -m found }", trusted)
}

// trusted says that a trusted proxy sent the request.
const trusted = "{ var(txn.trust) -m bool }"

// renderForwarded tells the container how the request came. It stands after the
// matching: routes match what the client sent.
func renderForwarded(line func(string, ...any), o Options) {
	stranger := ""
	if len(o.TrustedProxies) > 0 {
		stranger = " !" + trusted
	}
	line("http-request del-header X-Forwarded-For if !%s%s", routemap.IfReplaced, stranger)
	line("http-request add-header X-Forwarded-For %%[var(txn.peer)] if !%s", routemap.IfReplaced)
	line("http-request set-header X-Real-IP %%[src] if !%s", routemap.IfReplaced)
	// What comes through the gate has these already.
	line("http-request set-header X-Forwarded-Proto https if { ssl_fc }%s", o.unlessKept("X-Forwarded-Proto"))
	line("http-request set-header X-Forwarded-Proto http if !{ ssl_fc } !%s%s", byGate, o.unlessKept("X-Forwarded-Proto"))
	line("http-request set-header X-Forwarded-Port %%[dst_port] if !%s%s", byGate, o.unlessKept("X-Forwarded-Port"))
	line("http-request set-header X-Forwarded-Host %%[req.hdr(host)]%s", ifSo(o.unlessKept("X-Forwarded-Host")))
	renderClientHeaders(line, o)
}

// keptHeaders are those of a trusted proxy that stay as they are, and the
// variables that say so.
var keptHeaders = map[string]string{"X-Forwarded-Proto": "txn.kproto", "X-Forwarded-Port": "txn.kport", "X-Forwarded-Host": "txn.khost"}

// keptProof says that what the request tells of a client's certificate is a trusted
// proxy's word, in a worker that was replaced as well: that passes it on.
const keptProof = "txn.kcert"

// renderKept finds out which headers a trusted proxy has sent.
func renderKept(line func(string, ...any), o Options) {
	for _, header := range slices.Sorted(maps.Keys(keptHeaders)) {
		for _, from := range sources(o.TrustedProxies) {
			line("http-request set-var(%s) bool(true) if %s { req.hdr(%s) -m found }", keptHeaders[header], from, header)
		}
	}
}

// unlessKept is a condition, to be joined to others: that no trusted proxy sent
// the header.
func (o Options) unlessKept(header string) string {
	if len(o.TrustedProxies) == 0 {
		return ""
	}
	return fmt.Sprintf(" !{ var(%s) -m found }", keptHeaders[header])
}

func ifSo(condition string) string {
	if condition == "" {
		return ""
	}
	return " if" + condition
}

// maxSources is how many ranges one line names: HAProxy takes 64 words.
const maxSources = 32

// sources returns conditions of which one holds for a connection from one of the ranges.
// What they guard must do no harm when two hold.
func sources(list []netip.Prefix) []string {
	var conditions []string
	for some := range slices.Chunk(list, maxSources) {
		words := make([]string, len(some))
		for i, prefix := range some {
			words[i] = prefix.Masked().String()
		}
		conditions = append(conditions, "{ src "+strings.Join(words, " ")+" }")
	}
	return conditions
}
