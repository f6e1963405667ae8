package haproxy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// The kinds of objects, in the order of their levels.
const (
	kindProcess     v1.Kind = "haproxy"
	kindCertificate         = v1.KindCertificate
	kindSection             = v1.KindSection
	kindBackend     v1.Kind = "backend"
	kindServer      v1.Kind = "server"
	kindRoute       v1.Kind = "route"
)

const (
	levelProcess = iota
	levelCertificate
	levelBackend
	levelServer
	levelRoute
	levelSection
)

// Compile implements reconcilers.Reconciler.
func (r *Reconciler) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state := plan.State{}
	var problems []v1.Problem
	if scope.All() {
		problems = r.listeners(state, shared.Listeners)
		object := baseObject(condition{text: digest(r.base), process: processRuns, loaded: "yes", files: "current", routes: "current"})
		state[object.Key] = object
		problems = append(problems, r.certificates(state, shared.Certificates)...)
		problems = append(problems, r.nativeSections(state, shared.Sections)...)
		problems = append(problems, r.unserved(shared.Entities)...)
		problems = append(problems, r.notices()...)
	}
	for _, name := range sortedKeys(set) {
		c := compiler{r: r, owner: r.o.Owner, can: r.can(), service: set[name], state: state}
		c.compile()
		problems = append(problems, c.problems...)
	}
	return state, problems
}

// compiler translates one service.
type compiler struct {
	r        *Reconciler
	owner    string
	can      abilities
	service  *v1.Service
	upstream upstream
	state    plan.State
	problems []v1.Problem
}

func (c *compiler) compile() {
	s := c.service
	if err := wordService.check(s.Name); err != nil {
		c.problem(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, err.Error(), "rename the service")
		return
	}
	upstream, why, fix := c.r.upstreamOf(s)
	if why != "" {
		c.problem(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, why, fix)
		return
	}
	c.upstream = upstream
	if err := c.settings(false).check(); err != nil {
		c.problem(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, err.Error(), "change the field")
		return
	}
	plain, address := len(s.Routes) == 0 || s.Via.Port != 0, false
	routes := make([]*route, 0, len(s.Routes))
	for i := range s.Routes {
		r, ok := c.route(&s.Routes[i])
		if !ok {
			continue
		}
		routes = append(routes, r)
		plain, address = plain || r.preserve, address || !r.preserve
	}
	plain = plain || !address
	for _, variant := range []struct{ wanted, address bool }{{plain, false}, {address, true}} {
		if variant.wanted {
			c.backend(variant.address)
		}
	}
	for _, r := range routes {
		object := routeObject(r)
		if j := slices.IndexFunc(s.Routes, func(d v1.Route) bool { return d.Name == r.name }); j >= 0 {
			object.Origin = s.Routes[j].Origin
		}
		if _, taken := c.state[object.Key]; taken {
			c.problem(object.Owner, object.Origin, "the service has two routes of this name", "rename one of them")
			continue
		}
		c.state[object.Key] = object
	}
	if s.Via.Port != 0 {
		object := viaObject(viaRoute(s))
		object.Origin = s.Origin
		c.state[object.Key] = object
	}
}

// settings returns what the service's backend asks for in one of its two forms.
func (c *compiler) settings(address bool) settings {
	made := settingsOf(c.service, address)
	made.Upstream = c.upstream
	if made.Check.Kind == v1.CheckHTTP && c.service.CheckHost == "" { // a server may take a Host only over a connection for it
		made.Check.Host = cmp.Or(made.Upstream.CheckName, made.Check.Host)
	}
	return made
}

// backend adds the service's backend in one of its two forms, and its servers.
func (c *compiler) backend(address bool) {
	s := c.service
	b := &backend{service: s.Name, settings: c.settings(address)}
	object := backendObject(b)
	object.Origin = s.Origin
	c.state[object.Key] = object
	places := map[int]bool{}
	for i := range s.Endpoints {
		endpoint := &s.Endpoints[i]
		srv, err := serverOf(endpoint, address)
		if err != nil {
			c.problem(v1.Key{Kind: v1.KindInstance, Name: endpoint.ID}, endpoint.Origin, err.Error(), "")
			continue
		}
		object := serverObject(b, srv)
		object.Noun = serverNoun(endpoint.Instance, srv, b)
		object.Origin = endpoint.Origin
		if _, taken := c.state[object.Key]; taken {
			c.problem(object.Owner, endpoint.Origin, fmt.Sprintf("another instance of %s has the address %s as well", s.Name, srv.address), "give each instance an address of its own")
			continue
		}
		place := hashID(srv.name)
		if b.hashes() && places[place] { // HAProxy would refuse all of the files
			c.problem(object.Owner, endpoint.Origin, fmt.Sprintf("another instance of %s has its place in the hash", s.Name), "recreate the container")
			continue
		}
		places[place] = true
		c.state[object.Key] = object
	}
}

