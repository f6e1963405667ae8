package manifests

import (
	"encoding/json"
	"slices"

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
	body := make(map[string]any, len(spec))
	for _, e := range spec {
		body[e.key] = r.plain(e.value, 2)
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
	o.Section = &v1.Section{Name: o.Name, Body: text, Origin: o.Origin}
}

// pickOne returns the entry of a name.
func pickOne(entries []entry, name string) (entry, bool) {
	picked, _ := pick(entries, name)
	e, has := picked[name]
	return e, has
}
