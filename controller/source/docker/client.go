package docker

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/client"
)

// Inspections that may run side by side. Over ssh each one is a process.
const (
	parallel    = 8
	parallelSSH = 2
)

// connection is a client and what is known of the way to it.
type connection struct {
	engine   engine
	host     string // as the user would name it
	address  string // host name or address of an Engine that is not reached by a socket file
	local    bool   // the Engine certainly runs on this machine
	parallel int
}

// dial makes a client for a host in DOCKER_HOST's syntax; it does not connect
// yet. The API version is negotiated with the first request.
func dial(host string, wrap func(http.RoundTripper) http.RoundTripper) (connection, error) {
	if host == "" {
		host = os.Getenv(client.EnvOverrideHost)
	}
	if host == "" {
		host = client.DefaultDockerHost
	}
	c := connection{host: host, parallel: parallel}
	options, err := c.way()
	if err != nil {
		return connection{}, fmt.Errorf("docker host %q: %w", host, err)
	}
	options = append(options, client.WithVersionFromEnv(), client.WithAPIVersionNegotiation(), tune(wrap))
	cli, err := client.NewClientWithOpts(options...)
	if err != nil {
		return connection{}, fmt.Errorf("docker host %q: %w", host, err)
	}
	c.engine = cli
	return c, nil
}

// way returns the options that lead the SDK to c.host and fills in what the
// kind of host says about the way there.
func (c *connection) way() ([]client.Opt, error) {
	u, err := url.Parse(c.host)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "unix", "npipe":
		c.local = true
		return []client.Opt{client.WithHost(c.host)}, nil
	case "ssh":
		helper, err := connhelper.GetConnectionHelper(c.host)
		if err != nil {
			return nil, err
		}
		c.parallel, c.address = parallelSSH, u.Hostname()
		return []client.Opt{client.WithHost(helper.Host), client.WithDialContext(helper.Dialer)}, nil
	case "tcp", "http", "https":
		// Without a folder of certificates the SDK would quietly speak plain text.
		if os.Getenv(client.EnvTLSVerify) != "" && os.Getenv(client.EnvOverrideCertPath) == "" {
			return nil, errors.New("DOCKER_TLS_VERIFY is set but DOCKER_CERT_PATH is not; name the folder of ca.pem, cert.pem and key.pem")
		}
		c.address = u.Hostname()
		a, err := netip.ParseAddr(c.address)
		c.local = c.address == "localhost" || err == nil && a.IsLoopback()
		return []client.Opt{client.WithTLSClientConfigFromEnv(), client.WithHost(c.host)}, nil
	}
	return nil, errors.New("use unix:///path, tcp://host:port or ssh://user@host")
}

// tune lets inspections that run side by side keep their connections, and puts
// the observer of the tests between the SDK and the wire. It comes after the
// SDK has set up its transport.
func tune(wrap func(http.RoundTripper) http.RoundTripper) client.Opt {
	return func(c *client.Client) error {
		hc := c.HTTPClient()
		transport, ok := hc.Transport.(*http.Transport)
		if !ok {
			return fmt.Errorf("unexpected transport %T", hc.Transport)
		}
		transport.MaxIdleConns = parallel + 2
		transport.MaxIdleConnsPerHost = parallel + 2
		transport.IdleConnTimeout = 30 * time.Second
		if wrap != nil {
			hc.Transport = wrap(transport)
		}
		return client.WithHTTPClient(hc)(c)
	}
}
