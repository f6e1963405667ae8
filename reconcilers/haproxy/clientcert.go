package haproxy

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
)

// A route may demand that clients prove themselves with a certificate. Listeners for
// TLS ask every client for one, and let those in that have none; one that is not of
// the authority's, or was revoked, ends the handshake. What then counts is the
// connection's own certificate alone: nothing that a header says, and nothing that
// came by another way.

// clientPaths makes the paths absolute of what clients' certificates are verified by.
func (o *Options) clientPaths() error {
	switch {
	case o.ClientCA == "" && o.ClientCRL == "":
		return nil
	case o.ClientCA == "":
		return errors.New("a list of revoked certificates of clients is named and no authority is; name that with --haproxy-client-ca")
	case len(o.TLSBinds) == 0:
		return errors.New("an authority for clients is named and no listener for TLS is; open one with --haproxy-bind-tls")
	}
	for _, path := range []*string{&o.ClientCA, &o.ClientCRL} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return fmt.Errorf("authority for clients %s: %w", *path, err)
		}
		*path = absolute
	}
	return nil
}

// clientFiles are the files that clients' certificates are verified by, and what
// kind of PEM they hold.
func (o *Options) clientFiles() map[string]string {
	files := map[string]string{}
	if o.ClientCA != "" {
		files[o.ClientCA] = pemfile.Certificate
	}
	if o.ClientCRL != "" {
		files[o.ClientCRL] = pemfile.Revoked
	}
	return files
}

// asking is what a listener for TLS bears besides, with a space before each word.
func (o *Options) asking() string {
	if o.ClientCA == "" {
		return ""
	}
	words := " ca-file " + o.copies[o.ClientCA] + " verify optional"
	if o.ClientCRL != "" {
		words += " crl-file " + o.copies[o.ClientCRL]
	}
	return words
}

// verifies reports whether the sections that a model holds can tell who has proved
// himself.
func (m *model) verifies() bool { return strings.Contains(m.base, provedLine) }

// undemandable says why clients can't be asked for a certificate, and the remedy; "" when they can.
func (r *Reconciler) undemandable() (why, fix string) {
	switch {
	case !r.endsTLS():
		return "HAProxy has no listener for TLS, where clients could show a certificate", "open one with --haproxy-bind-tls, and name the authority with --haproxy-client-ca"
	case r.o.ClientCA == "":
		return "HAProxy knows no authority by which to verify clients' certificates", "name its file with --haproxy-client-ca"
	}
	return "", ""
}

// plainly says why no request would ever be taken by a route that takes https alone;
// "" when there may be some: also those for which somebody else ends TLS.
func (r *Reconciler) plainly() (why, fix string) {
	if r.endsTLS() || len(r.o.TrustedProxies) > 0 || r.o.Mode == External {
		return "", ""
	}
	return "HAProxy has no listener for TLS, so that no request would be taken",
		"open one with --haproxy-bind-tls, or name the proxies that end TLS before it with --trusted-proxies"
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

// demandsClient reads whether a route demands a certificate.
func demandsClient(d *v1.Route) bool { return d.ClientCertificate == v1.CertificateRequired }
