package frontend

import (
	"fmt"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// TLS is passed on by the name that the client asks for (SNI): a frontend of mode
// tcp has the TLS addresses, reads the ClientHello, looks the name up in routes.map,
// and hands what nobody takes to the listener that ends TLS, over a socket of our own
// and with the client's address. The most specific name decides, whichever of the
// two it belongs to. So hosts of HTTP have a line there as well: shop.example.com
// is answered here though all of *.example.com is passed on.

// helloWithin is how long a client may take to say which name it wants.
const helloWithin = "5s"

func passName(owner string) string { return owner + "::tls" }

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

// renderPassthrough writes the frontend that reads names, and the way from there to
// the listener that ends TLS, which knows by itself how long a client may take.
func renderPassthrough(b *strings.Builder, o Options) {
	if !o.TLSPassthrough {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	routes := routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}
	fmt.Fprintf(b, "frontend %s from %s\n", passName(o.Owner), Streams(o.Owner))
	for _, bind := range o.TLSBinds {
		line("bind %s", bind)
	}
	line("timeout client-fin 30s")
	renderAccept(line, o, "")
	line("tcp-request inspect-delay %s", helloWithin)
	line("tcp-request content set-var(txn.n) req.ssl_sni,lower if { req.ssl_hello_type 1 }")
	line("tcp-request content unset-var(txn.n) if !{ var(txn.n) -m reg ^[a-z0-9._-]+$ }") // else it could name any key
	routes.MatchName()
	// What TLS ends here is logged request by request.
	renderStreamLog(line, o, `"name":"%[var(txn.n),json(utf8s)]"`, "var(txn.m)", " if { var(txn.m),field(5,|) -m found }")
	routes.RejectClosed()
	line("use_backend %%[var(txn.m),field(1,|)] if { var(txn.m) -m found }")
	line("default_backend %s", routemap.TLSGate(o.Owner))
	fmt.Fprintf(b, "backend %s from %s\n", routemap.TLSGate(o.Owner), Streams(o.Owner))
	line("timeout tunnel 24d")
	line("server gate %s send-proxy-v2", tlsGateAddress(o))
}

// PassesTLS reports whether sections pass TLS on.
func PassesTLS(sections, owner string) bool {
	return strings.Contains(sections, "\nfrontend "+passName(owner)+" ")
}
