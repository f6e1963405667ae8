package manifests

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// deck is what a decK file says of all its entities.
type deck struct {
	is        bool // it is such a file
	workspace string
	tags      []string                  // _info.select_tags
	lookup    map[v1.Kind]bool          // of which kinds _info.default_lookup_tags says that others declare them
	defaults  map[string]map[string]any // _info.defaults, by kind
	configs   map[string]map[string]any // _plugin_configs, by name
	lent      map[string]any            // of them, what the plugin that is read names
}

// formats are the versions of the format that Kong and decK know.
var formats = []string{"1.1", "3.0"}

// The words of a decK file that are no lists of entities.
const (
	wordFormat    = "_format_version"
	wordInfo      = "_info"
	wordWorkspace = "_workspace"
	wordConfigs   = "_plugin_configs"
	wordTransform = "_transform"
	wordComment   = "_comment"
)

// deckFile reads a document that is a decK file.
func (r *reader) deckFile(fields []entry, at v1.Origin) Object {
	o := Object{Kind: "decK", Name: r.path, Origin: at}
	r.key = v1.Key{Kind: v1.KindEntity, Name: r.path}
	named, lists := pick(fields, wordFormat, wordInfo, wordWorkspace, wordConfigs, wordTransform, wordComment)
	w := &words{reader: r, deck: deck{is: true, lookup: map[v1.Kind]bool{}, defaults: map[string]map[string]any{}, configs: map[string]map[string]any{}}}
	w.format(named[wordFormat])
	if e, has := named[wordWorkspace]; has {
		w.deck.workspace, _ = r.text(e, 1)
	}
	if e, has := named[wordTransform]; has && r.flag(e, 1) {
		r.report(e.at, "transformations are Kong's own, of files that it wrote itself", "remove it, or write false")
	}
	if e, has := named[wordInfo]; has {
		w.info(e)
	}
	if e, has := named[wordConfigs]; has {
		for _, config := range r.entries(e.value, e.key, 1) {
			places := &v1.Entity{Places: map[string]v1.Origin{}}
			w.deck.configs[config.key], _ = w.tree(config.value, "config", places, 2).(map[string]any)
		}
	}
	w.sections(lists)
	o.Entities = w.entities
	return o
}

// format looks at the version of the format, which may be text or a number.
func (w *words) format(e entry) {
	n := w.follow(e.value, 1)
	if n == nil || slices.Contains(formats, n.Value) {
		return
	}
	w.report(w.at(e.value), "the format "+shown(n.Value)+" is not known", "write one of: "+strings.Join(formats, ", ")+", between quotes")
}

// info reads what stands under _info.
func (w *words) info(e entry) {
	named := w.only(w.entries(e.value, e.key, 1), "select_tags", "defaults", "default_lookup_tags")
	if e, has := named["default_lookup_tags"]; has {
		w.lookups(e)
	}
	if tags, has := named["select_tags"]; has {
		w.deck.tags = w.tags(tags, 2)
	}
	if defaults, has := named["defaults"]; has {
		for _, e := range w.entries(defaults.value, defaults.key, 2) {
			known, has := v1.EntityKindOf(v1.Kind(e.key), "")
			if !has {
				w.unknown(e.at, "kind", e.key, []string{"service", "route", "upstream", "target", "plugin", "consumer"})
				continue
			}
			places := &v1.Entity{Places: map[string]v1.Origin{}}
			for _, field := range w.entries(e.value, e.key, 3) {
				if !slices.Contains(known.Fields, field.key) {
					w.unknown(field.at, "field", field.key, known.Fields)
				}
			}
			w.deck.defaults[e.key], _ = w.tree(e.value, e.key, places, 3).(map[string]any)
		}
	}
}

// lookups reads of which kinds others declare what this file refers to. A name means one
// entity in Kong, so that the tags by which decK looks for it decide nothing here.
func (w *words) lookups(e entry) {
	named := w.only(w.entries(e.value, e.key, 2), "services", "routes", "consumers", "consumer_groups")
	for _, section := range slices.Sorted(maps.Keys(named)) {
		known, _ := v1.EntityKindOf("", section)
		w.deck.lookup[known.Kind] = len(w.tags(named[section], 3)) > 0
	}
}

// tags reads a list of tags.
func (w *words) tags(e entry, depth int) []string {
	var out []string
	for _, item := range w.items(e, depth) {
		if tag, ok := w.text(entry{key: "a tag", at: w.at(item), value: item}, depth+1); ok {
			out = append(out, tag)
		}
	}
	return out
}

// sections reads all lists of entities of a document.
func (w *words) sections(lists []entry) {
	var names []string
	for _, kind := range v1.EntityKinds() {
		names = append(names, kind.Section)
	}
	for _, e := range lists {
		known, has := v1.EntityKindOf("", e.key)
		if !has {
			w.unknown(e.at, "list", e.key, names)
			continue
		}
		if n := w.follow(e.value, 1); n == nil || isNull(n) {
			continue
		}
		w.section(known, e, nil, 1)
	}
}

// lend gives a plugin the configuration that it names.
func (d *deck) lend(w *words, e entry, depth int) {
	name, ok := w.text(e, depth)
	if !ok {
		return
	}
	config, has := d.configs[name]
	if !has {
		var names []string
		for name := range d.configs {
			names = append(names, name)
		}
		slices.Sort(names)
		w.unknown(w.at(e.value), "configuration", name, names)
		return
	}
	d.lent = config
}

// complete gives an entity what the file says of all of its kind, and a plugin the
// configuration that it names.
func (d *deck) complete(made *v1.Entity) {
	if d.lent != nil {
		own, _ := made.Body["config"].(map[string]any)
		made.Body["config"], d.lent = filled(own, d.lent), nil
	}
	if defaults := d.defaults[string(made.Kind)]; defaults != nil {
		made.Body = filled(made.Body, defaults)
	}
	if len(d.tags) == 0 || made.Kind == v1.KindMember {
		return
	}
	tags, _ := made.Body["tags"].([]any)
	tags = slices.Clone(tags)
	for _, tag := range d.tags {
		if !slices.Contains(tags, any(tag)) {
			tags = append(tags, tag)
		}
	}
	made.Body["tags"] = tags
}

// filled returns values with others where they say nothing, also within maps.
func filled(values, others map[string]any) map[string]any {
	out := make(map[string]any, len(values)+len(others))
	maps.Copy(out, others)
	for name, value := range values {
		inner, isMap := value.(map[string]any)
		below, has := out[name].(map[string]any)
		if isMap && has {
			value = filled(inner, below)
		}
		out[name] = value
	}
	return out
}