// serverOf translates an endpoint. Where the Host is to be the server's
// address, the server is named by it (http-send-name-header).
func serverOf(e *v1.Endpoint, address bool) (server, error) {
	s := server{name: e.ID, id: e.ID, address: e.Address.String(), weight: e.Weight, drain: e.Draining, maxconn: max(e.MaxConn, 0), backup: e.Backup}
	if s.drain && !e.DrainUntil.IsZero() {
		s.until = time.Unix(e.DrainUntil.Unix(), 0).UTC()
	}
	if address {
		s.name = s.address
	}
	if err := wordServer.check(s.id); err != nil {
		return s, err
	}
	if err := wordServer.check(s.name); err != nil {
		return s, fmt.Errorf("HAProxy can't make %s the Host (preserve_host=false): %w", s.address, err)
	}
	if err := wordAddress.check(s.address); err != nil || !e.Address.IsValid() || e.Address.Addr().Zone() != "" {
		return s, fmt.Errorf("%s is no address that HAProxy can dial", s.address)
	}
	if s.weight < 0 || s.weight > 256 {
		return s, fmt.Errorf("weight %d is not between 0 and 256", s.weight)
	}
	return s, nil
}

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
	r.backend = (&backend{service: r.service, settings: settings{Address: !r.preserve}}).name()
	owner := v1.Key{Kind: v1.KindRoute, Name: d.Name}
	if field, why := inexpressible(d); field != "" {
		fix := "leave " + field + " out, serve the route on another gateway alone (gateways=kong), or mark the field optional (" + field + "?)"
		if len(d.Hosts)+len(d.Paths)+len(d.Methods)+len(d.Headers) == 0 {
			fix = "give the route hosts or paths, or serve it on another gateway alone (gateways=kong)"
		}
		c.problem(owner, d.Origin, "HAProxy can't express "+field+": "+why, fix)
		return nil, false
	}
	if !d.PreserveHost && !c.can.namesHost {
		c.problem(owner, d.Origin, "HAProxy can't express preserve_host=false: from 3.3 on it refuses to send a server's address as Host",
			"leave preserve_host out, serve the route on another gateway alone (gateways=kong), or run HAProxy 3.2")
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
	if c.upstream.nameless(!d.PreserveHost) {
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
	if err := wordService.check(d.Name); err != nil {
		return err
	}
	for _, host := range d.Hosts {
		if err := wordHost.check(host); err != nil {
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
			if _, err := perl(path[1:]); err != nil {
				return err
			}
			continue
		}
		if err := wordPath.check(path); err != nil {
			return err
		}
		if path[0] != '/' {
			return fmt.Errorf("path %q does not begin with /", path)
		}
	}
	for _, method := range d.Methods {
		if err := wordMethod.check(method); err != nil {
			return err
		}
	}
	for name, values := range d.Cookies {
		if err := wordHeader.check(name); err != nil {
			return err
		}
		for _, value := range values {
			if err := wordValue.check(value); err != nil {
				return err
			}
		}
	}
	return checkHeaders(d.Headers)
}

func checkHeaders(headers map[string][]string) error {
	for name, values := range headers {
		if err := wordHeader.check(name); err != nil {
			return err
		}
		if len(values) == 0 {
			return fmt.Errorf("header %s has no values", name)
		}
		for _, value := range values {
			if err := wordValue.check(value); err != nil {
				return err
			}
			if strings.HasPrefix(value, "~*") {
				return fmt.Errorf("header value %q is a regular expression", value)
			}
		}
	}
	return nil
}

func (c *compiler) problem(object v1.Key, origin v1.Origin, message, fix string) {
	c.problems = append(c.problems, v1.Problem{
		Reason: v1.NotExpressible, Gateway: v1.HAProxy, Object: object, Origin: origin, Message: message, Fix: fix,
	})
}

// milliseconds returns what HAProxy takes: 1 ms to about 24 days.
func milliseconds(d time.Duration, unset int) int {
	if d <= 0 {
		return unset
	}
	return int(min(max((d+time.Millisecond-1).Milliseconds(), 1), math.MaxInt32))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
