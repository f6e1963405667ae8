package haproxy

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/internal/pemfile"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// Mode says who runs HAProxy.
type Mode string

// The modes.
const (
	// Managed HAProxy is started, watched and restarted by Lockstep.
	Managed Mode = "managed"
	// External HAProxy is somebody else's; Lockstep adds a directory to it.
	External Mode = "external"
)

// Options describe one HAProxy. Dir and Owner are required.
type Options struct {
	Mode  Mode   // default Managed
	Owner string // [A-Za-z0-9_-]{1,32}; prefixes every name of ours
	// Writer identifies this daemon's state directory: another writer's directory is refused.
	Writer string
	// Takeover accepts a directory that another writer has marked.
	Takeover bool
	// Alone says that no other gateway is kept: what none but another could serve is
	// named then.
	Alone bool
	// Binds are the addresses of our HTTP frontend: ":80", "127.0.0.1:8080". Default
	// ":80" when managed. External without binds has no listener of ours on a port.
	Binds []string
	// Via is where Kong reaches the services that stand behind it; its zero value:
	// nowhere.
	Via Via
	// TLSBinds are the addresses on which it listens for TLS: ":443". Default none.
	TLSBinds []string
	// CertificateFiles are files of certificates with their keys, and folders of
	// them; absolute. They are read again when they change.
	CertificateFiles []string
	// BackendCAs are the authorities that must have issued the certificates of instances:
	// "FILE" for all services, "NAME=FILE" for those that name it. Default: those that
	// the system trusts. They are read again when they change.
	BackendCAs []string
	// ClientCA is a file of the authorities that must have issued the certificates of
	// clients, for routes that demand one; "" for none. Needs TLSBinds. ClientCRL, "" for
	// none, lists those that were revoked. They are read again when they change.
	ClientCA, ClientCRL string
	// TCPPorts are the ports for which labels may ask: "5672", "5000-5999",
	// "10.0.0.1:5000-5999". All of them are bound from the start; default none.
	TCPPorts []string
	// TLSPassthrough lets services take connections to TLSBinds as they are, by the name
	// that the client asks for; all others come to the listener over one more hop.
	TLSPassthrough bool
	// ConfigFiles are the user's own files; they are read, never written.
	ConfigFiles []string
	// Errors is a directory with the operator's own pages for errors, as "404.html";
	// "" for none. What changes there takes a reload.
	Errors string
	// AccessLog is where HAProxy logs each request as JSON: AccessLogStdout, the
	// absolute path of a syslog socket, or a syslog server's address; "" for nowhere.
	AccessLog string
	// AccessLogQuery adds what follows the "?", where secrets may be, to the log.
	AccessLogQuery bool
	// TrustedProxies are believed what they say of clients (X-Forwarded-…).
	TrustedProxies []netip.Prefix
	// AcceptProxy are sources whose connections begin with a PROXY header, on all
	// addresses but those for Kong.
	AcceptProxy []netip.Prefix
	// Dir is our directory, absolute.
	Dir string
	// StatsSocket is HAProxy's runtime socket. Default: stats.sock in Dir when
	// managed; the one that the user's files name when external.
	StatsSocket string
	// MasterSocket is that of the master process (-S). Default: master.sock in Dir
	// when managed, /run/haproxy-master.sock when external.
	MasterSocket string
	PIDFile      string // default haproxy.pid in Dir; managed only
	// Binary is HAProxy's program. Default: "haproxy", of PATH or else of the sbin directories.
	Binary string
	// StopOnExit ends a managed HAProxy with Close.
	StopOnExit bool
	// HardStopAfter is how long a worker that was replaced may finish what is under way;
	// default 1 minute, and a day where there may be streams. The user's own setting counts.
	HardStopAfter time.Duration
	// ReloadEvery bounds reloads: two at once, then one in each such time; default 1 s.
	ReloadEvery time.Duration
	// Spares is the number of backends that are prepared for brand-new services;
	// default 200, negative for none. Another number counts from the next reload on.
	Spares int
	// Timeout is how long an answer on a socket may take; default 3 s.
	Timeout  time.Duration
	Log      *slog.Logger          // default slog.Default()
	Registry prometheus.Registerer // default: metrics are counted but not registered

	ports      []bind.Address    // of TCPPorts
	backendCAs map[string]string // of BackendCAs: paths by name
	systemCA   bool              // that for all services is the system's
	copies     map[string]string // of ClientCA and ClientCRL: our copies by path
}

