package kong

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	gokong "github.com/kong/go-kong/kong"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// compiler translates services to records. Pure.
type compiler struct {
	names    entity.Namer
	writer   string
	base     *extra
	rows     []*entity.Row
	facts    *facts                // nil while Kong was not asked
	offline  bool                  // it never is
	held     map[string]plan.State // what Kong holds, by service
	open     map[v1.Key]bool       // routes that lead to their services at another node
	state    plan.State
	problems []v1.Problem

	verifies bool                // Kong's workers are asked what they serve
	issuers  map[string][]string // of instances' certificates, in PEM, by name
	files    map[string]string   // where they stand

	// Of what is declared in Kong's own words.
	all   bool              // everything is compiled, not some services
	known map[v1.Key]string // what references may name: its key
	homes map[v1.Key]string // services and routes of ours that they may name: the service
	// groups are what belongs together, by its keys.
	groups map[v1.Key]string
	taken  map[string]*v1.Entity // what no two may have alike: who has it
}

// Compile implements reconcilers.Reconciler.
func (r *Reconciler) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	c := &compiler{names: r.names, base: r.base, writer: r.options.Writer, rows: r.rows, facts: r.last, held: r.held, open: r.open, state: make(plan.State, 8*len(set)+2)}
	c.all, c.issuers, c.files, c.offline, c.verifies = scope.All(), r.authorities, r.options.authorities, r.options.Offline, r.Verifies()
	if c.all {
		c.unavailable()
		if wrong := r.file.problem(); wrong != nil {
			c.problems = append(c.problems, *wrong)
		}
		if r.options.Alone {
			c.unserved(shared)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		c.service(set[name])
	}
	c.entities(c.all, set, slices.Concat(shared.Entities, certificates(shared.Certificates), c.authorities()))
	if c.all {
		c.proof()
	}
	return c.state, c.problems
}

// unavailable adds the upstream and the service that belong to none.
func (c *compiler) unavailable() {
	name := c.names.Name(entity.Reserved)
	marks := []string{entity.TagWriter + c.writer}
	if c.base != nil { // so that another file is another push
		marks = append(marks, entity.TagBase+c.base.digest)
	}
	none, _ := upstream(name, &v1.Service{}, c.names.Tags(marks...))
	c.add(v1.KindUpstream, entity.Reserved, "", v1.Origin{}, none)
	c.add(v1.KindService, entity.Reserved, "", v1.Origin{}, c.backend(name, &v1.Service{}, c.names.Tags()))
}

// unserved names what belongs to no service and is for HAProxy, when there is none.
func (c *compiler) unserved(shared v1.Shared) {
	for i := range shared.Sections {
		c.refuse(v1.Key{Kind: v1.KindSection, Name: shared.Sections[i].Name}, shared.Sections[i].Origin,
			"sections are for HAProxy, which is not kept here", "serve HAProxy as well (--haproxy), or remove the section")
	}
	for i := range shared.Listeners {
		c.refuse(v1.Key{Kind: v1.KindListener, Name: shared.Listeners[i].Name}, shared.Listeners[i].Origin,
			"Listeners are HAProxy's, which is not kept here", "serve HAProxy as well (--haproxy), or remove the Listener")
	}
}

func (c *compiler) service(s *v1.Service) {
	why, fix := unspoken(s)
	issuers, lacking, remedy := c.issuersOf(s)
	if why == "" {
		why, fix = lacking, remedy
	}
	if why != "" {
		c.refuse(v1.Key{Kind: v1.KindService, Name: s.Name}, s.Origin, why, fix)
		return
	}
	name, tags := c.names.Name(s.Name), c.names.Tags(entity.TagService+s.Name)
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
	made.CACertificates = issuers
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
		Upstream: &gokong.Upstream{ID: new(c.names.ID(v1.KindUpstream, s.Name))},
	})
	if o != nil {
		o.Owner.Name = e.ID
		o.Noun = fmt.Sprintf("target %s (%s) of %s", at, e.Instance, s.Name)
	}
}

