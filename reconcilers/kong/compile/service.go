package compile

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

func (c *compiler) service(s *v1.Service) {
	why, fix := c.unspoken(s)
	issuers, lacking, remedy := c.issuersOf(s)
	if why == "" {
		why, fix = lacking, remedy
	}
	if why != "" {
		c.refuse(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, why, fix)
		return
	}
	name, tags := c.Names.Name(s.Name), c.Names.Tags(entity.TagService+s.Name)
	if s.Via.Port == 0 {
		balanced, ok := upstream(name, s, tags)
		if !ok {
			c.refuse(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, fmt.Sprintf("Kong has no algorithm %q", s.Balance), "change the field balance")
			return
		}
		c.add(v1.KindUpstream, s.Name, s.Name, s.Origin, balanced)
		for _, e := range s.Endpoints {
			c.target(s, e, tags)
		}
	}
	made := c.backend(name, s, tags)
	if made.CACertificates = issuers; s.Via.TLS {
		c.proven(&made)
	}
	c.add(v1.KindService, s.Name, s.Name, s.Origin, made)
	shared, failed := c.plugins(v1.KindService, s.Name, s, s.Plugins)
	if len(s.Routes) == 0 {
		c.blame(failed.problems, v1.Key{Kind: v1.KindService, Name: s.Name})
	}
	for _, route := range s.Routes {
		c.route(s, route, shared, failed)
	}
}

// backend is the Kong service; its host is the upstream of the same name, or
// HAProxy, which then alone tries again.
func (c *compiler) backend(name string, s *v1.Service, tags []string) gokong.Service {
	host, port, tries := name, 80, s.Tries()
	if s.Via.Port != 0 {
		host, port, tries = s.Via.Host, int(s.Via.Port), 0
	}
	made := gokong.Service{
		Name: &name, Host: &host, Port: &port, Protocol: new(s.Protocol.String()), TLSVerify: verify(s), Retries: &tries,
		ConnectTimeout: milliseconds(s.ConnectTimeout), ReadTimeout: milliseconds(s.ReadTimeout), WriteTimeout: milliseconds(s.WriteTimeout),
		Tags: gokong.StringSlice(tags...),
	}
	passesOn(s, &made)
	return made
}

// target adds an endpoint. Where two share an address, which can be for a
// moment only, the one that takes the most requests decides.
func (c *compiler) target(s *v1.Service, e v1.Endpoint, tags []string) {
	if !e.Address.IsValid() || e.Address.Addr().Zone() != "" {
		c.refuse(v1.Key{Kind: v1.KindInstance, Name: e.ID}, e.Origin,
			fmt.Sprintf("the address %s of an instance of %s can't be a target of Kong", e.Address, s.Name),
			"connect it with Kong over a network that has IPv4 or global IPv6 addresses")
		return
	}
	takes := e.Weight
	if e.Draining {
		takes = 0
	}
	at := entity.Address(e.Address.String())
	key := v1.Key{Kind: v1.KindTarget, Name: s.Name + "/" + at}
	if other, taken := c.state[key]; taken {
		if r, ok := other.Native.(*entity.Record); ok && weight(r) >= takes {
			return
		}
		delete(c.state, key)
	}
	o := c.add(v1.KindTarget, key.Name, s.Name, e.Origin, gokong.Target{
		Target: &at, Weight: &takes, Tags: gokong.StringSlice(tags...),
		Upstream: &gokong.Upstream{ID: new(c.Names.ID(v1.KindUpstream, s.Name))},
	})
	if o != nil {
		o.Owner.Name = e.ID
		o.Noun = fmt.Sprintf("target %s (%s) of %s", at, e.Instance, s.Name)
	}
}

// weight is that of a target.
func weight(r *entity.Record) int {
	number, _ := r.Body["weight"].(json.Number)
	weight, err := number.Int64()
	if err != nil {
		return 0
	}
	return int(weight)
}

// milliseconds is a timeout in the range that Kong takes; unset means Kong's own minute.
func milliseconds(d time.Duration) *int {
	if d <= 0 {
		d = time.Minute
	}
	return new(int(min(max(d.Milliseconds(), 1), math.MaxInt32-1)))
}
