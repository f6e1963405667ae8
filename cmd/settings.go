package cmd

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// leastResync keeps a slip of the pen (10s for 10m) from becoming a load.
const leastResync = 10 * time.Second

// prefixPattern is what our labels may begin with.
var prefixPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// settings are the flags of the daemon. Commands that work without one bind
// the same.
type settings struct {
	dockerHost   string
	exposeAll    bool
	allowPlugins []string
	labelPrefix  string
	owner        string
	takeover     bool
	manifests    []string
	git          gitSettings

	kongSettings

	haproxy             string
	haproxyBinary       string
	haproxyBinds        []string
	haproxyTLSBinds     []string
	haproxyCertificates []string
	backendCAs          []string
	haproxyClientCA     string
	haproxyClientCRL    string
	haproxyConfigs      []string
	haproxyTCPPorts     []string
	haproxyPassthrough  bool
	haproxyHardStop     time.Duration
	haproxyDir          string
	haproxyNetworks     []string
	haproxyStatsSocket  string
	haproxyMasterSocket string
	haproxyStopOnExit   bool
	haproxyErrors       string
	haproxyAccessLog    string
	haproxyLogQuery     bool
	acceptProxy         []string
	accepted            []netip.Prefix // the same, checked
	trustedProxies      []string
	trusted             []netip.Prefix // the same, checked

	chain chainSettings

	publishAddress string
	resync         time.Duration
	minResync      time.Duration // hidden: tests don't wait
	guard          string
	logFormat      string
	logLevel       string

	reach

	flags *pflag.FlagSet // that they are bound to
}

// reach is how commands find the daemon.
type reach struct {
	config        string
	listen        string
	stateDir      string
	controlSocket string
}

// bindDaemon binds the flags that say what the daemon does.
func (s *settings) bindDaemon(f *pflag.FlagSet) {
	s.flags = f
	f.StringVar(&s.dockerHost, "docker-host", "", "the Docker Engine: `url` with unix://, tcp:// or ssh:// (default: DOCKER_HOST, else the local socket)")
	s.bindGrammar(f)
	f.StringVar(&s.owner, "owner", "lockstep", "`name` that marks what is ours in the gateways")
	f.BoolVar(&s.takeover, "takeover", false, "take the gateways over from another lockstep with the same owner")

	f.StringSliceVar(&s.manifests, "manifests", nil, "`directory` of manifests, which is watched with all directories within it; repeatable")
	s.git.bind(f)

	s.bindKong(f)

	f.StringVar(&s.haproxy, "haproxy", "managed", "`mode`: managed runs HAProxy, external feeds one that runs, off leaves it out")
	f.StringVar(&s.haproxyBinary, "haproxy-binary", "", "`path` of HAProxy's program (default: the haproxy of PATH, /usr/sbin or /usr/local/sbin)")
	f.StringSliceVar(&s.haproxyBinds, "haproxy-bind", nil, "`address` that HAProxy listens on for HTTP; repeatable (managed: default :80; external: default none)")
	f.StringSliceVar(&s.haproxyTLSBinds, "haproxy-bind-tls", nil, "`address` that HAProxy listens on for HTTPS, like :443; repeatable (default: none)")
	f.StringSliceVar(&s.haproxyCertificates, "haproxy-certs", nil, "`path` of a certificate with its key in PEM, or of a folder of them (certbot's too); repeatable; taken anew when it changes")
	f.StringSliceVar(&s.backendCAs, "backend-ca", nil, "`file` of the authorities that issue the certificates of containers, or NAME=FILE for those that the label tls_ca names; repeatable (default: on HAProxy those of the system, on Kong its own)")
	f.StringVar(&s.haproxyClientCA, "haproxy-client-ca", "", "`file` of the authorities that issue clients' certificates, for routes with client_certificate=required (default: none)")
	f.StringVar(&s.haproxyClientCRL, "haproxy-client-crl", "", "`file` of the lists of clients' certificates that were revoked (default: none)")
	f.StringSliceVar(&s.haproxyTCPPorts, "haproxy-tcp-ports", nil, "`ports` that labels may ask HAProxy to listen on: 5672, 5000-5999 or 10.0.0.1:5672; repeatable (default: none)")
	f.BoolVar(&s.haproxyPassthrough, "haproxy-tls-passthrough", false, "let services take TLS connections to --haproxy-bind-tls as they are, by the name that clients ask for (snis)")
	f.DurationVar(&s.haproxyHardStop, "haproxy-hard-stop-after", 0, "how long a HAProxy process that a reload replaced may finish its connections (default: 1m; 24h with --haproxy-tcp-ports or --haproxy-tls-passthrough)")
	f.StringSliceVar(&s.haproxyConfigs, "haproxy-config", nil, "the user's own HAProxy `file`; repeatable, in order; only ever read")
	f.StringVar(&s.haproxyDir, "haproxy-dir", "", "`directory` for our HAProxy files (default: haproxy in the state directory)")
	f.StringSliceVar(&s.haproxyNetworks, "haproxy-network", nil, "Docker `network` that HAProxy is on, or host; repeatable, best first (default: found out)")
	f.StringVar(&s.haproxyStatsSocket, "haproxy-stats-socket", "", "`path` of HAProxy's stats socket (default: stats.sock in the HAProxy directory; external: the one that the user's files name)")
	f.StringVar(&s.haproxyMasterSocket, "haproxy-master-socket", "", "`path` of HAProxy's master socket (default: master.sock in the HAProxy directory; external: /run/haproxy-master.sock)")
	f.BoolVar(&s.haproxyStopOnExit, "haproxy-stop-on-exit", false, "stop a managed HAProxy when lockstep ends")

	f.StringVar(&s.haproxyErrors, "haproxy-errors", "", "`directory` with pages of your own for errors of HAProxy, as 404.html or 503.json")
	f.StringVar(&s.haproxyAccessLog, "haproxy-access-log", "", "where HAProxy logs requests as JSON: stdout (managed only), a syslog socket's path, or a syslog server's `address` (default: nowhere)")
	f.BoolVar(&s.haproxyLogQuery, "haproxy-access-log-query", false, "log the query of requests too, which may hold secrets")
	f.StringSliceVar(&s.acceptProxy, "haproxy-accept-proxy", nil, "`range` of addresses, as 10.0.0.0/8, of load balancers that begin each connection to HAProxy with a PROXY header; repeatable")
	f.StringSliceVar(&s.trustedProxies, "trusted-proxies", nil, "`range` of addresses, as 10.0.0.0/8, of proxies before HAProxy that are believed what they say of clients; repeatable")
	s.chain.bind(f)

	f.StringVar(&s.publishAddress, "publish-address", "", "`ip` at which gateways reach published ports, instead of the containers' own addresses")
	f.DurationVar(&s.resync, "resync", 10*time.Minute, "how often everything is compared though nothing changed")
	f.DurationVar(&s.minResync, "min-resync", leastResync, "the shortest --resync that is taken; for tests")
	f.Lookup("min-resync").Hidden = true
	f.StringVar(&s.guard, "delete-guard", "50%,5", "removals of services and routes that pass within a minute: at most `share,count` (fewer than count), or off")
	f.StringVar(&s.logFormat, "log-format", "text", "`format`: text or json")
	f.StringVar(&s.logLevel, "log-level", "info", "`level`: debug, info, warn or error")
	s.bindReach(f)
}

