package docker

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Options say which Engine to watch and how. The zero value watches the Engine
// that the environment names, with the default prefix.
type Options struct {
	// Host is in DOCKER_HOST's syntax: unix://, tcp:// (with TLS by
	// DOCKER_TLS_VERIFY and DOCKER_CERT_PATH) or ssh://. Empty: DOCKER_HOST,
	// else the default socket.
	Host string
	// LabelPrefix, with its final dot, makes the label that a container must
	// have to be seen at all: LabelPrefix + "enable". Default "lockstep.".
	LabelPrefix string
	// ExposeAll sees every container as if it had that label.
	ExposeAll bool
	// Strangers sees the containers without that label as well. The view is whole before
	// everything of them is known (Instance.Partial), and that one of them can't be
	// inspected is no trouble of the source's.
	Strangers bool
	// Resync is how often everything is listed again although the events
	// flow. Default 10 minutes.
	Resync time.Duration
	// Gateways says for each configured gateway how to find its networks.
	Gateways map[v1.Gateway]Locator
	// Logger gets the story of the connection. Default: nothing is logged.
	Logger *slog.Logger
	// Registerer gets the metrics. Default: they are counted for nobody.
	Registerer prometheus.Registerer

	timing timing
	host   hostView
	wrap   func(http.RoundTripper) http.RoundTripper // tests: sees every request
}

// Locator says how to find out which networks a gateway is connected to. The
// first of its fields that is set decides, from top to bottom.
type Locator struct {
	// Networks are network names in order of preference, as the user gave
	// them; the name "host" means that the gateway runs on the Docker host.
	Networks []string
	// Local is set for a gateway that runs beside the daemon, in the same
	// container or on the same host (a managed HAProxy).
	Local bool
	// URL is any address at which the daemon reaches the gateway.
	URL string
	// Flag is the option that sets Networks, for advice: "--kong-network".
	Flag string
}

// timing holds the durations that a user has no reason to change; tests do.
type timing struct {
	silence    time.Duration // a stream that says nothing for so long is checked by a ping
	call       time.Duration // a ping, an inspection, the head of an answer
	list       time.Duration // a whole list
	settle     time.Duration // how far a list may lag behind an event
	backoffMin time.Duration
	backoffMax time.Duration
	steady     time.Duration // a session of this length starts the backoff afresh
	stopGrace  time.Duration // added to a container's stop timeout
	relocate   time.Duration // least time between two looks for a gateway that has not been found
}

// hostView is what the daemon sees of the machine it runs on.
type hostView struct {
	hostname   func() (string, error)
	mountinfo  func() ([]byte, error)
	cgroup     func() ([]byte, error)
	interfaces func() ([]net.Addr, error)
	lookup     func(ctx context.Context, host string) ([]netip.Addr, error)
}

func (o Options) withDefaults() Options {
	if o.LabelPrefix == "" {
		o.LabelPrefix = "lockstep."
	}
	if o.Resync <= 0 {
		o.Resync = 10 * time.Minute
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.timing = o.timing.withDefaults()
	if o.host.hostname == nil {
		o.host = realHost()
	}
	return o
}

func (t timing) withDefaults() timing {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.silence, 10 * time.Second},
		{&t.call, 5 * time.Second},
		{&t.list, 60 * time.Second},
		{&t.settle, 2 * time.Second},
		{&t.backoffMin, 100 * time.Millisecond},
		{&t.backoffMax, 10 * time.Second},
		{&t.steady, 5 * time.Second},
		{&t.stopGrace, 5 * time.Second},
		{&t.relocate, 5 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return t
}

func realHost() hostView {
	return hostView{
		hostname:   os.Hostname,
		mountinfo:  func() ([]byte, error) { return os.ReadFile("/proc/self/mountinfo") },
		cgroup:     func() ([]byte, error) { return os.ReadFile("/proc/self/cgroup") },
		interfaces: net.InterfaceAddrs,
		lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	}
}
