package reconcilertest

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Fleet is a changing set of services that every gateway can serve, though Kong
// leaves out maxconn, backup and slowstart: the same seed gives the same story. It keeps what the stages before a gateway promise:
// sorted lists, unique names and matches, addresses that no two instances of a
// service share, and services that are never changed after they were handed on.
type Fleet struct {
	random       *rand.Rand
	services     map[string]*v1.Service
	certificates map[string]v1.Certificate
	listeners    map[string]v1.Listener
	people       map[string]person // consumers, by name
	global       int               // of a plugin for everybody; 0 for none
	keySets      []string
	owns         map[string]own // routes in Kong's own words, by name
	streams      bool           // some services take TLS by name
	number       int            // the last number that was given out, for ids, hosts and addresses
}

// NewFleet returns an empty fleet.
func NewFleet(seed uint64) *Fleet {
	return &Fleet{random: rand.New(rand.NewPCG(seed, 2)), services: map[string]*v1.Service{}, certificates: map[string]v1.Certificate{}, listeners: map[string]v1.Listener{}, people: map[string]person{}, owns: map[string]own{}}
}

// Set returns the services as they are now.
func (f *Fleet) Set() v1.Set { return maps.Clone(f.services) }

// Grow lets the fleet become n services larger.
func (f *Fleet) Grow(n int) {
	for range n {
		f.add()
	}
}

// Step lets one thing happen, and returns a sentence about it and the service
// that it happened to.
func (f *Fleet) Step() (event, service string) {
	if len(f.services) < 3 || len(f.services) < 12 && f.random.IntN(12) == 0 {
		name := f.add()
		return "add service " + name, name
	}
	name := pick(f.random, slices.Sorted(maps.Keys(f.services)))
	if f.random.IntN(20) == 0 {
		delete(f.services, name)
		return "remove service " + name, name
	}
	next := copyService(f.services[name])
	event = f.change(next)
	f.services[name] = next
	return event + " of " + name, name
}

// change does one thing to a service that is still the fleet's own.
func (f *Fleet) change(s *v1.Service) string {
	if len(s.Endpoints) == 0 {
		return f.addEndpoint(s)
	}
	if len(s.Routes) == 0 {
		return f.addRoute(s)
	}
	e := &s.Endpoints[f.random.IntN(len(s.Endpoints))]
	r := &s.Routes[f.random.IntN(len(s.Routes))]
	kind := f.random.IntN(22)
	if s.Protocol.Stream() && kind >= 14 && kind < 20 {
		return f.stream(s, r)
	}
	switch kind {
	case 0, 1, 2:
		return f.addEndpoint(s)
	case 3, 4:
		id := e.ID
		s.Endpoints = slices.DeleteFunc(s.Endpoints, func(e v1.Endpoint) bool { return e.ID == id })
		return "remove instance " + id
	case 5, 6:
		return f.drain(e)
	case 7:
		e.Address = f.address()
		return "re-address instance " + e.ID
	case 8:
		e.Weight = pick(f.random, []int{0, 1, 50, 100, 256})
		return fmt.Sprintf("set weight %d on instance %s", e.Weight, e.ID)
	case 9:
		s.Endpoints = nil
		for range 1 + f.random.IntN(4) {
			f.addEndpoint(s)
		}
		return "replace all instances"
	case 10:
		return f.addRoute(s)
	case 11:
		name := r.Name
		s.Routes = slices.DeleteFunc(s.Routes, func(r v1.Route) bool { return r.Name == name })
		return "remove route " + name
	case 12, 13:
		f.match(s, r)
		return "change the match of route " + r.Name
	case 14:
		r.StripPath, r.PreserveHost = f.random.IntN(2) == 0, f.random.IntN(2) == 0
		return "change the options of route " + r.Name
	case 15, 16, 17:
		return f.balance(s, e)
	case 18:
		return f.chain(s)
	case 19:
		return f.secure(s, r)
	default:
		return f.patience(s)
	}
}

