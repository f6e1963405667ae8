package haproxy

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
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
	hop        *hopFiles         // of Via.TLS; nil for none
}
