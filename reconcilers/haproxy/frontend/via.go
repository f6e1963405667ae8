package frontend

import (
	"fmt"
	"net"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

func viaFrontend(owner string) string { return owner + "::via" }

// bindHost is what stands before the ports in the line that binds them.
func bindHost(host string) string { return net.JoinHostPort(host, "") }

// renderVia writes the frontend for Kong, and the backend over which a worker
// that was replaced hands on what still comes over kept connections. The headers
// that say who asked are Kong's business and stay as Kong set them.
func renderVia(b *strings.Builder, o Options) {
	if o.Via.First == 0 {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	routes, gate := routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}, gateAddress(o)+"-via"
	fmt.Fprintf(b, "frontend %s from %s\n", viaFrontend(o.Owner), Defaults(o.Owner))
	line("bind %s%d-%d%s", bindHost(o.Via.Host), o.Via.First, o.Via.Last, o.Via.Keys.bindWords())
	line("bind %s accept-proxy%s", gate, o.Via.Keys.gateWords())
	if len(o.Via.Allow) > 0 {
		var networks []string
		for _, prefix := range o.Via.Allow {
			networks = append(networks, prefix.Masked().String())
		}
		line("tcp-request session reject if !{ src %s }", strings.Join(networks, " "))
	}
	o.Via.Keys.renderProved(line)
	routes.Replaced()
	line(noReplay)
	line("http-request set-var(txn.n) dst_port")
	routes.MatchVia()
	line(`http-request return status 503 content-type text/plain string "service unavailable\n" if !{ var(txn.m) -m found }`)
	line("use_backend %%[var(txn.m),field(1,|)]")
	fmt.Fprintf(b, "backend %s from %s\n", routemap.ViaGate(o.Owner), Defaults(o.Owner))
	line("timeout server 24d")
	line(noReplay)
	line("server gate %s send-proxy-v2%s", gate, o.Via.Keys.serverWords())
}

// ListensForKong reports whether sections listen for what Kong sends to a port of a host; "" is every
// address.
func ListensForKong(sections, owner, host string, port int) bool {
	_, rest, _ := strings.Cut(sections, "frontend "+viaFrontend(owner)+" from ")
	_, binds, _ := strings.Cut(rest, "\n") // the first line is the bind for Kong
	ports, there := strings.CutPrefix(binds, "  bind "+bindHost(host))
	var first, last int
	if _, err := fmt.Sscanf(ports, "%d-%d", &first, &last); !there || err != nil {
		return false
	}
	return first <= port && port <= last
}

// Where Kong and HAProxy know each other by keys (Via.Keys), the ports for Kong speak TLS
// alone. Kong asks for the Host that it sends on, whatever that is, and HAProxy makes a
// certificate for it, by an authority that issues for this hop alone (generate-certificates).
//
// With such a certificate HAProxy forgets by whom clients must be vouched for. So it knows
// Kong's certificate itself, by its digest: one is demanded in the handshake (verify required),
// whatever it says (ca-ignore-err, crt-ignore-err), and whoever shows another one than Kong's
// is turned away before the first byte of a request is read. For the same reason no session of TLS can be
// taken up again there: OpenSSL breaks off the handshake (no-tls-tickets).

// both is what a TLS bind for Kong and one for a worker that was replaced have in common.
func (k *Keys) both() string {
	return fmt.Sprintf(" ssl crt %s verify required ca-file %s ssl-min-ver TLSv1.2", k.Shown, k.Authority)
}

// bindWords is what the bind for Kong bears besides its addresses.
func (k *Keys) bindWords() string {
	if k == nil {
		return ""
	}
	return k.both() + " ca-ignore-err all crt-ignore-err all no-tls-tickets generate-certificates ca-sign-file " + k.Signs
}

// gateWords is the same of the bind for a worker that was replaced.
func (k *Keys) gateWords() string {
	if k == nil {
		return ""
	}
	return k.both()
}

// serverWords is what that worker's way there bears. It asks for no name (the variable is never
// set): from 3.3 on HAProxy would ask for the request's Host otherwise, which the certificate
// does not bear.
func (k *Keys) serverWords() string {
	if k == nil {
		return ""
	}
	return fmt.Sprintf(" ssl verify required ca-file %s crt %s sni var(txn.none)", k.Authority, k.Kong)
}

// renderProved turns away whoever is not Kong.
func (k *Keys) renderProved(line func(string, ...any)) {
	if k != nil {
		line("tcp-request session reject if !{ ssl_c_der,sha2(256),hex -m str %s }", k.Print)
	}
}
