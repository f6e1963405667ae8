package compile

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/pcre"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// route translates a route, or names the field that HAProxy can't express.
func (c *compiler) route(d *v1.Route) (*routemap.Route, bool) {
	if c.service.Protocol.Stream() {
		made, refused := c.in.streamRoute(d, c.service.Protocol, c.service.Balance)
		if made == nil {
			c.problems = append(c.problems, refused)
			return nil, false
		}
		made.Service, made.Backend = c.service.Name, c.service.Name
		return made, true
	}
	r := &routemap.Route{
		Name: d.Name, Service: c.service.Name, Hosts: slices.Compact(slices.Sorted(slices.Values(d.Hosts))),
		Paths: slices.Compact(slices.Sorted(slices.Values(d.Paths))),
		Strip: d.StripPath && len(d.Paths) > 0, Preserve: d.PreserveHost, Priority: d.Priority,
		Methods: slices.Compact(slices.Sorted(slices.Values(d.Methods))), Headers: lowerNames(d.Headers), Cookies: lowerNames(d.Cookies),
		ID: routemap.ID(c.in.Owner, d.Name), HSTS: int(d.HSTS / time.Second),
	}
	r.Client = d.ClientCertificate == v1.CertificateRequired
	if len(d.Protocols) == 1 || r.Client { // https: inexpressible refuses http
		r.HTTPS = strconv.Itoa(cmp.Or(d.HTTPSRedirectStatusCode, http.StatusUpgradeRequired))
	}
	r.Backend = (&config.Backend{Service: r.Service, Settings: setting.Settings{Address: !r.Preserve}}).Name()
	owner := v1.Key{Kind: v1.KindRoute, Name: d.Name}
	if field, why := inexpressible(d); field != "" {
		fix := c.elsewhere().Before() + c.elsewhere().Only() + ", leave " + field + " out, or mark the field optional (" + field + "?)"
		if len(d.Hosts)+len(d.Paths)+len(d.Methods)+len(d.Headers) == 0 {
			fix = "give the route hosts or paths, or " + c.elsewhere().Only()
		}
		c.problem(owner, d.Origin, "HAProxy can't express "+field+": "+why, fix)
		return nil, false
	}
	if !d.PreserveHost && !c.in.NamesHost {
		c.problem(owner, d.Origin, "HAProxy can't express preserve_host=false: from 3.3 on it refuses to send a server's address as Host",
			"leave preserve_host out, "+c.elsewhere().Only()+", or run HAProxy 3.2")
		return nil, false
	}
	if why, fix := c.in.plainly(); why != "" && r.HTTPS != "" && !r.Client {
		c.problem(owner, d.Origin, why, fix)
		return nil, false
	}
	if why, fix := c.in.undemandable(); why != "" && r.Client {
		c.problem(owner, d.Origin, why, fix)
		return nil, false
	}
	if c.upstream.Nameless(!d.PreserveHost) {
		c.problem(owner, d.Origin, "with preserve_host=false there is no name for which the container's certificate could be verified",
			"name it with tls_servername, leave preserve_host out, or write tls_verify=false where any certificate will do")
		return nil, false
	}
	err := checkRoute(d)
	if err == nil {
		err = r.Check(c.in.Owner)
	}
	if err != nil {
		c.problem(owner, d.Origin, err.Error(), "change the field")
		return nil, false
	}
	return r, true
}

// elsewhere is the advice to have Kong serve what HAProxy can't.
func (c *compiler) elsewhere() v1.Elsewhere {
	return v1.Elsewhere{Gateway: v1.HAProxy, Field: "gateways", Alone: c.in.Alone, Chained: c.in.Chained}
}

// undemandable says why clients can't be asked for a certificate, and the remedy; "" when they can.
func (in *Input) undemandable() (why, fix string) {
	switch {
	case !in.EndsTLS:
		return "HAProxy has no listener for TLS, where clients could show a certificate", "open one with --haproxy-bind-tls, and name the authority with --haproxy-client-ca"
	case !in.VerifiesClients:
		return "HAProxy knows no authority by which to verify clients' certificates", "name its file with --haproxy-client-ca"
	}
	return "", ""
}

