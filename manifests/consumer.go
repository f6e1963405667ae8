package manifests

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// kongEntities reads the spec of a KongEntities: lists in Kong's own words.
func (r *reader) kongEntities(o *Object, spec []entry) {
	w := &words{reader: r}
	w.sections(spec)
	o.Entities = w.entities
	if len(o.Entities) == 0 && len(r.problems) == 0 {
		r.report(o.Origin, "the spec declares nothing", "write lists of Kong's into it, for example consumers:")
	}
}

// consumer reads the spec of a Consumer: its own fields, its groups, its credentials by the
// names of the plugins that ask for them, and its plugins.
func (r *reader) consumer(o *Object, spec []entry) {
	known, _ := v1.EntityKindOf(v1.KindConsumer, "")
	named := r.only(spec, "custom_id", "tags", "id", wordGroups, wordCredentials, wordPlugins)
	w := &words{reader: r}
	username := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: o.Name, Line: o.Origin.Line, Column: o.Origin.Column}
	item := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: o.Origin.Line, Column: o.Origin.Column,
		Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "username", Line: o.Origin.Line, Column: o.Origin.Column}, username}}
	for _, name := range []string{"custom_id", "tags", "id"} {
		if e, has := named[name]; has {
			item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: e.at.Line, Column: e.at.Column}, e.value)
		}
	}
	w.entity(known, item, nil, 1)
	consumer := w.entities[0]
	if e, has := named[wordGroups]; has {
		w.members(e, consumer, 2)
	}
	if e, has := named[wordCredentials]; has {
		w.credentials(consumer, e)
	}
	if e, has := named[wordPlugins]; has {
		w.plugins(consumer, e)
	}
	o.Entities = w.entities
}

// wordCredentials is the field of a Consumer's credentials.
const wordCredentials = "credentials"

// credentials reads lists of credentials by the plugins that ask for them.
func (w *words) credentials(consumer *v1.Entity, e entry) {
	kinds := map[string]v1.EntityKind{}
	var names []string
	for _, kind := range v1.EntityKinds() {
		if kind.Within == v1.KindConsumer {
			name := strings.TrimSuffix(kind.Nested, "s")
			kinds[name] = kind
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, list := range w.entries(e.value, e.key, 2) {
		kind, has := kinds[list.key]
		if !has {
			w.unknown(list.at, "credential", list.key, names)
			continue
		}
		w.section(kind, list, consumer, 3)
	}
}

// plugins reads plugins by name, as a Service has them.
func (w *words) plugins(consumer *v1.Entity, e entry) {
	known, _ := v1.EntityKindOf(v1.KindPlugin, "")
	for _, plugin := range w.entries(e.value, e.key, 2) {
		item := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: plugin.at.Line, Column: plugin.at.Column, Content: []*yaml.Node{
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: "name", Line: plugin.at.Line, Column: plugin.at.Column},
			{Kind: yaml.ScalarNode, Tag: "!!str", Value: plugin.key, Line: plugin.at.Line, Column: plugin.at.Column},
		}}
		n := w.follow(plugin.value, 3)
		switch {
		case n == nil:
			continue
		case n.Kind == yaml.MappingNode:
			fields := w.entries(n, "a plugin", 3)
			for _, e := range among(fields, w.only(fields, "config", "enabled", "instance_name", "protocols", "tags", "ordering", "service", "route")) {
				item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: e.key, Line: e.at.Line, Column: e.at.Column}, e.value)
			}
		default:
			item.Content = append(item.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "enabled", Line: plugin.at.Line, Column: plugin.at.Column}, n)
		}
		w.entity(known, item, consumer, 3)
	}
}
