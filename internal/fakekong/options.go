package fakekong

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Mode says where Kong keeps its configuration.
type Mode string

// The modes. The zero value of Options means Database.
const (
	Database Mode = "postgres" // entities are written one by one
	DBLess   Mode = "off"      // the whole configuration is pushed by POST /config
)

// Options describes one Kong. The zero value is a useful one.
type Options struct {
	Mode Mode // default: Database

	// AdminAddr and ProxyAddr are the addresses to listen on. Default: a free port of 127.0.0.1.
	AdminAddr, ProxyAddr string

	// AdminOf and ProxyOf are URLs of a real Kong that answers in this one's place, so
	// that a test can run on it: the Admin API's requests pass, with faults and into the
	// log, and World and Clear know what was made through here. Mode, Groups and Stream
	// are the real one's.
	AdminOf, ProxyOf string

	// Apart spells "lockstep" and ids differently at that Kong, so that a test meets nothing
	// of another Lockstep's: on the way to the Admin API, and to the proxy, which is at
	// ProxyURL then as it is without a real Kong.
	Apart bool

	// NoListen opens no listener: AdminHandler and ProxyHandler are all there is,
	// and AdminURL and ProxyURL stay empty.
	NoListen bool

	// RouteDelay is how long a change of routes or services takes until the proxy
	// honours it. Default: at once. Changes of targets never wait.
	RouteDelay time.Duration

	// PluginDelay is the same for plugins. They are held and shown, but the proxy does
	// nothing by them, save for request-termination, which answers.
	PluginDelay time.Duration

	// Stream are the ports of stream_listen that GET / reports. Routes to them are held
	// and shown, but nothing listens there.
	Stream []StreamListener

	// Groups makes it an edition of Kong's with consumer groups; the free one has none. A
	// group's plugins are those of /plugins, and not told with the group itself.
	Groups bool

	// Workspaces makes it an edition of Kong's with workspaces: these, and "default". What is
	// asked below the name of one ("/team/services") is asked in it.
	Workspaces []string

	// Schemas holds schemas beside those of the package, as JSON:
	// {"entities": {"services": {...}}, "plugins": {"cors": {...}}}, each as Kong's
	// own /schemas answers it. They replace those of the same name.
	Schemas []byte

	// Dial connects the proxy with a target ("host:port"). Default: a net.Dialer.
	// A demo or a test can map names and addresses here.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// StreamListener is one port of stream_listen.
type StreamListener struct {
	Port int
	TLS  bool
}

// Request is one request that the Admin API got.
type Request struct {
	Method string
	Path   string // with the query
	Status int    // of the answer; 0: cut off or never answered
	Body   string // as it was sent
}

// Writes reports whether the request may change something.
func (r Request) Writes() bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

// Hook looks at an Admin API request before it is served, and may answer with a
// fault. It is called by many goroutines at once and must not consume the body.
type Hook func(*http.Request) Fault

// Fault is what goes wrong with one request. The zero value: nothing. Delay may
// be combined with one of the others.
type Fault struct {
	Delay time.Duration // wait that long first

	// Status, when set, is answered, with Header and Body, instead of serving the request.
	Status int
	Header http.Header
	Body   string

	// Hang never answers: the request ends when the client or the gateway goes. Nothing is changed.
	Hang bool

	Cut Cut
}

// Cut says where a connection is cut.
type Cut int

// The places to cut a connection at.
const (
	NoCut     Cut = iota
	CutBefore     // nothing was done, nothing is answered
	CutAfter      // the request took effect, the answer breaks off in the middle
)