// withDefaults fills in what was left out and refuses what can't work.
func (o Options) withDefaults() (Options, error) {
	if o.Mode == "" {
		o.Mode = Managed
	}
	if o.Mode != Managed && o.Mode != External {
		return o, fmt.Errorf("haproxy mode %q is unknown; use %s or %s", o.Mode, Managed, External)
	}
	if charset.Owner.Check(o.Owner) != nil {
		return o, fmt.Errorf("owner %q can't be part of HAProxy's names; use 1 to 32 letters, digits, - and _", o.Owner)
	}
	if o.Dir == "" {
		return o, fmt.Errorf("haproxy needs a directory of its own; name one with --haproxy-dir")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("haproxy directory %s: %w", o.Dir, err)
	}
	o.Dir = dir
	if err := o.wholePaths(); err != nil {
		return o, err
	}
	o.socketDefaults()
	if err := cmp.Or(o.checkPaths(), checkAccessLog(o), o.listeners(), o.streamDefaults(), o.Via.check()); err != nil {
		return o, err
	}
	if o.ReloadEvery == 0 {
		o.ReloadEvery = time.Second
	}
	if o.Spares == 0 {
		o.Spares = defaultSpares
	}
	if o.Spares > maxSpares {
		return o, fmt.Errorf("%d prepared backends are too many; use at most %d", o.Spares, maxSpares)
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second
	}
	if strings.Contains(o.Binary, "/") { // it is started in another directory, and with each reload anew
		if o.Binary, err = filepath.Abs(o.Binary); err != nil {
			return o, fmt.Errorf("haproxy's program %s: %w", o.Binary, err)
		}
	}
	if o.Binary == "" {
		o.Binary = findProgram("/usr/sbin", "/usr/local/sbin", "/sbin")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o, nil
}

// wholePaths makes paths absolute that HAProxy gets to read, which is started in another
// directory.
func (o *Options) wholePaths() (err error) {
	o.ConfigFiles = slices.Clone(o.ConfigFiles)
	paths := []*string{&o.StatsSocket, &o.MasterSocket, &o.PIDFile}
	for i := range o.ConfigFiles {
		paths = append(paths, &o.ConfigFiles[i])
	}
	for _, path := range paths {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("the path of a file of HAProxy's: %w", err)
		}
	}
	return nil
}

// checkPaths refuses paths that HAProxy's files or a unix socket can't take.
func (o *Options) checkPaths() error {
	for _, path := range []string{o.Dir, o.PIDFile} {
		if err := checkPath(path); err != nil {
			return err
		}
	}
	return cmp.Or(CheckSocket(o.StatsSocket), CheckSocket(o.MasterSocket))
}

func checkPath(path string) error {
	if path != "" && charset.File.Check(path) != nil {
		return fmt.Errorf("path %q can't be written into HAProxy's configuration; use one of letters, digits and ._:@+-/ only", path)
	}
	return nil
}

// CheckSocket says what is wrong with the path of a socket of HAProxy's.
func CheckSocket(path string) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("socket path %s has %d characters and a unix socket takes %d; use a shorter --haproxy-dir", path, len(path), maxSocketPath)
	}
	return checkPath(path)
}

// listeners checks the addresses of listeners, and makes the paths of certificates
// absolute, which are their names.
func (o *Options) listeners() error {
	for _, text := range slices.Concat(o.Binds, o.TLSBinds) {
		if _, err := bind.Parse(text); err != nil {
			return err
		}
	}
	if len(o.CertificateFiles) > 0 && len(o.TLSBinds) == 0 {
		return errors.New("certificates are named and no listener for TLS is; open one with --haproxy-bind-tls")
	}
	if o.TLSPassthrough && len(o.TLSBinds) == 0 {
		return errors.New("TLS is to be passed on and no listener for TLS is named; open one with --haproxy-bind-tls")
	}
	var paths []string
	for _, path := range o.CertificateFiles {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return fmt.Errorf("certificates %s: %w", path, err)
		}
		paths = append(paths, absolute)
	}
	o.CertificateFiles = paths
	named, err := pemfile.Named(o.BackendCAs)
	if err != nil {
		return fmt.Errorf("authorities for containers (--backend-ca): %w", err)
	}
	o.backendCAs, o.systemCA = withSystem(named)
	return o.clientPaths()
}

// findProgram returns HAProxy's path where PATH does not name its directory, as
// those of users and of some services leave out sbin; else its name.
func findProgram(directories ...string) string {
	const name = "haproxy"
	if _, err := exec.LookPath(name); err == nil {
		return name
	}
	for _, directory := range directories {
		if path, err := exec.LookPath(filepath.Join(directory, name)); err == nil {
			return path
		}
	}
	return name
}

const (
	// defaultSpares cost HAProxy 2 MiB and next to no time; 1,000 of them 10 MiB
	// and 40 ms of each start.
	defaultSpares = 200
	maxSpares     = 10_000
	// streamSpares are those for streams, which are fewer.
	streamSpares = 50
)

// maxSocketPath leaves room for the suffix that HAProxy adds while it binds.
const maxSocketPath = 90

func (o *Options) socketDefaults() {
	if o.Mode == External {
		if o.MasterSocket == "" {
			o.MasterSocket = "/run/haproxy-master.sock"
		}
		return
	}
	if len(o.Binds) == 0 {
		o.Binds = []string{":80"}
	}
	if o.StatsSocket == "" {
		o.StatsSocket = filepath.Join(o.Dir, "stats.sock")
	}
	if o.MasterSocket == "" {
		o.MasterSocket = filepath.Join(o.Dir, "master.sock")
	}
	if o.PIDFile == "" {
		o.PIDFile = filepath.Join(o.Dir, "haproxy.pid")
	}
}
