package manifests

import (
	"encoding/json"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// sections are the kinds of HAProxy's sections that its own models know. Which of
// them are served, and what may stand in them, the reconciler of HAProxy knows.
var sections = []string{
	"backend", "cache", "defaults", "fcgi_app", "frontend", "http_errors", "log_forward", "mailers", "peers", "resolvers", "ring", "userlist",
}

// section reads the spec of an HAProxySection: which one, and its body in the
// words of HAProxy's models, which is passed on as it is.
func (r *reader) section(o *Object, spec []entry) {
	before := len(r.problems)
	body := make(map[string]any, len(spec))
	for _, e := range spec {
		body[e.key] = r.plain(e.value, 2)
	}
	if len(r.problems) > before {
		return
	}
	said, has := pickOne(spec, "section")
	if !has {
		r.report(o.Origin, "the spec does not say which section", "write into its spec: section: backend, for example")
		return
	}
	word, ok := r.text(said, 2)
	if !ok {
		return
	}
	if !slices.Contains(sections, word) {
		r.unknown(r.at(said.value), "section", word, sections)
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		r.report(o.Origin, "the spec can't be passed on: "+err.Error(), "write it differently")
		return
	}
	o.Section = &v1.Section{Name: o.Name, Body: text, Origin: o.Origin, Places: map[string]v1.Origin{}}
	for _, e := range spec {
		r.locate(e.key, e.at, e.value, o.Section.Places)
	}
}

// locate notes where a field stands, and all that is in it, which was read before: so it is
// neither endless nor deep.
func (r *reader) locate(path string, at v1.Origin, n *yaml.Node, places map[string]v1.Origin) {
	places[path] = at
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			r.locate(path+"."+n.Content[i].Value, r.at(n.Content[i]), n.Content[i+1], places)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			r.locate(fmt.Sprintf("%s[%d]", path, i), r.at(item), item, places)
		}
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
	}
}

// pickOne returns the entry of a name.
func pickOne(entries []entry, name string) (entry, bool) {
	picked, _ := pick(entries, name)
	e, has := picked[name]
	return e, has
}
