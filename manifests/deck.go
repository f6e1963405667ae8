package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// deck is what a decK file says of all its entities.
type deck struct {
	is        bool // it is such a file
	workspace string
	tags      []string          // _info.select_tags
	lookup    map[v1.Kind]bool  // of which kinds _info.default_lookup_tags says that others declare them
	defaults  map[string]shared // _info.defaults, by kind
	configs   map[string]shared // _plugin_configs, by name
	lent      shared            // of them, what the plugin that is read names
	given     int               // how many values entities got of all that
}

// maxGiven is how many values entities may get of what a file says of all of them, so that a few
// lines can't stand for a billion.
const maxGiven = 500_000

// shared are values that many entities get.
type shared struct {
	values map[string]any
	count  int // of all that stands in them
}

func newShared(value any) shared {
	values, _ := value.(map[string]any)
	return shared{values, countOf(values)}
}

// countOf counts the values within a value.
func countOf(value any) int {
	count := 0
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			count += 1 + countOf(inner)
		}
	case []any:
		for _, inner := range v {
			count += 1 + countOf(inner)
		}
	}
	return count
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

// kindDeck is what a document is that is a decK file.
const kindDeck = "decK"

// deckFile reads a document that is a decK file.
func (r *reader) deckFile(fields []entry, at v1.Origin) Object {
	for _, e := range fields {
		sayTruths(e.value)
	}
	o := Object{Kind: kindDeck, Name: r.path, Origin: at}
	r.key = v1.Key{Kind: v1.KindEntity, Name: r.path}
	named, lists := pick(fields, wordFormat, wordInfo, wordWorkspace, wordConfigs, wordTransform, wordComment)
	w := &words{reader: r, deck: deck{is: true, lookup: map[v1.Kind]bool{}, defaults: map[string]shared{}, configs: map[string]shared{}}}
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
			w.deck.configs[config.key] = newShared(w.tree(config.value, "config", places, 2))
		}
	}
	w.sections(lists)
	o.Entities = w.entities
	return o
}

// truths are YAML 1.1's words for true and false, which decK takes beside these two.
var truths = map[string]string{
	"y": "true", "Y": "true", "yes": "true", "Yes": "true", "YES": "true", "on": "true", "On": "true", "ON": "true",
	"n": "false", "N": "false", "no": "false", "No": "false", "NO": "false", "off": "false", "Off": "false", "OFF": "false",
}

// sayTruths makes such words, where they stand without quotes, what they are to decK.
func sayTruths(n *yaml.Node) {
	if truth, is := truths[n.Value]; is && n.Kind == yaml.ScalarNode && n.Style == 0 && n.ShortTag() == "!!str" {
		n.Tag, n.Value = "!!bool", truth
	}
	for i, inner := range n.Content {
		if n.Kind != yaml.MappingNode || i%2 == 1 { // a key is a name
			sayTruths(inner)
		}
	}
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
			made := newShared(w.tree(e.value, e.key, places, 3))
			for _, field := range w.entries(e.value, e.key, 3) {
				if !slices.Contains(known.Fields, field.key) {
					w.unknown(field.at, "field", field.key, known.Fields)
				}
				w.shaped(made.values[field.key], field, 4)
			}
			w.deck.defaults[e.key] = made
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
func (w *words) complete(made *v1.Entity) {
	d := &w.deck
	lent, defaults := d.lent, d.defaults[string(made.Kind)]
	d.lent = shared{}
	before := d.given
	if d.given += lent.count + defaults.count + len(d.tags); d.given > maxGiven {
		if before <= maxGiven { // said once
			w.report(made.Origin, fmt.Sprintf("up to here entities get more than %d values of what the file says of all of them", maxGiven), "say less of all of them, or divide it into several files")
		}
		return
	}
	if lent.values != nil {
		own, _ := made.Body["config"].(map[string]any)
		made.Body["config"] = filled(own, lent.values)
	}
	if defaults.values != nil {
		made.Body = filled(made.Body, defaults.values)
	}
	if len(d.tags) == 0 || made.Kind == v1.KindMember {
		return
	}
	tags, _ := made.Body["tags"].([]any)
	tags = slices.Clone(tags)
	has := make(map[string]bool, len(tags))
	for _, tag := range tags {
		if text, is := tag.(string); is {
			has[text] = true
		}
	}
	for _, tag := range d.tags {
		if !has[tag] {
			has[tag] = true
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
