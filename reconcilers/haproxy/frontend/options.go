package frontend

import (
	"net/netip"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

// Options say what the operator and Listeners want of our own sections, and what is known of the
// rest of HAProxy's configuration.
type Options struct {
	Owner string // begins every name of ours
	Dir   string // ours, absolute
	// Managed says that HAProxy is started by us, so that the runtime socket is ours to open: StatsSocket.
	Managed     bool
	StatsSocket string
	// HardStopAfter is how long a worker that was replaced may finish what is under way.
	HardStopAfter time.Duration
	// Binds and TLSBinds are the addresses of the HTTP frontend.
	Binds, TLSBinds []string
	// TLSPassthrough has TLS passed on by the name that clients ask for.
	TLSPassthrough bool
	// Ports are bound for connections; less those that somebody else has, which Taken names.
	Ports []bind.Address
	Taken map[bind.Address]string
	// Via is where Kong reaches the services that stand behind it.
	Via Via
	// TrustedProxies are believed what they say of clients.
	TrustedProxies []netip.Prefix
	// AcceptProxy are sources whose connections begin with a PROXY header.
	AcceptProxy []netip.Prefix
	// AccessLog is where the access log goes: Stdout, an absolute path of a socket, or an address; "" for nowhere.
	// AccessLogQuery adds what follows the "?".
	AccessLog      string
	AccessLogQuery bool
	// ClientCA is the file by which clients' certificates are verified, ClientCRL that of those that were
	// revoked; "" for none.
	ClientCA, ClientCRL string
	// Restrains has hosts kept to Listeners.
	Restrains bool
	// Pages are the operator's own answers.
	Pages page.Set
	// User is what the user's own files say.
	User userfile.Facts
}

// Via is where HAProxy listens for what Kong sends on.
type Via struct {
	Host string // "" for every address
	// First and Last bound the ports, one for each service; 0: no listener.
	First, Last uint16
	// Allow are the networks that may connect; none lets everybody in.
	Allow []netip.Prefix
	// Keys are those by which Kong and HAProxy know each other; nil: requests come as they are.
	Keys *Keys
}

// Keys are the files of keys and certificates for what Kong sends on.
type Keys struct {
	Authority string // vouches for both
	Signs     string // the same with its key
	Shown     string // HAProxy's own
	Kong      string // Kong's, for a worker that was replaced, which comes as Kong does
	Print     string // the digest of Kong's certificate
}