// route adds a route with its plugins. Without one of them, or of its service's,
// it would be more open than asked, so then it is left out with them.
func (c *compiler) route(s *v1.Service, r v1.Route, shared []v1.Key, failed failure) {
	if s.Protocol.Stream() || r.Stream() {
		if why, fix := c.unstreamable(s, &r); why != "" {
			c.refuse(v1.Key{Kind: v1.KindRoute, Name: r.Name}, r.Origin, why, fix)
			return
		}
	} else if len(r.Hosts)+len(r.Paths)+len(r.Methods)+len(r.Headers) == 0 {
		c.refuse(v1.Key{Kind: v1.KindRoute, Name: r.Name}, r.Origin,
			fmt.Sprintf("the route %s matches on nothing, which Kong does not take", r.Name), "give it hosts, paths, methods or headers")
		return
	}
	if why, fix := unroutable(s, &r); why != "" {
		c.refuse(v1.Key{Kind: v1.KindRoute, Name: r.Name}, r.Origin, why, fix)
		return
	}
	needs, own := c.plugins(v1.KindRoute, r.Name, s, r.Plugins)
	c.blame(append(slices.Clone(failed.problems), own.problems...), v1.Key{Kind: v1.KindRoute, Name: r.Name})
	if failed.whole || own.whole {
		for _, p := range r.Plugins {
			delete(c.state, v1.Key{Kind: v1.KindPlugin, Name: entity.PluginKey(v1.KindRoute, r.Name, p.Name)})
		}
		return
	}
	name, protocols := c.names.Name(r.Name), protocols(s, &r)
	made := gokong.Route{
		Name: &name, Protocols: gokong.StringSlice(protocols...), HTTPSRedirectStatusCode: new(cmp.Or(r.HTTPSRedirectStatusCode, 426)),
		Hosts: gokong.StringSlice(r.Hosts...), Paths: gokong.StringSlice(r.Paths...), Methods: gokong.StringSlice(r.Methods...),
		Headers: headers(r), StripPath: &r.StripPath, PreserveHost: &r.PreserveHost, RegexPriority: new(0),
		Service: &gokong.Service{ID: new(c.names.ID(v1.KindService, s.Name))},
		Tags:    gokong.StringSlice(c.names.Tags(entity.TagService+s.Name, entity.TagRoute+r.Name)...),
	}
	taken(&r, &made)
	o := c.add(v1.KindRoute, r.Name, s.Name, r.Origin, made)
	if o == nil {
		return
	}
	if rec, ok := o.Native.(*entity.Record); ok {
		rec.Needs = append(slices.Clone(shared), needs...)
	}
}

// headers are those that a route matches by. A cookie is a part of one: Kong takes a
// value that begins with "~*" for a regular expression, and compares in lower case.
func headers(r v1.Route) map[string][]string {
	if len(r.Cookies) == 0 {
		return r.Headers
	}
	out := maps.Clone(r.Headers)
	if out == nil {
		out = map[string][]string{}
	}
	for name, values := range r.Cookies {
		value := "[^;]*"
		if len(values) > 0 {
			quoted := make([]string, len(values))
			for i, v := range values {
				quoted[i] = regexp.QuoteMeta(v)
			}
			value = "(?:" + strings.Join(quoted, "|") + ")"
		}
		out["cookie"] = []string{"~*(?:^|; ?)" + regexp.QuoteMeta(name) + "=" + value + "(?:;|$)"}
	}
	return out
}

// add puts one of go-kong's entities into the state.
func (c *compiler) add(kind v1.Kind, key, service string, origin v1.Origin, made any) *plan.Object {
	body, err := jsonvalue.Of(made)
	if err != nil {
		c.refuse(v1.Key{Kind: kind, Name: key}, origin, fmt.Sprintf("it can't be written as JSON: %v", err), "report this as a defect of Lockstep")
		return nil
	}
	r := &entity.Record{Row: entity.RowOf(c.rows, kind), Key: key, Service: service, ID: c.names.ID(kind, key), Body: body}
	body["id"] = r.ID
	c.names.Sign(r)
	r.ParentKeys = map[string]string{}
	for field := range r.Row.Refs {
		if entity.Reference(body, field) != "" { // it is the service's own
			r.ParentKeys[field] = service
		}
	}
	var others map[string]any
	if c.facts != nil && kind == v1.KindUpstream { // health checks, with what Kong fills in
		others = c.facts.Of(r).Others(body)
	}
	o := r.Object(others)
	o.Origin = origin
	c.state[o.Key] = o
	return o
}

func (c *compiler) refuse(object v1.Key, origin v1.Origin, message, fix string) {
	c.problems = append(c.problems, v1.Problem{
		Reason: v1.NotExpressible, Gateway: v1.Kong, Object: object, Origin: origin, Message: message, Fix: fix,
	})
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
