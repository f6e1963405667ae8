package compile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Input is what is known of the HAProxy that services are for, and of what the operator allows.
type Input struct {
	Owner string // begins every name of ours
	// Alone says that no other gateway is kept, Chained that Kong stands before this one: what only another
	// gateway could serve is worded by that.
	Alone, Chained bool
	// NamesHost says that HAProxy can make a server's address the Host.
	NamesHost bool
	// EndsTLS says that there is a listener for TLS, EndedBefore that somebody before HAProxy may end it.
	EndsTLS, EndedBefore bool
	// VerifiesClients says that there is an authority for clients' certificates.
	VerifiesClients bool
	// TLSPassthrough says that TLS may be passed on by name.
	TLSPassthrough bool
	// Ports are those for which services may ask. Taken says why some of them can't be had; Listeners
	// names the Listeners by the ports that are theirs.
	Ports     []bind.Address
	Taken     map[bind.Address]string
	Listeners map[int]string
	// Authorities are the files by which instances' certificates are verified, by name; "" where one
	// could not be read.
	Authorities map[string]string
}

// Services adds the objects of services to a state. What HAProxy can't express is left out, and named.
func (in *Input) Services(state plan.State, set v1.Set) []v1.Problem {
	var problems []v1.Problem
	for _, name := range slices.Sorted(maps.Keys(set)) {
		c := compiler{in: in, service: set[name], state: state}
		c.compile()
		problems = append(problems, c.problems...)
	}
	return problems
}

// compiler translates one service.
type compiler struct {
	in       *Input
	service  *v1.Service
	upstream setting.Upstream
	state    plan.State
	problems []v1.Problem
}

// compile adds all that is the service's.
func (c *compiler) compile() {
	s := c.service
	if err := charset.Service.Check(s.Name); err != nil {
		c.problem(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, err.Error(), "rename the service")
		return
	}
	upstream, why, fix := c.in.upstreamOf(s)
	if why != "" {
		c.problem(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, why, fix)
		return
	}
	c.upstream = upstream
	if err := c.settings(false).Validate(); err != nil {
		c.problem(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, err.Error(), "change the field")
		return
	}
	plain, address := len(s.Routes) == 0 || s.Via.Port != 0, false
	routes := make([]*routemap.Route, 0, len(s.Routes))
	for i := range s.Routes {
		r, ok := c.route(&s.Routes[i])
		if !ok {
			continue
		}
		routes = append(routes, r)
		plain, address = plain || r.Preserve, address || !r.Preserve
	}
	plain = plain || !address
	for _, variant := range []struct{ wanted, address bool }{{plain, false}, {address, true}} {
		if variant.wanted {
			c.backend(variant.address)
		}
	}
	for _, r := range routes {
		item := object.Route(r)
		if j := slices.IndexFunc(s.Routes, func(d v1.Route) bool { return d.Name == r.Name }); j >= 0 {
			item.Origin = s.Routes[j].Origin
		}
		if _, taken := c.state[item.Key]; taken {
			c.problem(item.Owner, item.Origin, "the service has two routes of this name", "rename one of them")
			continue
		}
		c.state[item.Key] = item
	}
	if s.Via.Port != 0 {
		item := object.Route(viaRoute(s))
		item.Origin = s.Origin
		c.state[item.Key] = item
	}
}

// settings returns what the service's backend asks for in one of its two forms.
func (c *compiler) settings(address bool) setting.Settings {
	made := setting.Of(c.service, address)
	made.Upstream = c.upstream
	if made.Check.Kind == v1.CheckHTTP && c.service.CheckHost == "" { // a server may take a Host only over a connection for it
		made.Check.Host = cmp.Or(made.Upstream.CheckName, made.Check.Host)
	}
	return made
}

// backend adds the service's backend in one of its two forms, and its servers.
func (c *compiler) backend(address bool) {
	s := c.service
	b := &config.Backend{Service: s.Name, Settings: c.settings(address)}
	item := object.Backend(b)
	item.Origin = s.Origin
	c.state[item.Key] = item
	places := map[int]bool{}
	for i := range s.Endpoints {
		endpoint := &s.Endpoints[i]
		srv, err := serverOf(endpoint, address)
		if err != nil {
			c.problem(v1.Key{Kind: v1.KindInstance, Name: endpoint.ID}, endpoint.Origin, err.Error(), "")
			continue
		}
		item := object.Server(b, srv)
		item.Noun = object.ServerNoun(endpoint.Instance, srv, b)
		item.Origin = endpoint.Origin
		if _, taken := c.state[item.Key]; taken {
			c.problem(item.Owner, endpoint.Origin, fmt.Sprintf("another instance of %s has the address %s as well", s.Name, srv.Address), "give each instance an address of its own")
			continue
		}
		place := setting.HashID(srv.Name)
		if b.Hashes() && places[place] { // HAProxy would refuse all of the files
			c.problem(item.Owner, endpoint.Origin, fmt.Sprintf("another instance of %s has its place in the hash", s.Name), "recreate the container")
			continue
		}
		places[place] = true
		c.state[item.Key] = item
	}
}

// serverOf translates an endpoint. Where the Host is to be the server's
// address, the server is named by it (http-send-name-header).
func serverOf(e *v1.Endpoint, address bool) (config.Server, error) {
	s := config.Server{Name: e.ID, ID: e.ID, Address: e.Address.String(), Weight: e.Weight, Drain: e.Draining, MaxConn: max(e.MaxConn, 0), Backup: e.Backup}
	if s.Drain && !e.DrainUntil.IsZero() {
		s.Until = time.Unix(e.DrainUntil.Unix(), 0).UTC()
	}
	if address {
		s.Name = s.Address
	}
	if err := charset.Server.Check(s.ID); err != nil {
		return s, err
	}
	if err := charset.Server.Check(s.Name); err != nil {
		return s, fmt.Errorf("HAProxy can't make %s the Host (preserve_host=false): %w", s.Address, err)
	}
	if err := charset.Address.Check(s.Address); err != nil || !e.Address.IsValid() || e.Address.Addr().Zone() != "" {
		return s, fmt.Errorf("%s is no address that HAProxy can dial", s.Address)
	}
	if s.Weight < 0 || s.Weight > 256 {
		return s, fmt.Errorf("weight %d is not between 0 and 256", s.Weight)
	}
	return s, nil
}

func (c *compiler) problem(of v1.Key, origin v1.Origin, message, fix string) {
	c.problems = append(c.problems, v1.Problem{
		Reason: v1.NotExpressible, Gateway: v1.HAProxy, Object: of, Origin: origin, Message: message, Fix: fix,
	})
}
