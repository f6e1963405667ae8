package v1

import (
	"net/netip"
	"time"
)

// Service is what one group of equal instances offers. As a declaration
// (decoded from labels) it has no endpoints; as a desired state for one
// gateway its endpoints are resolved to addresses that the gateway reaches and
// its routes are those that it won. A Service that was handed on is never
// changed again: a new one replaces it.
type Service struct {
	// Name is the service key: parts of [a-z0-9][a-z0-9_-]* joined by dots.
	Name string `json:"name"`
	// Gateways are the ways in; empty means the daemon's own choice.
	Gateways []Way `json:"gateways,omitempty"`
	// Protocol is what instances speak; "" is HTTP.
	Protocol Protocol `json:"protocol,omitempty"`
	// Grace is how long routes stay and answer 503 after the last instance is gone.
	Grace time.Duration `json:"grace"`
	// ConnectTimeout, ReadTimeout and WriteTimeout are those between the gateway and an instance.
	ConnectTimeout time.Duration `json:"connect_timeout"`
	ReadTimeout    time.Duration `json:"read_timeout"`
	WriteTimeout   time.Duration `json:"write_timeout"`
	// Rollout says how the instances' versions share the traffic. Only what decides the
	// settings has it: the shares of endpoints are in their weights.
	Rollout Rollout `json:"rollout,omitzero"`
	Balancing
	HealthCheck
	// ProxyProtocol is the version of the PROXY protocol by which instances are told the
	// client's address, "v1" or "v2"; "" is none.
	ProxyProtocol string `json:"proxy_protocol,omitempty"`
	Securing
	// Plugins hold for all routes; sorted by name.
	Plugins []Plugin `json:"plugins,omitempty"`
	// Routes are sorted by name.
	Routes []Route `json:"routes,omitempty"`
	// Optional names fields of the service that a gateway may leave out where it can't express them.
	Optional []string `json:"optional,omitempty"`
	// Endpoints are sorted by ID.
	Endpoints []Endpoint `json:"endpoints,omitempty"`
	// Via is set in a desired state where one gateway reaches the service through
	// the other.
	Via Via `json:"via,omitzero"`
	// Origin is the container whose labels decided the settings.
	Origin Origin `json:"origin"`
}

// Rollout divides a service's traffic between its versions. The zero value says
// nothing of it: each instance has its own weight.
type Rollout struct {
	// Shares are whole per cents by version, at most 100 in all. Versions that are not
	// named divide what is left; nil divides by the instances' weights alone.
	Shares map[string]int `json:"shares,omitempty"`
	// Header names a request header whose value picks a version; "" for none.
	Header string `json:"header,omitempty"`
	// Cookie names a cookie whose value picks a version; "" for none.
	Cookie string `json:"cookie,omitempty"`
}

// IsZero reports whether nothing is said.
func (r Rollout) IsZero() bool { return len(r.Shares) == 0 && !r.Picks() }

// Picks reports whether a request may pick its version.
func (r Rollout) Picks() bool { return r.Header != "" || r.Cookie != "" }

// Protocol is what the instances of a service speak.
type Protocol string

// The protocols. HTTP is the zero value, so that what says nothing of it is HTTP.
const (
	HTTP  Protocol = ""
	HTTPS Protocol = "https" // HTTP over TLS
	GRPC  Protocol = "grpc"  // HTTP/2 without TLS
	GRPCS Protocol = "grpcs" // HTTP/2 over TLS
	TCP   Protocol = "tcp"   // whatever comes to a port
	// TLSPassthrough is TLS by the name that the client asks for, which instances end themselves.
	TLSPassthrough Protocol = "tls_passthrough"
)

// Secure reports whether instances are spoken to over TLS.
func (p Protocol) Secure() bool { return p == HTTPS || p == GRPCS }

// Plain returns the same protocol without TLS.
func (p Protocol) Plain() Protocol {
	switch p {
	case HTTPS:
		return HTTP
	case GRPCS:
		return GRPC
	}
	return p
}

// RPC reports whether requests are those of gRPC, which needs HTTP/2 all the way.
func (p Protocol) RPC() bool { return p == GRPC || p == GRPCS }

// Stream reports whether connections are passed on as they are.
func (p Protocol) Stream() bool { return p == TCP || p == TLSPassthrough }

// String returns the word that a label says.
func (p Protocol) String() string {
	if p == HTTP {
		return "http"
	}
	return string(p)
}

