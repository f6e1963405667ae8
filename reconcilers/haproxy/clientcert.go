package haproxy

import (
	"errors"
	"fmt"
	"path/filepath"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/pemfile"
)

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

// demandsClient reads whether a route demands a certificate.
func demandsClient(d *v1.Route) bool { return d.ClientCertificate == v1.CertificateRequired }
