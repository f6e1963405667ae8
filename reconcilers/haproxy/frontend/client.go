package frontend

import (
	"strings"

	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// A route may demand that clients prove themselves with a certificate. Listeners for
// TLS ask every client for one, and let those in that have none; one that is not of
// the authority's, or was revoked, ends the handshake. What then counts is the
// connection's own certificate alone: nothing that a header says, and nothing that
// came by another way.

// asking is what a listener for TLS bears besides, with a space before each word.
func (o *Options) asking() string {
	if o.ClientCA == "" {
		return ""
	}
	words := " ca-file " + o.ClientCA + " verify optional"
	if o.ClientCRL != "" {
		words += " crl-file " + o.ClientCRL
	}
	return words
}

const (
	// wantsClient says that the route demands a certificate; it is asked while txn.f
	// holds all that the route demands.
	wantsClient = "{ var(txn.f),field(3,.) -m str 1 }"
	// proved says that the client has shown one, in this connection or in that whose
	// session of TLS it took up. Listeners let no other in than those of the authority.
	proved     = "{ ssl_c_used } { ssl_c_verify 0 }"
	lacksProof = `http-request return status 403 content-type text/plain string "client certificate required\n" if %s`
	provedLine = "http-request set-var(txn.proved) bool(true) if " + proved
)

// renderProof answers requests that lack the certificate that their route demands.
// A connection for another name may be that of somebody else, whose requests the
// client has put together with these: it is told to use one of its own. So are those
// that came through the gate, where nobody can know what was shown, but for a worker
// that was replaced.
func renderProof(line func(string, ...any), o Options) {
	if o.ClientCA == "" { // such a route is about to go, or could not be taken out yet
		line(lacksProof, wantsClient)
		return
	}
	line(provedLine)
	renderVouching(line, o)
	if o.AccessLog != "" {
		line("http-request set-var(txn.cn) ssl_c_s_dn,bytes(0,512) if { var(txn.proved) -m bool }")
	}
	line("http-request set-var(txn.named) ssl_fc_sni,lower if !%s", vouched)
	line(`http-request return status 421 content-type text/plain string "use a connection of your own\n" if %s %s !%s`, wantsClient, byGate, vouched)
	line(lacksProof+" !{ var(txn.proved) -m bool } !%s", wantsClient, vouched)
	line("http-request set-var(txn.hl) var(txn.h),lower if %s", wantsClient)
	line(`http-request return status 421 content-type text/plain string "use a connection of your own\n" if %s !{ var(txn.named),strcmp(txn.hl) eq 0 }`, wantsClient)
}

// clientHeaders matches the headers by which proxies tell of a client's certificate.
const clientHeaders = `^(client[-_]cert.*|ssl[-_]client.*|x[-_]ssl[-_]client.*|x[-_]client[-_](cert|verify).*|x[-_]forwarded[-_](tls[-_])?client[-_]cert.*|x[-_]arr[-_]clientcert)$`

// renderClientHeaders tells the container of the certificate (RFC 9440), and of none
// that a client only claims to have. A trusted proxy that asked for it may say so.
func renderClientHeaders(line func(string, ...any), o Options) {
	if o.ClientCA == "" {
		return
	}
	unless := " if !" + vouched
	if len(o.TrustedProxies) > 0 {
		unless += " !{ var(" + keptProof + ") -m found }"
	}
	line("http-request del-header %s -m reg%s", clientHeaders, unless)
	line("http-request set-header Client-Cert :%%[ssl_c_der,base64]: if { var(txn.proved) -m bool }")
}

// A worker that was replaced passes on what still comes over kept connections. That
// their clients have proved themselves it alone knows, and it must not be believed by
// whoever else reaches the gate. So it shows a secret: one that is in the memory of
// both workers and nowhere else, put there through their sockets.

// proofHeader bears "SECRET|what clients were verified by|name of the connection" between
// two workers. A word counts only from one that verified by the same authority and the
// same list of revoked certificates.
const proofHeader = "X-Lockstep-Proof"

// vouched says that a worker that was replaced vouches for the client's certificate.
const vouched = "{ var(txn.vouched) -m bool }"

// renderVouching takes a worker's word, and that of nobody else.
func renderVouching(line func(string, ...any), o Options) {
	routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}.Secret(byGate)
	line("http-request set-var(txn.shown) req.hdr(%s),field(1,|) if %s", proofHeader, byGate)
	line("http-request set-var(txn.named) req.hdr(%s),field(3,|) if %s", proofHeader, byGate)
	line("http-request set-var(txn.vouched) bool(true) if %s { var(txn.secret) -m len ge 32 } { var(txn.shown),strcmp(txn.secret) eq 0 } { req.hdr(%s),field(2,|) -m str %s }",
		byGate, proofHeader, digest.Of(o.asking()))
	line("http-request del-header %s", proofHeader)
	// A name that is none would carry a header of its own along.
	line("http-request set-header %s %%[var(txn.old)]|%s|%%[ssl_fc_sni,lower] if %s %s { ssl_fc_sni -m reg ^[A-Za-z0-9._-]+$ }", proofHeader, digest.Of(o.asking()), routemap.IfReplaced, proved)
}

// Verifies reports whether sections can tell who has proved himself.
func Verifies(sections string) bool { return strings.Contains(sections, provedLine) }
