package fakekong

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
)

// groupSchemas are those of consumer groups, as the paid edition of Kong has them.
const groupSchemas = `{
  "consumer_groups": {"fields": [
    {"id": {"type": "string", "uuid": true, "auto": true, "len_min": 1}},
    {"created_at": {"type": "integer", "timestamp": true, "auto": true}},
    {"updated_at": {"type": "integer", "timestamp": true, "auto": true}},
    {"name": {"type": "string", "len_min": 1, "unique": true, "required": true}},
    {"tags": {"type": "set", "elements": {"type": "string", "required": true, "len_min": 1}}}]},
  "consumer_group_consumers": {"fields": [
    {"created_at": {"type": "integer", "timestamp": true, "auto": true}},
    {"updated_at": {"type": "integer", "timestamp": true, "auto": true}},
    {"consumer_group": {"type": "foreign", "reference": "consumer_groups", "required": true, "on_delete": "cascade"}},
    {"consumer": {"type": "foreign", "reference": "consumers", "required": true, "on_delete": "cascade"}}]}
}`

// groupScope is what that edition's schema of plugins has besides: a plugin may be for the
// consumers of a group, but not for a consumer as well.
var groupScope = struct{ field, check any }{
	object{"consumer_group": object{"type": "foreign", "reference": "consumer_groups", "on_delete": "cascade"}},
	object{"mutually_exclusive": []any{"consumer", "consumer_group"}},
}

// addGroups adds the schemas of consumer groups, and the groups to that of plugins. Within
// the stand-in a membership has an id as all else has; it shows nowhere.
func (l *library) addGroups() error {
	if err := l.add([]byte(`{"entities":` + groupSchemas + `}`)); err != nil {
		return fmt.Errorf("read the schemas of consumer groups: %w", err)
	}
	joint, id := l.entities["consumer_group_consumers"], l.entities["consumer_groups"].Field("id")
	joint.Fields = append([]*schema.Field{id}, joint.Fields...)
	return l.addGroupScope()
}

// addGroupScope lets plugins be on groups.
func (l *library) addGroupScope() error {
	var plugins object
	if err := json.Unmarshal(l.raw["plugins"], &plugins); err != nil {
		return fmt.Errorf("read the schema of plugins: %w", err)
	}
	fields, _ := plugins["fields"].([]any)
	checks, _ := plugins["entity_checks"].([]any)
	plugins["fields"], plugins["entity_checks"] = append(fields, groupScope.field), append(checks, groupScope.check)
	text, err := json.Marshal(object{"entities": object{"plugins": plugins}})
	if err != nil {
		return fmt.Errorf("write the schema of plugins: %w", err)
	}
	return l.add(text)
}

// group is a consumer group as GET shows it: within what else it has.
func (k *Kong) group(e *entity) object {
	return object{"consumer_group": k.view(e), "consumers": k.views(k.inGroup(e)), "plugins": []any{}}
}

// inGroup returns the consumers of a group, sorted by id.
func (k *Kong) inGroup(group *entity) []*entity {
	consumers := kindOf("consumers")
	var out []*entity
	for _, e := range k.store.list(consumers) {
		if k.membership(group, e) != nil {
			out = append(out, e)
		}
	}
	return out
}

// membership is the row that joins a consumer to a group; nil when there is none.
func (k *Kong) membership(group, consumer *entity) *entity {
	for _, e := range k.store.below(kindOf("consumer_group_consumers"), &parent{group, "consumer_group"}) {
		if e.ref("consumer") == consumer.id() {
			return e
		}
	}
	return nil
}

// members answers /consumer_groups/g/consumers and what is below it.
func (k *Kong) members(c *call, group *entity, rest []string) *answer {
	switch {
	case len(rest) > 1:
		return notFound()
	case len(rest) == 1:
		return k.member(c, group, rest[0])
	case c.method == http.MethodGet:
		return k.page(k.inGroup(group), c.url(), c.query)
	case c.method != http.MethodPost:
		return c.other("GET, HEAD, OPTIONS, POST")
	case k.mode == DBLess:
		return unsupported("cannot create 'consumer_group_consumers' entities")
	}
	if a := c.parse(k, kindOf("consumers")); a != nil {
		return a
	}
	name := text(c.body["consumer"])
	if name == "" {
		return say(http.StatusBadRequest, "must provide consumer")
	}
	consumer := k.store.lookup(k.lib, kindOf("consumers"), name)
	if consumer == nil {
		return say(http.StatusNotFound, "Consumer '"+name+"' not found")
	}
	if k.membership(group, consumer) != nil {
		return say(http.StatusConflict, "Consumer '"+name+"' already in group '"+group.id()+"'")
	}
	if a := k.insert(kindOf("consumer_group_consumers"), object{
		"consumer_group": object{"id": group.id()}, "consumer": object{"id": consumer.id()},
	}); a.status != http.StatusCreated {
		return a
	}
	return created(object{"consumer_group": k.view(group), "consumers": []any{k.view(consumer)}})
}

// member answers /consumer_groups/g/consumers/c.
func (k *Kong) member(c *call, group *entity, name string) *answer {
	consumer := k.store.lookup(k.lib, kindOf("consumers"), name)
	if consumer == nil {
		return say(http.StatusNotFound, "Consumer '"+name+"' not found")
	}
	e := k.membership(group, consumer)
	switch {
	case e == nil:
		return say(http.StatusNotFound, "Consumer '"+consumer.id()+"' not found in Group '"+group.id()+"'")
	case c.method == http.MethodGet:
		return ok(object{"consumer": k.view(consumer)})
	case c.method != http.MethodDelete:
		return c.other("DELETE, GET, HEAD, OPTIONS")
	case k.mode == DBLess:
		return unsupported("cannot delete 'consumer_group_consumers' entities")
	}
	if a := k.erase(e); a != nil {
		return a
	}
	return noContent()
}
