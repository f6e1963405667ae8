package cmd

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/reconcilers/haproxy"
)

// chainSettings are the flags that say through which gateways requests come
// where no label does, and how one gateway reaches the other.
type chainSettings struct {
	gateways    []string
	kongService string
	viaAddress  string
	viaBind     string
	viaPorts    string
	viaAllow    []string
	viaTLS      bool

	// What follows from them, once they are checked.
	ways  []v1.Way
	chain desired.Chain
	via   haproxy.Via
}

func (c *chainSettings) bind(f *pflag.FlagSet) {
	f.StringSliceVar(&c.gateways, "gateways", nil, "the `way` in for services whose labels name none: kong, haproxy, kong>haproxy, haproxy>kong; repeatable (default: every configured gateway on its own; with a Kong without a database and --haproxy-via-address, kong>haproxy and haproxy)")
	f.StringVar(&c.kongService, "kong-service", "", "`key` of the service whose containers are the Kong nodes, for haproxy>kong")
	f.StringVar(&c.viaAddress, "haproxy-via-address", "", "`host` at which Kong reaches HAProxy, a name or an IP address, for kong>haproxy, which is then the default before a Kong without a database")
	f.StringVar(&c.viaBind, "haproxy-via-bind", "", "`ip` that HAProxy listens on for Kong (default: --haproxy-via-address if that is one, else every address)")
	f.StringVar(&c.viaPorts, "haproxy-via-ports", "29000-29499", "`first-last` of the ports that HAProxy listens on for Kong, one for each service")
	f.StringSliceVar(&c.viaAllow, "haproxy-via-allow", nil, "`network` of the Kong nodes, as 172.18.0.0/16, that may use these ports; repeatable; needed unless they are on loopback, or Kong proves itself (--haproxy-via-tls)")
	f.BoolVar(&c.viaTLS, "haproxy-via-tls", false, "let Kong and HAProxy speak TLS there, each proving to the other who it is, with keys that Lockstep makes; nobody else gets in")
}

// hostPattern is what Kong takes as a service's host.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// check reads the flags, and refuses ways that can't be gone.
func (c *chainSettings) check(s *settings) error {
	c.chain = desired.Chain{KongService: c.kongService}
	if c.viaTLS && c.viaAddress == "" {
		return errors.New("--haproxy-via-tls is for kong>haproxy, which is not set up; say where Kong reaches HAProxy with --haproxy-via-address")
	}
	if c.viaAddress != "" {
		if err := c.checkVia(); err != nil {
			return err
		}
	}
	if len(c.gateways) == 0 {
		return nil
	}
	var err error
	if c.ways, err = v1.ParseWays(strings.Join(c.gateways, ",")); err != nil {
		return fmt.Errorf("--gateways %s: %w", strings.Join(c.gateways, ","), err)
	}
	for _, way := range c.ways {
		if gateway := v1.Gateway(way); (gateway == v1.Kong || gateway == v1.HAProxy) && !slices.Contains(s.configured(), gateway) {
			return fmt.Errorf("--gateways %s: it is not configured; name Kong with --kong-admin-url, leave --haproxy at managed or external, or name another way", way)
		}
		if why, fix := c.chain.Usable(way, s.configured()); why != "" {
			return fmt.Errorf("--gateways %s: %s; %s", way, why, fix)
		}
	}
	return nil
}

// configured returns the gateways that the flags name.
func (s *settings) configured() []v1.Gateway {
	var out []v1.Gateway
	if len(s.kongAdminURLs) > 0 {
		out = append(out, v1.Kong)
	}
	if s.haproxy != "off" {
		out = append(out, v1.HAProxy)
	}
	return out
}

// checkVia reads where Kong reaches HAProxy. Whoever else reaches these ports gets
// past all that Kong asks for, so the flags must say who may.
func (c *chainSettings) checkVia() error {
	listen, err := netip.ParseAddr(c.viaAddress)
	if err != nil && !hostPattern.MatchString(c.viaAddress) {
		return fmt.Errorf("--haproxy-via-address %q is neither a host name nor an IP address", c.viaAddress)
	}
	if c.viaBind != "" {
		if listen, err = netip.ParseAddr(c.viaBind); err != nil {
			return checkViaBind(c.viaBind)
		}
	}
	c.via = haproxy.Via{}
	if c.via.First, c.via.Last, err = parseViaPorts(c.viaPorts); err != nil {
		return err
	}
	if listen.IsValid() && !listen.IsUnspecified() {
		c.via.Host = listen.String()
	}
	for _, text := range c.viaAllow {
		network, err := parseViaAllow(text)
		if err != nil {
			return err
		}
		c.via.Allow = append(c.via.Allow, network)
	}
	if len(c.via.Allow) == 0 && !listen.IsLoopback() && !c.viaTLS {
		return fmt.Errorf("--haproxy-via-address %s: whoever reaches HAProxy's ports %s gets past what Kong asks for; have Kong prove itself there with --haproxy-via-tls, or name the network of the Kong nodes with --haproxy-via-allow (0.0.0.0/0 lets everybody in)", c.viaAddress, c.viaPorts)
	}
	c.chain.Host, c.chain.First, c.chain.Last, c.chain.TLS = c.viaAddress, c.via.First, c.via.Last, c.viaTLS
	return nil
}

func checkViaBind(text string) error {
	if _, err := netip.ParseAddr(text); err != nil {
		return fmt.Errorf("--haproxy-via-bind %q is no IP address, for example 172.18.0.1", text)
	}
	return nil
}

func parseViaPorts(text string) (first, last uint16, err error) {
	from, to, ranged := strings.Cut(text, "-")
	low, err1 := strconv.ParseUint(from, 10, 16)
	high, err2 := strconv.ParseUint(to, 10, 16)
	if !ranged || err1 != nil || err2 != nil || low == 0 || low > high {
		return 0, 0, fmt.Errorf("--haproxy-via-ports %q is no range of ports, for example 29000-29499", text)
	}
	return uint16(low), uint16(high), nil
}

func parseViaAllow(text string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("--haproxy-via-allow %q is no network, for example 172.18.0.0/16", text)
	}
	return network.Masked(), nil
}
