package haproxy

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
	"github.com/lockstep/lockstep/reconcilers/haproxy/pcre"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// route translates a route, or names the field that HAProxy can't express.
func (c *compiler) route(d *v1.Route) (*route, bool) {
	if c.service.Protocol.Stream() {
		made, refused := c.r.streamRoute(d, c.service.Protocol, c.service.Balance)
		if made == nil {
			c.problems = append(c.problems, refused)
			return nil, false
		}
		made.service, made.backend = c.service.Name, c.service.Name
		return made, true
	}
	r := &route{
		name: d.Name, service: c.service.Name, hosts: slices.Compact(slices.Sorted(slices.Values(d.Hosts))),
		paths: slices.Compact(slices.Sorted(slices.Values(d.Paths))),
		strip: d.StripPath && len(d.Paths) > 0, preserve: d.PreserveHost, priority: d.Priority,
		methods: slices.Compact(slices.Sorted(slices.Values(d.Methods))), headers: lowerNames(d.Headers), cookies: lowerNames(d.Cookies),
		id: routeID(c.owner, d.Name), hsts: int(d.HSTS / time.Second),
	}
	r.client = demandsClient(d)
	if len(d.Protocols) == 1 || r.client { // https: inexpressible refuses http
		r.https = strconv.Itoa(cmp.Or(d.HTTPSRedirectStatusCode, http.StatusUpgradeRequired))
	}
	r.backend = (&backend{service: r.service, Settings: setting.Settings{Address: !r.preserve}}).name()
	owner := v1.Key{Kind: v1.KindRoute, Name: d.Name}
	if field, why := inexpressible(d); field != "" {
		fix := c.elsewhere().Before() + c.elsewhere().Only() + ", leave " + field + " out, or mark the field optional (" + field + "?)"
		if len(d.Hosts)+len(d.Paths)+len(d.Methods)+len(d.Headers) == 0 {
			fix = "give the route hosts or paths, or " + c.elsewhere().Only()
		}
		c.problem(owner, d.Origin, "HAProxy can't express "+field+": "+why, fix)
		return nil, false
	}
	if !d.PreserveHost && !c.can.namesHost {
		c.problem(owner, d.Origin, "HAProxy can't express preserve_host=false: from 3.3 on it refuses to send a server's address as Host",
			"leave preserve_host out, "+c.elsewhere().Only()+", or run HAProxy 3.2")
		return nil, false
	}
	if why, fix := c.r.plainly(); why != "" && r.https != "" && !r.client {
		c.problem(owner, d.Origin, why, fix)
		return nil, false
	}
	if why, fix := c.r.undemandable(); why != "" && r.client {
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
		_, err = r.patterns(c.owner)
	}
	if err != nil {
		c.problem(owner, d.Origin, err.Error(), "change the field")
		return nil, false
	}
	return r, true
}

// elsewhere is the advice to have Kong serve what HAProxy can't.
func (c *compiler) elsewhere() v1.Elsewhere {
	return v1.Elsewhere{Gateway: v1.HAProxy, Field: "gateways", Alone: c.r.o.Alone, Chained: c.r.o.Via.First != 0}
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

// routeID is the id that Kong has for a route, in its default workspace.
func routeID(owner, name string) string {
	return v1.Key{Kind: v1.KindRoute, Name: name}.UUID(owner, "")
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
		if d.StripPath && len(path) > maxStrip {
			return "strip_path", fmt.Sprintf("%q has more than %d characters", path, maxStrip)
		}
	}
	for _, host := range d.Hosts {
		labels := strings.Count(host, ".")
		switch {
		case strings.HasPrefix(host, "*.") && labels > maxSuffixLabels:
			return "hosts", fmt.Sprintf("%q has more than %d parts after the star", host, maxSuffixLabels)
		case strings.HasSuffix(host, ".*") && labels > maxPrefixLabels:
			return "hosts", fmt.Sprintf("%q has more than %d parts before the star", host, maxPrefixLabels)
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
