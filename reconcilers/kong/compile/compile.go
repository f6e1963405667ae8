package compile

import (
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/hop"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/schema"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Input is what is known of the Kong that services are compiled for. Nothing of it is
// changed but Held. Names, Rows and Writer are needed.
type Input struct {
	Names  entity.Namer
	Rows   []*entity.Row
	Writer string // the daemon that writes, for the writer's mark
	Base   string // the digest of what else goes along with what is compiled; "" for nothing
	// Catalog is what it can hold and run; nil while it was not asked: what depends on that is
	// left out then. Offline says that it never is: then that is left open.
	Catalog *schema.Catalog
	Streams []Stream // ports at which it takes connections
	Offline bool
	// Unkept says that the seal is of this run alone: what would be called by a digest of its
	// secret is called by its place, so that the next run says the same.
	Unkept bool
	// Alone says that no other gateway is kept: what none but another could serve is named.
	Alone bool
	// Verified says that Kong's workers are asked what they serve, so there is a proof.
	Verified bool
	// Held is what Kong holds, by service or group. What can't be made as it is asked for
	// stays as it is there. Where Kong gives back something else than what is known, the
	// object that knows is put there.
	Held map[string]plan.State
	Open map[v1.Key]bool // routes that lead to their services at another node
	// Issuers are those that must have issued the certificates of instances, in PEM, by
	// name, and Files where they stand.
	Issuers map[string][]string
	Files   map[string]string
	Hop     *hop.Keys // by which Kong and HAProxy know each other; nil for none
	All     bool      // all services, and what belongs to none, instead of some
}

// compiler is the work on one compile.
type compiler struct {
	Input
	state    plan.State
	problems []v1.Problem

	// Of what is declared in Kong's own words.
	known map[v1.Key]string // what references may name: its key
	homes map[v1.Key]string // services and routes of ours that they may name: the service
	// groups are what belongs together, by its keys.
	groups map[v1.Key]string
	taken  map[string]*v1.Entity // what no two may have alike: who has it
	places map[string]string     // what is called by its place, by what it would be called
}

// elsewhere says how to have HAProxy serve what Kong can't.
func (in *Input) elsewhere() string {
	return v1.Elsewhere{Gateway: v1.Kong, Field: "gateways", Alone: in.Alone}.Only()
}

// Compile translates desired services, and what belongs to none, to the objects of Kong,
// each with its *entity.Record. What Kong can't express or does not take is left out, or
// stays as Kong holds it, and is named by a problem. The same input gives the same.
func Compile(in Input, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	c := &compiler{Input: in, state: make(plan.State, 8*len(set)+2), places: map[string]string{}}
	if c.All {
		c.unavailable()
		if c.Alone {
			c.unserved(shared)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		c.service(set[name])
	}
	c.entities(set, slices.Concat(shared.Entities, certificates(shared.Certificates), c.authorities(), c.hopEntities()))
	if c.All {
		c.proof()
	}
	return c.state, c.problems
}

// unavailable adds the upstream and the service that belong to none.
func (c *compiler) unavailable() {
	name := c.Names.Name(entity.Reserved)
	marks := []string{entity.TagWriter + c.Writer}
	if c.Base != "" { // so that another file is another push
		marks = append(marks, entity.TagBase+c.Base)
	}
	none, _ := upstream(name, &v1.Service{}, c.Names.Tags(marks...))
	c.add(v1.KindUpstream, entity.Reserved, "", v1.Origin{}, none)
	c.add(v1.KindService, entity.Reserved, "", v1.Origin{}, c.backend(name, &v1.Service{}, c.Names.Tags()))
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

// add puts one of go-kong's entities into the state.
func (c *compiler) add(kind v1.Kind, key, service string, origin v1.Origin, made any) *plan.Object {
	body, err := jsonvalue.Of(made)
	if err != nil {
		c.refuse(v1.Key{Kind: kind, Name: key}, origin, fmt.Sprintf("it can't be written as JSON: %v", err), "report this as a defect of Lockstep")
		return nil
	}
	r := &entity.Record{Row: entity.RowOf(c.Rows, kind), Key: key, Service: service, ID: c.Names.ID(kind, key), Body: body}
	body["id"] = r.ID
	c.Names.Sign(r)
	r.ParentKeys = map[string]string{}
	for field := range r.Row.Refs {
		switch id := entity.Reference(body, field); {
		case id == "":
		case field == fieldShown:
			r.ParentKeys[field] = shownKey(c.Hop)
		default: // it is the service's own
			r.ParentKeys[field] = service
		}
	}
	var others map[string]any
	if c.Catalog != nil && kind == v1.KindUpstream { // health checks, with what Kong fills in
		others = c.Catalog.Of(r).Others(body)
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