// bindReach binds the flags that say where the daemon is found.
func (r *reach) bindReach(f *pflag.FlagSet) {
	f.StringVar(&r.config, configFlag, "", "`file` with a Config, which has a field for each flag; flags and variables win over it")
	f.StringVar(&r.listen, "listen", "127.0.0.1:9470", "`address` of the read-only HTTP interface")
	f.StringVar(&r.stateDir, "state-dir", "/var/lib/lockstep", "`directory` for what must last")
	f.StringVar(&r.controlSocket, "control-socket", "", "`path` of the socket for commands that change something (default: control.sock in the state directory)")
}

// completeDaemon offers the words of the flags that know only some.
func completeDaemon(c *cobra.Command) {
	complete(c, "haproxy", "managed", "external", "off")
	complete(c, "gateways", "kong", "haproxy", "kong>haproxy", "haproxy>kong")
	complete(c, "kong-drift", "repair", "report")
	complete(c, "log-format", "text", "json")
	complete(c, "log-level", "debug", "info", "warn", "error")
}

// check finds what is wrong with the settings taken alone, and fills in what
// follows from others.
func (s *settings) check() error {
	if len(s.kongAdminURLs) == 0 && s.haproxy == "off" {
		return fmt.Errorf("no gateway is configured; name Kong with --kong-admin-url, or leave --haproxy at managed")
	}
	if err := checkValues(s.flags); err != nil {
		return err
	}
	if err := s.checkKong(); err != nil {
		return err
	}
	if err := s.chain.check(s); err != nil {
		return err
	}
	if err := s.checkGrammar(); err != nil {
		return err
	}
	if err := s.checkProxies(); err != nil {
		return err
	}
	for i, dir := range s.manifests {
		absolute, err := filepath.Abs(dir)
		if err != nil {
			return fmt.Errorf("--manifests %q: %w", dir, err)
		}
		s.manifests[i] = absolute
	}
	if err := s.git.check(); err != nil {
		return err
	}
	s.haproxyDir = or(s.haproxyDir, filepath.Join(s.stateDir, "haproxy"))
	s.fill()
	return nil
}

// declares reports whether there may be manifests: then a container may be selected by
// any of its labels, at any time.
func (s *settings) declares() bool { return len(s.manifests) > 0 || s.git.named() }

// grammar returns how labels are read.
func (s *settings) grammar() v1.Grammar {
	return v1.Grammar{Prefix: s.labelPrefix, ExposeAll: s.exposeAll, AllowPlugins: s.allowPlugins}
}

// bindGrammar binds the flags that say how labels are read.
func (s *settings) bindGrammar(f *pflag.FlagSet) {
	f.BoolVar(&s.exposeAll, "expose-all", false, "let containers count that have no enable label")
	f.StringSliceVar(&s.allowPlugins, "allow-label-plugins", nil, "`name` of a Kong plugin that labels may ask for, although it runs code or reaches files or hosts; repeatable")
	f.StringVar(&s.labelPrefix, "label-prefix", "lockstep.", "`prefix` that our labels begin with")
}

// checkGrammar finds what is wrong with them.
func (s *settings) checkGrammar() error {
	if err := checkPrefix(s.labelPrefix); err != nil {
		return err
	}
	if !strings.HasSuffix(s.labelPrefix, ".") {
		s.labelPrefix += "."
	}
	return nil
}

// checkProxies reads the ranges of addresses that are believed.
func (s *settings) checkProxies() (err error) {
	if s.trusted, err = ranges("--trusted-proxies", s.trustedProxies); err != nil {
		return err
	}
	s.accepted, err = ranges("--haproxy-accept-proxy", s.acceptProxy)
	return err
}

// ranges reads ranges of addresses, or single ones.
func ranges(flag string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		prefix, err := v1.ParseRange(text)
		if err != nil {
			return nil, fmt.Errorf("%s %w", flag, err)
		}
		out = append(out, prefix)
	}
	return out, nil
}

// fill sets what follows from other settings.
func (r *reach) fill() {
	r.controlSocket = or(r.controlSocket, filepath.Join(r.stateDir, "control.sock"))
}

func or(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}