// plainly says why no request would ever be taken by a route that takes https alone;
// "" when there may be some: also those for which somebody else ends TLS.
func (in *Input) plainly() (why, fix string) {
	if in.EndsTLS || in.EndedBefore {
		return "", ""
	}
	return "HAProxy has no listener for TLS, so that no request would be taken",
		"open one with --haproxy-bind-tls, or name the proxies that end TLS before it with --trusted-proxies"
}

// lowerNames returns headers by names in lower case, as HAProxy has them.
func lowerNames(headers map[string][]string) map[string][]string {
	if len(headers) == 0 {
		return nil
	}
	out := make(map[string][]string, len(headers))
	for name, values := range headers {
		out[strings.ToLower(name)] = slices.Compact(slices.Sorted(slices.Values(values)))
	}
	return out
}

// inexpressible returns the first field that HAProxy can't express, and why.
func inexpressible(d *v1.Route) (field, why string) {
	switch {
	case len(d.Hosts)+len(d.Paths)+len(d.Methods)+len(d.Headers) == 0:
		return "hosts", "the route matches nothing; it needs hosts or paths"
	case len(d.Protocols) == 1 && d.Protocols[0] != "https":
		return "protocols", "it takes both http and https, or https alone"
	}
	for _, path := range d.Paths {
		if strings.HasPrefix(path, "~") {
			if why := v1.Backtracks(path[1:]); why != "" {
				return "paths", fmt.Sprintf("the regular expression %q could take long to match: %s", path, why)
			}
			continue
		}
		if d.StripPath && len(path) > routemap.MaxStrip {
			return "strip_path", fmt.Sprintf("%q has more than %d characters", path, routemap.MaxStrip)
		}
	}
	for _, host := range d.Hosts {
		labels := strings.Count(host, ".")
		switch {
		case strings.HasPrefix(host, "*.") && labels > routemap.MaxSuffixLabels:
			return "hosts", fmt.Sprintf("%q has more than %d parts after the star", host, routemap.MaxSuffixLabels)
		case strings.HasSuffix(host, ".*") && labels > routemap.MaxPrefixLabels:
			return "hosts", fmt.Sprintf("%q has more than %d parts before the star", host, routemap.MaxPrefixLabels)
		}
	}
	return "", ""
}

// checkRoute refuses what must not reach a file or a socket.
func checkRoute(d *v1.Route) error {
	if err := charset.Service.Check(d.Name); err != nil {
		return err
	}
	for _, host := range d.Hosts {
		if err := charset.Host.Check(host); err != nil {
			return err
		}
		if strings.Trim(host, "*.") == "" {
			return fmt.Errorf("host %q names nothing beside its star", host)
		}
		if star := strings.Count(host, "*"); star > 1 || star == 1 && !strings.HasPrefix(host, "*.") && !strings.HasSuffix(host, ".*") {
			return fmt.Errorf("host %q has a star where HAProxy knows none", host)
		}
	}
	for _, path := range d.Paths {
		if strings.HasPrefix(path, "~") {
			if _, err := pcre.From(path[1:]); err != nil {
				return err
			}
			continue
		}
		if err := charset.Path.Check(path); err != nil {
			return err
		}
		if path[0] != '/' {
			return fmt.Errorf("path %q does not begin with /", path)
		}
	}
	for _, method := range d.Methods {
		if err := charset.Method.Check(method); err != nil {
			return err
		}
	}
	for name, values := range d.Cookies {
		if err := charset.Header.Check(name); err != nil {
			return err
		}
		for _, value := range values {
			if err := charset.Value.Check(value); err != nil {
				return err
			}
		}
	}
	return checkHeaders(d.Headers)
}

func checkHeaders(headers map[string][]string) error {
	for name, values := range headers {
		if err := charset.Header.Check(name); err != nil {
			return err
		}
		if len(values) == 0 {
			return fmt.Errorf("header %s has no values", name)
		}
		for _, value := range values {
			if err := charset.Value.Check(value); err != nil {
				return err
			}
			if strings.HasPrefix(value, "~*") {
				return fmt.Errorf("header value %q is a regular expression", value)
			}
		}
	}
	return nil
}