// Via is where HAProxy takes what Kong sends on to a service (kong>haproxy).
// For Kong it stands in place of endpoints; for HAProxy it is one more way to
// the service's endpoints. The zero value says that there is none.
type Via struct {
	Host string `json:"host"` // name or address that Kong dials
	Port uint16 `json:"port"` // the service's own
	// TLS says that the two speak TLS there, and each proves to the other who it is.
	TLS bool `json:"tls,omitempty"`
}

// Route says which requests go to its service. A request matches when every
// field that is set matches; within a field any value will do. Field meanings
// are Kong's (traditional_compatible router).
type Route struct {
	// Name is the whole key, the service's name and one more part: "shop.web.default".
	Name string `json:"name"`
	// Hosts are exact names, "*.example.com" or "example.*"; sorted, lower case.
	Hosts []string `json:"hosts,omitempty"`
	// Paths are plain prefixes, or a regular expression after "~"; sorted.
	Paths []string `json:"paths,omitempty"`
	// Methods are upper case and sorted.
	Methods []string `json:"methods,omitempty"`
	// Headers map a header's name to the values of which one must be there, sorted.
	Headers map[string][]string `json:"headers,omitempty"`
	// Protocols are "http" and "https", by which clients may come; empty means both.
	Protocols []string `json:"protocols,omitempty"`
	// HTTPSRedirectStatusCode is what a client without TLS gets from a route that
	// takes https alone: 426, or the code of a redirect; 0 is 426.
	HTTPSRedirectStatusCode int `json:"https_redirect_status_code,omitempty"`
	// ClientCertificate is CertificateRequired where clients must prove themselves; "" asks for nothing.
	ClientCertificate string `json:"client_certificate,omitempty"`
	// HSTS is for how long browsers are to come with TLS alone; 0 says nothing.
	HSTS time.Duration `json:"hsts,omitempty"`
	// Cookies map a cookie's name, in lower case, to the values of which it must have
	// one, sorted; none: any value will do. At most one cookie is named. No label asks
	// for it: such routes are Derived.
	Cookies map[string][]string `json:"cookies,omitempty"`
	// Listen are the ports whose connections a TCP service gets; sorted.
	Listen []int `json:"listen,omitempty"`
	// SNIs are the names that clients ask for whose connections a TLSPassthrough service
	// gets: exact ones or "*.example.com"; sorted, lower case.
	SNIs []string `json:"snis,omitempty"`
	// StripPath removes the matched prefix before the request goes on.
	StripPath bool `json:"strip_path"`
	// PreserveHost sends the client's Host on, not the instance's address.
	PreserveHost bool `json:"preserve_host"`
	// Priority settles who holds a match that several services claim; the highest wins.
	Priority int `json:"priority"`
	// Plugins are Kong's, sorted by name.
	Plugins []Plugin `json:"plugins,omitempty"`
	// Optional names fields that a gateway may leave out where it can't express them.
	Optional []string `json:"optional,omitempty"`
	// Origin is the label that first asked for the route.
	Origin Origin `json:"origin"`
}

// Stream reports whether the route takes connections, not requests.
func (r *Route) Stream() bool { return len(r.Listen)+len(r.SNIs) > 0 }

// Fits reports whether the route's match is one of those that the protocol has.
func (r *Route) Fits(p Protocol) bool {
	switch p {
	case TCP:
		return len(r.Listen) > 0 && len(r.SNIs) == 0
	case TLSPassthrough:
		return len(r.SNIs) > 0 && len(r.Listen) == 0
	}
	return !r.Stream()
}

// Endpoint is one instance of a service at the address where one gateway
// reaches it.
type Endpoint struct {
	// ID is stable for the instance's life, unique within the service, [A-Za-z0-9_.-]{1,64}.
	ID string `json:"id"`
	// Instance is the instance's name for people; it may change (docker rename).
	Instance string         `json:"instance"`
	Address  netip.AddrPort `json:"address"`
	// Weight is 0 to 256; 0 gets no new request.
	Weight int `json:"weight"`
	// Draining instances finish what they have begun and get nothing new.
	Draining bool `json:"draining,omitempty"`
	// DrainUntil is when the sessions that a draining instance still has are
	// ended, in whole seconds; zero when they may go on as long as it runs.
	DrainUntil time.Time `json:"drain_until,omitzero"`
	// MaxConn is the most requests at once; 0 for no bound.
	MaxConn int `json:"maxconn,omitempty"`
	// Backup instances get requests only while no other one takes any.
	Backup bool   `json:"backup,omitempty"`
	Origin Origin `json:"origin"`
}

// Set is what one gateway should hold: services by name. What it maps to is
// immutable.
type Set map[string]*Service
