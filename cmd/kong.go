package cmd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/spf13/pflag"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/reconcilers/kong"
)

// kongSettings are the flags that say how Kong's Admin API is reached.
type kongSettings struct {
	kongAdminURLs []string
	kongProxyURLs []string
	kongNetworks  []string
	kongToken     string // where it stands
	kongWorkspace string
	kongCA        string
	kongCert      string
	kongKey       string
	kongBase      string
	kongDrift     []string
}

func (k *kongSettings) bindKong(f *pflag.FlagSet) {
	f.StringSliceVar(&k.kongAdminURLs, "kong-admin-url", nil, "`url` of Kong's Admin API; repeatable; none: no Kong")
	f.StringSliceVar(&k.kongProxyURLs, "kong-proxy-url", nil, "`url` of Kong's proxy, at which its workers are asked whether they serve what was accepted; repeatable, of nodes without a database in the order of --kong-admin-url (default: nobody is asked)")
	f.StringVar(&k.kongToken, "kong-admin-token", "", "where the Admin API's token stands: `/path` or env:NAME; looked up for every request")
	f.StringVar(&k.kongWorkspace, "kong-workspace", "", "`name` of Kong's workspace to keep (default: Kong's default one)")
	f.StringVar(&k.kongCA, "kong-admin-ca", "", "`path` of the authorities, in PEM, that vouch for the Admin API (default: the system's)")
	f.StringVar(&k.kongCert, "kong-admin-cert", "", "`path` of the certificate, in PEM, that Lockstep shows to the Admin API; taken anew when it changes")
	f.StringVar(&k.kongKey, "kong-admin-key", "", "`path` of its key, in PEM")
	f.StringVar(&k.kongBase, "kong-base", "", "`path` of a declarative file with what else a Kong without a database is to hold, and stays yours; taken anew when it changes")
	f.StringSliceVar(&k.kongDrift, "kong-drift", nil, "`policy` for changes by others in Kong: repair or report, or either for one kind of entities, as plugins=report; repeatable (default: repair)")
	f.StringSliceVar(&k.kongNetworks, "kong-network", nil, "Docker `network` that Kong is on, or host; repeatable, best first (default: found out)")
}

// check finds what is wrong with the flags taken alone.
func (k *kongSettings) checkKong() error {
	if k.kongToken != "" {
		if _, err := manifests.ParseReference(k.kongToken); err != nil {
			return fmt.Errorf("--kong-admin-token: %w", err)
		}
	}
	if len(k.kongProxyURLs) > 0 && len(k.kongAdminURLs) == 0 {
		return errors.New("--kong-proxy-url needs --kong-admin-url, the same Kong's Admin API")
	}
	if (k.kongCert == "") != (k.kongKey == "") {
		return errors.New("--kong-admin-cert and --kong-admin-key belong together; name both or none")
	}
	return nil
}

// access adds what the Admin API asks for, and the base, to a reconciler's options.
func (k *kongSettings) access(o *kong.Options, log *slog.Logger) error {
	if k.kongToken != "" {
		where, err := manifests.ParseReference(k.kongToken)
		if err != nil {
			return fmt.Errorf("--kong-admin-token: %w", err)
		}
		o.Token = where.Reveal
		for _, raw := range k.kongAdminURLs {
			if open(raw) {
				log.Warn("the admin token goes to Kong unencrypted, past this machine", "fix", "use https:// in --kong-admin-url")
			}
		}
	}
	o.Base = k.kongBase
	var err error
	if o.TLS, err = k.tls(); err != nil {
		return err
	}
	o.ProxyTLS, err = k.proxyTLS()
	return err
}

// proxyTLS returns what Kong's proxy must prove: by an authority of the system's, or by
// that of the Admin API; nil for the former alone.
func (k *kongSettings) proxyTLS() (*tls.Config, error) {
	if k.kongCA == "" {
		return nil, nil
	}
	authorities, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("--kong-proxy-url: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}, k.trust(authorities)
}

// trust adds the authorities that vouch for the Admin API.
func (k *kongSettings) trust(authorities *x509.CertPool) error {
	text, err := os.ReadFile(k.kongCA)
	if err != nil {
		return fmt.Errorf("--kong-admin-ca: %w", err)
	}
	if !authorities.AppendCertsFromPEM(text) {
		return fmt.Errorf("--kong-admin-ca: %s holds no certificate in PEM", k.kongCA)
	}
	return nil
}

// open reports whether what is sent to an address can be read on the way.
func open(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// tls returns what the Admin API must prove and is shown; nil for the defaults.
func (k *kongSettings) tls() (*tls.Config, error) {
	if k.kongCA == "" && k.kongCert == "" {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if k.kongCA != "" {
		config.RootCAs = x509.NewCertPool()
		if err := k.trust(config.RootCAs); err != nil {
			return nil, err
		}
	}
	if k.kongCert != "" {
		pair := func() (*tls.Certificate, error) {
			made, err := tls.LoadX509KeyPair(k.kongCert, k.kongKey)
			if err != nil {
				return nil, fmt.Errorf("--kong-admin-cert: %w", err)
			}
			return &made, nil
		}
		made, err := pair()
		if err != nil {
			return nil, err
		}
		if ends := made.Leaf.NotAfter; time.Now().After(ends) {
			return nil, fmt.Errorf("--kong-admin-cert: the certificate has ended on %s; renew it", ends.Format(time.DateOnly))
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair() }
	}
	return config, nil
}

// kongOptions returns a reconciler's options but for what access adds.
func (s *settings) kongOptions(writer string, log *slog.Logger) kong.Options {
	return kong.Options{
		AdminURLs: s.kongAdminURLs, ProxyURLs: s.kongProxyURLs, Workspace: s.kongWorkspace, Owner: s.owner, Writer: writer, Takeover: s.takeover, Alone: s.haproxy == "off",
		Authorities: s.backendCAs, Hop: s.chain.via.TLS, Log: log.With("gateway", string(v1.Kong)),
	}
}

// openKong makes the reconciler of Kong.
func (d *daemon) openKong(s *settings, m mode, writer string, log *slog.Logger) error {
	if len(s.kongAdminURLs) == 0 {
		return nil
	}
	seal, err := d.seal(s, m)
	if err != nil {
		return err
	}
	o := s.kongOptions(writer, log)
	o.Seal, o.Unkept, o.Registerer = seal, seal == nil, d.registry
	if err := s.access(&o, o.Log); err != nil {
		return err
	}
	drift, err := parseDrift(s.kongDrift)
	if err != nil {
		return err
	}
	o.Witness = len(drift) > 0
	reconciler, err := kong.Open(o)
	if err != nil {
		return fmt.Errorf("kong: %w", err)
	}
	return d.add(controller.Gateway{Name: v1.Kong, Reconciler: reconciler, Drift: drift}, s.stateDir, m)
}
