package compile

import (
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// What manifests declare in Kong's own words keeps the names that it has there.
// Its keys are those names, of kinds that services become as well after "kong:",
// which no service's name holds; "@" and the id, where the manifest gives an id.

// entities adds what is declared in Kong's own words: within a narrow scope, only
// what belongs to the services of the scope.
func (c *compiler) entities(set v1.Set, entities []v1.Entity) {
	if len(entities) == 0 {
		return
	}
	if c.All || touches(set, entities) {
		c.index(set, entities)
		for _, row := range c.Rows { // parents first
			for i := range entities {
				e := &entities[i]
				if e.Kind != row.Kind {
					continue
				}
				if group := c.group(e); c.All || set[group] != nil {
					c.entity(row, e, group)
				}
			}
		}
		c.close(entities)
	}
	c.everywhere(entities)
}

// group is the service of ours that an entity comes and goes with.
func (c *compiler) group(e *v1.Entity) string {
	for _, ref := range e.Refs {
		if home, ours := c.homes[v1.Key{Kind: ref.Kind, Name: ref.Name}]; ours {
			return home
		}
	}
	return c.groups[v1.Key{Kind: e.Kind, Name: c.entityKey(e)}]
}

// entity adds one entity, or says why it can't be made; then what Kong holds of
// it stays.
func (c *compiler) entity(row *entity.Row, e *v1.Entity, group string) {
	key := v1.Key{Kind: row.Kind, Name: c.entityKey(e)}
	rec, problems := c.declared(row, e, key.Name, group)
	if len(problems) > 0 {
		c.problems = append(c.problems, problems...)
		c.stay(group, key)
		return
	}
	if problem := c.claim(e, rec); problem != nil {
		c.problems = append(c.problems, *problem)
		return
	}
	if other, taken := c.state[key]; taken {
		if row.Kind == v1.KindMember {
			return // of the group and of the consumer it may be said alike
		}
		c.wrong(e, e.Origin, v1.Conflict, "another manifest declares the same", fmt.Sprintf("keep one of the two; the other stands at %s", other.Origin))
		return
	}
	o := c.Catalog.Declared(rec, c.Names.Seal)
	o.Origin = e.Origin
	c.state[key] = o
	if last := c.Held[group][key]; last != nil {
		c.Held[group][key] = entity.Whole(o, last)
	}
}

// stay keeps what Kong holds of an entity: of a certificate with its names, which
// stand in it.
func (c *compiler) stay(group string, key v1.Key) {
	last := c.Held[group][key]
	if last == nil {
		return
	}
	c.state[key] = last
	for at, o := range c.Held[group] {
		if rec, ok := o.Native.(*entity.Record); ok && at.Kind == v1.KindSNI && rec.ParentKeys["certificate"] == key.Name && key.Kind == v1.KindCertificate {
			c.state[at] = o
		}
	}
}

// wrong notes a problem of an entity.
func (c *compiler) wrong(e *v1.Entity, at v1.Origin, reason v1.Reason, message, fix string) {
	c.problems = append(c.problems, problemAt(e, at, reason, message, fix))
}

func problemAt(e *v1.Entity, at v1.Origin, reason v1.Reason, message, fix string) v1.Problem {
	return v1.Problem{Reason: reason, Gateway: v1.Kong, Object: e.Key(), Origin: at, Message: message, Fix: fix}
}

// declared makes the record of an entity.
func (c *compiler) declared(row *entity.Row, e *v1.Entity, key, group string) (*entity.Record, []v1.Problem) {
	one := func(at v1.Origin, reason v1.Reason, message, fix string) []v1.Problem {
		return []v1.Problem{problemAt(e, at, reason, message, fix)}
	}
	switch {
	case e.Withheld != nil:
		return nil, []v1.Problem{*e.Withheld}
	case c.Catalog == nil:
		return nil, one(e.Origin, v1.GatewayUnreachable, "kong was not asked yet what it knows", "it is tried again by itself")
	case c.Catalog.Kinds[row.Kind] == nil:
		return nil, one(e.Origin, v1.NotExpressible, unknown(row), unknownFix)
	case e.Guards() && !strings.HasPrefix(group, "@"):
		return nil, one(e.Origin, v1.InvalidManifest, v1.GuardsOurs, v1.GuardsOursFix)
	case e.Workspace != "" && e.Workspace != c.workspaceName():
		return nil, one(e.Origin, v1.Conflict, fmt.Sprintf("the file is for the workspace %.60q, and Lockstep keeps %q", e.Workspace, c.workspaceName()),
			"set --kong-workspace, or remove _workspace from the file")
	}
	body, hidden, secrets := secret.Reveal(e.Body)
	rec := &entity.Record{Row: row, Key: key, Service: group, Declared: true, ID: strings.TrimPrefix(key, "@"), ParentKeys: map[string]string{}, Secrets: secrets}
	if e.ID == "" {
		rec.ID = c.Names.ID(row.Kind, key)
	}
	var err error
	if rec.Body, err = jsonvalue.Of(body); err != nil {
		return nil, one(e.Origin, v1.InvalidManifest, "it can't be written as JSON", "report this as a defect of Lockstep")
	}
	if rec.Body == nil {
		rec.Body = map[string]any{}
	}
	if message, fix := spell(rec); message != "" {
		return nil, one(e.Place("url"), v1.InvalidManifest, message, fix)
	}
	hidden = hideURL(rec, hidden)
	var problems []v1.Problem
	for _, ref := range e.Refs {
		if c.Catalog.Kinds[ref.Kind] == nil { // nor any field for it
			problems = append(problems, problemAt(e, ref.Origin, v1.NotExpressible, unknown(entity.RowOf(c.Rows, ref.Kind)), unknownFix))
			continue
		}
		parent, there := c.parent(ref)
		if !there {
			problems = append(problems, problemAt(e, ref.Origin, v1.InvalidManifest,
				fmt.Sprintf("it refers to the %s %.60q, which is not there", strings.ReplaceAll(string(ref.Kind), "_", " "), ref.Name), c.nearest(ref)))
			continue
		}
		rec.ParentKeys[ref.Field] = parent
		rec.Body[ref.Field] = map[string]any{"id": c.idOf(ref.Kind, parent)}
	}
	if row.Kind == v1.KindPlugin && c.Catalog.Plugins[rec.Name()] == nil {
		return nil, one(e.Place("name"), v1.InvalidManifest, fmt.Sprintf("kong has no plugin %.60s", v1.OneLine(rec.Name())), c.Catalog.Enable(rec.Name(), "it"))
	}
	about := c.Catalog.Of(rec)
	for _, fault := range about.Judge(rec.Body) {
		problems = append(problems, problemAt(e, e.Place(fault.Path), v1.InvalidManifest, fault.Path+": "+fault.Message, fault.Fix))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	c.label(rec, e, about, hidden)
	rec.Manifest = e
	rec.Secrets = append(rec.Secrets, about.Secrets(rec)...)
	return rec, nil
}

// What is said where an edition of Kong lacks a kind.
const unknownFix = "use an edition of Kong that does, or remove it"

func unknown(row *entity.Row) string { return "this Kong knows no " + row.Word() + "s" }

func (c *compiler) workspaceName() string {
	if c.Names.Workspace == "" {
		return "default"
	}
	return c.Names.Workspace
}
