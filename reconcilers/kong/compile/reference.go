package compile

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// index notes under which keys references find what.
func (c *compiler) index(set v1.Set, entities []v1.Entity) {
	c.known = map[v1.Key]string{}
	c.homes = map[v1.Key]string{}
	for name, s := range set {
		c.known[v1.Key{Kind: v1.KindService, Name: name}] = name
		c.homes[v1.Key{Kind: v1.KindService, Name: name}] = name
		for i := range s.Routes {
			c.known[v1.Key{Kind: v1.KindRoute, Name: s.Routes[i].Name}] = s.Routes[i].Name
			c.homes[v1.Key{Kind: v1.KindRoute, Name: s.Routes[i].Name}] = name
		}
	}
	for i := range entities {
		e := &entities[i]
		for _, name := range []string{e.Name, e.ID} {
			if key := (v1.Key{Kind: e.Kind, Name: name}); name != "" {
				c.known[key] = c.entityKey(e)
				delete(c.homes, key)
			}
		}
	}
	c.groups = make(map[v1.Key]string, len(entities))
	for _, row := range c.Rows { // parents first
		for i := range entities {
			if e := &entities[i]; e.Kind == row.Kind {
				key := c.entityKey(e)
				c.groups[v1.Key{Kind: e.Kind, Name: key}] = entity.GroupOf(e.Kind, key, func(field string, kind v1.Kind) string {
					return c.groups[v1.Key{Kind: kind, Name: c.known[v1.Key{Kind: kind, Name: e.Ref(field)}]}]
				})
			}
		}
	}
}

// parent finds what a reference means, if that is there.
func (c *compiler) parent(ref v1.EntityRef) (string, bool) {
	key, known := c.find(ref)
	if !known {
		return "", false
	}
	at := v1.Key{Kind: ref.Kind, Name: key}
	return key, c.state[at] != nil || c.Held[entity.DeclaredGroup][at] != nil && !c.All
}

// find returns the key of what a reference means: by its name, or by its id in any spelling.
func (c *compiler) find(ref v1.EntityRef) (string, bool) {
	key, known := c.known[v1.Key{Kind: ref.Kind, Name: ref.Name}]
	if !known {
		key, known = c.known[v1.Key{Kind: ref.Kind, Name: strings.ToLower(ref.Name)}]
	}
	return key, known
}

func (c *compiler) idOf(kind v1.Kind, key string) string {
	if id, own := strings.CutPrefix(key, "@"); own {
		return id
	}
	return c.Names.ID(kind, key)
}

// nearest is the advice for a reference that leads nowhere.
func (c *compiler) nearest(ref v1.EntityRef) string {
	var names []string
	for key := range c.known {
		if key.Kind == ref.Kind {
			names = append(names, key.Name)
		}
	}
	if near := v1.Nearest(ref.Name, names); near != "" && near != ref.Name {
		return "did you mean " + near + "?"
	}
	if _, declared := c.find(ref); ref.Lookup && !declared {
		return v1.LookupFix
	}
	return "declare it, or see what is said about it"
}

// entityKey is the key under which an entity is observed again.
func (c *compiler) entityKey(e *v1.Entity) string {
	if e.Kind == v1.KindMember {
		return c.memberKey(e)
	}
	name := e.Name
	if strings.HasSuffix(name, "/") {
		known, _ := v1.EntityKindOf(e.Kind, "")
		for _, field := range known.Named {
			if secret, ok := e.Body[field].(v1.Secret); ok {
				name += c.told(e, c.Names.Seal.Digest(string(e.Kind), secret.Reveal()))
				break
			}
		}
	}
	switch {
	case e.ID != "":
		return "@" + strings.ToLower(e.ID)
	case slices.Contains([]v1.Kind{v1.KindUpstream, v1.KindTarget, v1.KindService, v1.KindRoute, v1.KindPlugin}, e.Kind):
		return entity.OwnWords + name
	}
	return name
}

// told is what tells an entity apart whose name would be a secret: the digest of that, or
// where the seal is not kept, the first place where it stands.
func (c *compiler) told(e *v1.Entity, digest string) string {
	if !c.Unkept {
		return digest
	}
	same := string(e.Kind) + "/" + e.Name + digest
	if c.places[same] == "" {
		c.places[same] = e.Origin.String()
	}
	return c.places[same]
}

// memberKey is the key of a member that is declared: the keys of what it joins, so that
// it is the same by whatever they are called.
func (c *compiler) memberKey(e *v1.Entity) string {
	called := map[string]string{}
	for _, ref := range e.Refs {
		called[ref.Field] = ref.Name
		if key, known := c.find(ref); known {
			called[ref.Field] = key
		}
	}
	return entity.MemberKey(called[entity.FieldGroup], called[entity.FieldConsumer])
}

// touches reports whether any entity refers to a service of a set, or to a route of one.
func touches(set v1.Set, entities []v1.Entity) bool {
	routes := map[string]bool{}
	for _, s := range set {
		for i := range s.Routes {
			routes[s.Routes[i].Name] = true
		}
	}
	return slices.ContainsFunc(entities, func(e v1.Entity) bool {
		return slices.ContainsFunc(e.Refs, func(ref v1.EntityRef) bool {
			return ref.Kind == v1.KindService && set[ref.Name] != nil || ref.Kind == v1.KindRoute && routes[ref.Name]
		})
	})
}