// patience changes how long a gateway waits for instances, and how often it tries.
func (f *Fleet) patience(s *v1.Service) string {
	s.ReadTimeout = time.Duration(1+f.random.IntN(90)) * time.Second
	s.ConnectTimeout = time.Duration(1+f.random.IntN(5000)) * time.Millisecond
	s.Retries = pick(f.random, []*int{nil, new(0), new(2)})
	s.SlowStart, s.QueueTimeout = pick(f.random, []time.Duration{0, time.Minute}), pick(f.random, []time.Duration{0, time.Second})
	return "change the timeouts and retries"
}

// drain takes an instance out of service, with or without an end for what it has
// begun, or puts it back.
func (f *Fleet) drain(e *v1.Endpoint) string {
	e.Draining, e.DrainUntil = !e.Draining, time.Time{}
	if e.Draining && f.random.IntN(2) == 0 {
		e.DrainUntil = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return fmt.Sprintf("set draining %t on instance %s", e.Draining, e.ID)
}

// balance changes how the requests of a service are shared, or what one of its
// instances gets.
func (f *Fleet) balance(s *v1.Service, e *v1.Endpoint) string {
	switch f.random.IntN(3) {
	case 0:
		s.Balance = pick(f.random, []string{"", v1.LeastConn, v1.BalanceSource, v1.BalanceURI, "header:X-User", "cookie:session"})
		s.Sticky = pick(f.random, []string{"", "", "server"})
		return fmt.Sprintf("change the balance to %q, the cookie to %q", s.Balance, s.Sticky)
	case 1:
		s.HealthCheck = pick(f.random, []v1.HealthCheck{
			{}, {Check: v1.CheckHTTP, CheckInterval: time.Hour, CheckPassive: pick(f.random, []int{0, 3})}, {Check: v1.CheckHTTP, CheckPath: "/healthz", CheckStatus: []string{"200", "300-399"}, CheckRise: 1, CheckFall: 7},
		})
		return "change the health check to " + s.Check
	default:
		e.MaxConn = pick(f.random, []int{0, 1, 50})
		return fmt.Sprintf("set maxconn %d on instance %s", e.MaxConn, e.ID)
	}
}

// stream changes what a service of connections has besides instances and names.
func (f *Fleet) stream(s *v1.Service, r *v1.Route) string {
	switch f.random.IntN(4) {
	case 0:
		s.Balance = pick(f.random, []string{"", v1.LeastConn, v1.BalanceSource})
		return fmt.Sprintf("change the balance to %q", s.Balance)
	case 1:
		s.HealthCheck = pick(f.random, []v1.HealthCheck{
			{}, {Check: v1.CheckTCP, CheckExpect: "x", CheckInterval: time.Hour, CheckPassive: pick(f.random, []int{0, 3})},
		})
		return "change the health check to " + s.Check
	case 2:
		s.TunnelTimeout = pick(f.random, []time.Duration{0, time.Minute})
		return "change how long a connection may be silent"
	}
	s.ProxyProtocol, r.Priority = pick(f.random, []string{"", "v1", "v2"}), f.random.IntN(3)
	return "change the PROXY protocol"
}

// secure changes what is spoken with instances, and what is asked of a route's clients.
func (f *Fleet) secure(s *v1.Service, r *v1.Route) string {
	if f.random.IntN(2) == 0 {
		r.ClientCertificate = pick(f.random, []string{"", v1.CertificateRequired})
		r.Protocols = pick(f.random, [][]string{nil, {"https"}})
		return "change what route " + r.Name + " asks of clients"
	}
	s.Protocol = pick(f.random, []v1.Protocol{v1.HTTP, v1.HTTPS}) // what every gateway speaks with any route
	s.TLSUnverified, s.TLSServerName = true, pick(f.random, []string{"", "a.internal"})
	return "speak " + s.Protocol.String() + " with instances"
}

// chain lets one gateway reach the service through the other, or no longer.
func (f *Fleet) chain(s *v1.Service) string {
	if f.number++; s.Via.Port != 0 {
		s.Via = v1.Via{}
		return "reach no gateway through another"
	}
	s.Via = v1.Via{Host: "127.0.0.1", Port: uint16(20_000 + f.number%20_000)} //nolint:gosec // below 40,000
	return "reach one gateway through the other"
}

func (f *Fleet) add() string {
	f.number++
	name := fmt.Sprintf(pick(f.random, []string{"web%d", "shop.web%d", "shop.api_v%d", "shop.web%d.admin", "odd%d-", "%d", "shop.web%d.V.v2"}), f.number)
	s := &v1.Service{
		Name: name, Grace: 10 * time.Minute,
		ConnectTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
		Origin: v1.Origin{Container: fmt.Sprintf("c-%d", f.number), Label: "lockstep.enable"},
	}
	if f.streams && f.random.IntN(4) == 0 {
		s.Protocol = v1.TLSPassthrough
	}
	for range f.random.IntN(4) {
		f.addEndpoint(s)
	}
	for range 1 + f.random.IntN(2) {
		f.addRoute(s)
	}
	f.services[name] = s
	return name
}

func (f *Fleet) addEndpoint(s *v1.Service) string {
	f.number++
	id := fmt.Sprintf("%012x", f.number*7919)
	s.Endpoints = append(s.Endpoints, v1.Endpoint{
		ID: id, Instance: fmt.Sprintf("c-%d", f.number), Address: f.address(), Weight: 100, Backup: f.random.IntN(8) == 0,
		Origin: v1.Origin{Container: fmt.Sprintf("c-%d", f.number)},
	})
	slices.SortFunc(s.Endpoints, func(a, b v1.Endpoint) int { return cmp.Compare(a.ID, b.ID) })
	return "add instance " + id
}

func (f *Fleet) addRoute(s *v1.Service) string {
	f.number++
	r := v1.Route{
		Name: fmt.Sprintf("%s.r%d", s.Name, f.number), PreserveHost: true,
		Origin: v1.Origin{Container: s.Origin.Container, Label: "lockstep.hosts"},
	}
	f.match(s, &r)
	s.Routes = append(s.Routes, r)
	slices.SortFunc(s.Routes, func(a, b v1.Route) int { return cmp.Compare(a.Name, b.Name) })
	return "add route " + r.Name
}

// match gives a route a match that no other has: each holds a fresh number.
func (f *Fleet) match(s *v1.Service, r *v1.Route) {
	f.number++
	n := f.number
	r.Hosts, r.Paths, r.Methods, r.Headers, r.Cookies, r.SNIs = nil, nil, nil, nil, nil, nil
	if s.Protocol.Stream() {
		r.SNIs = []string{fmt.Sprintf("*.w%d.example.test", n), fmt.Sprintf("n%d.example.test", n)}
		return
	}
	switch f.random.IntN(8) {
	case 0:
		r.Hosts = []string{fmt.Sprintf("h%d.example.test", n)}
	case 1:
		r.Hosts = []string{fmt.Sprintf("a%d.example.test", n), fmt.Sprintf("b%d.example.test", n)}
		r.Paths = []string{"/", "/api"}
	case 2:
		r.Hosts, r.Paths = []string{"shared.example.test"}, []string{fmt.Sprintf("/p%d", n)}
	case 3:
		r.Hosts = []string{fmt.Sprintf("*.w%d.test", n)}
		r.Methods = []string{"GET", "POST"}
	case 4:
		r.Hosts, r.Paths = []string{"regex.example.test"}, []string{fmt.Sprintf("~/v[0-9]+/r%d", n)}
	case 5:
		r.Hosts = []string{fmt.Sprintf("h%d.example.test", n)}
		r.Headers = map[string][]string{"X-Version": {"1", "2"}}
	case 6: // as a rollout's picks are
		r.Hosts = []string{fmt.Sprintf("h%d.example.test", n)}
		r.Headers, r.Cookies = map[string][]string{"x-pick": {"v2"}}, map[string][]string{"pick": {"v2"}}
	default:
		r.Paths = []string{fmt.Sprintf("/only/path%d", n)}
	}
}

// address gives out each address once, some of IPv6.
func (f *Fleet) address() netip.AddrPort {
	f.number++
	n := f.number
	if n%9 == 0 {
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0xfd, 14: byte(n >> 8), 15: byte(n)}), 8080)
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 8080)
}

func copyService(s *v1.Service) *v1.Service {
	next := *s
	next.Routes, next.Endpoints = slices.Clone(s.Routes), slices.Clone(s.Endpoints)
	return &next
}

func pick[T any](random *rand.Rand, choices []T) T { return choices[random.IntN(len(choices))] }
