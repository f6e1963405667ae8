package v1

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// wish is one label of ours, read as far as its key goes.
type wish struct {
	label    string // as written
	value    string
	service  string // NAME of services.NAME, or ""
	route    string // for fields of a route: NAME of routes.NAME, or "default"
	field    int    // its row
	entry    string // of a Map or Shares: its name; of a plugin: enabled, instance_name or config.PATH; letter for letter
	plugin   string // the name of plugins.NAME, letter for letter
	optional bool   // "?" stood after the field's name
}

// defaultRoute is the route that the short form speaks of.
const defaultRoute = "default"

// compare orders wishes by what they are about; 0 means the same thing, in
// whatever spelling. Header names that differ in case, or "-" and "_", are the
// same to Kong.
func (w *wish) compare(o *wish) int {
	return cmp.Or(
		cmp.Compare(w.service, o.service),
		cmp.Compare(w.route, o.route),
		cmp.Compare(w.field, o.field),
		cmp.Compare(w.plugin, o.plugin),
		cmp.Compare(w.sameEntry(), o.sameEntry()),
	)
}

// sameEntry is the form in which entries are compared.
func (w *wish) sameEntry() string {
	if w.plugin != "" {
		return w.entry
	}
	return fold(w.entry)
}

// scope is what the wish is about.
func (w *wish) scope() Scope {
	if w.plugin == "" {
		return rows[w.field].Scope
	}
	if w.route != "" {
		return OfRoute
	}
	return OfService
}

// after returns what follows the prefix in a label's key. The prefix is one of
// our own words: its case does not matter.
func (g Grammar) after(key string) (string, bool) {
	if len(key) < len(g.Prefix) {
		return "", false
	}
	if head := key[:len(g.Prefix)]; head != g.Prefix && fold(head) != fold(g.Prefix) {
		return "", false
	}
	return key[len(g.Prefix):], true
}

// read takes a label's key apart: [services.NAME.][routes.NAME.]FIELD[?][.ENTRY],
// or plugins.NAME[?][.PATH] in FIELD's place.
func (g Grammar) read(label, rest, value string) (wish, *fault) {
	w := wish{label: label, value: value}
	path := g.Prefix // what was understood so far, for advice
	scopes, keywords := g.top()
	head, tail, more := strings.Cut(rest, ".")
	for _, word := range [...]string{wordServices, wordRoutes} {
		if g.spelled(head) != word || !slices.Contains(keywords, word) {
			continue
		}
		name, beyond, ok := strings.Cut(tail, ".")
		if !more || !ok {
			if g.manifest() {
				return w, &fault{message: fmt.Sprintf("%s names no field", shown(label)), fix: "write one below it, for example hosts: [shop.example.com]"}
			}
			example := "NAME"
			if isPart(tail) {
				example = tail
			}
			return w, &fault{
				message: fmt.Sprintf("key %s names no field", shown(label)),
				fix:     fmt.Sprintf("write for example %s%s.%s.hosts=shop.example.com", path, word, example),
			}
		}
		if wrong := checkPart(word[:len(word)-1], name); wrong != nil {
			return w, wrong
		}
		path += word + "." + name + "."
		if word == wordServices {
			w.service, scopes, keywords = name, scopes[1:], []string{wordPlugins, wordRoutes}
		} else {
			w.route, scopes, keywords = name, []Scope{OfRoute}, []string{wordPlugins}
		}
		head, tail, more = strings.Cut(beyond, ".")
	}
	at := position{path, scopes, keywords, head, tail, more, g.manifest(), nil}
	if path == "" {
		at.beside = g.beside()
	}
	if g.spelled(head) == wordPlugins && slices.Contains(keywords, wordPlugins) {
		return g.readPlugin(w, at)
	}
	return g.readField(w, at)
}

// position is where reading a key has come to.
type position struct {
	path     string   // what was read, with the prefix
	scopes   []Scope  // of the fields that may stand here
	keywords []string // the other words that may stand here
	head     string   // the next word
	tail     string   // what follows it
	more     bool     // whether anything does
	manifest bool     // it stands in a manifest
	beside   []string // what else may stand there, which others read
}

// readField reads FIELD[?][.ENTRY].
func (g Grammar) readField(w wish, p position) (wish, *fault) {
	name, optional := strings.CutSuffix(p.head, "?")
	row, known := fieldTable.byName[fold(name)]
	if !known || g.spelled(name) != rows[row].Name {
		return w, p.unknown(name)
	}
	f := &rows[row]
	switch {
	case !slices.Contains(p.scopes, f.Scope):
		return w, g.misplaced(w, f, p)
	case f.Type.keyed() && !p.more:
		return w, &fault{
			message: fmt.Sprintf("key %s lacks the name after the dot", shown(w.label)),
			fix:     "write for example " + p.path + f.Example,
		}
	case !f.Type.keyed() && p.more:
		return w, p.overlong(f)
	case optional && !f.MayBeOptional():
		return w, &fault{
			message: fmt.Sprintf("%s can't be optional: every gateway can express it", f.Name),
			fix:     "remove the ?",
		}
	}
	if f.Type.keyed() {
		if wrong := f.entry(p.tail); wrong != nil {
			return w, wrong
		}
		w.entry = p.tail
	}
	if f.Scope == OfRoute && w.route == "" {
		w.route = defaultRoute
	}
	w.field, w.optional = row, optional
	return w, nil
}

// unknown explains a word that no row has.
func (p position) unknown(name string) *fault {
	wrong := &fault{message: fmt.Sprintf("unknown key %s", shown(name))}
	if why, ok := later[fold(name)]; ok && p.manifest {
		wrong.message = fmt.Sprintf("key %s: %s", shown(name), why)
		wrong.fix = "remove it if what it is about may be served without it"
		return wrong
	} else if ok {
		wrong.message = fmt.Sprintf("key %s: %s, so the container is left out", shown(name), why)
		wrong.fix = "remove the label if the container may be served without it"
		return wrong
	}
	if near := nearest(name, p.keywords, p.scopes...); near != "" {
		if row, known := fieldTable.byName[near]; p.more && known && rows[row].Type.keyed() || slices.Contains(p.keywords, near) {
			near += "." + p.tail
		}
		wrong.fix = "did you mean " + plainly(p.path+near) + "?"
		return wrong
	}
	// lockstep.public.hosts: a name without the word before it.
	next, _, _ := strings.Cut(p.tail, ".")
	if row, ok := fieldTable.byName[fold(strings.TrimSuffix(next, "?"))]; ok && p.more && isPart(fold(name)) {
		f, word := &rows[row], wordServices
		if f.Scope == OfRoute {
			word = wordRoutes
		}
		if slices.Contains(p.keywords, word) {
			wrong.fix = fmt.Sprintf("did you mean %s%s.%s.%s?", p.path, word, name, f.Name)
			return wrong
		}
	}
	wrong.fix = "remove it, or write one of: " + strings.Join(p.words(), ", ")
	return wrong
}

// words lists what may stand at the position.
func (p position) words() []string {
	var words []string
	for i := range rows {
		if slices.Contains(p.scopes, rows[i].Scope) {
			words = append(words, rows[i].Name)
		}
	}
	for _, keyword := range p.keywords {
		words = append(words, keyword+".NAME.…")
	}
	return append(words, p.beside...)
}

// misplaced explains a field that stands where its scope does not reach.
func (g Grammar) misplaced(w wish, f *Field, p position) *fault {
	if g.manifest() {
		return g.misplacedField(f)
	}
	right := g.Prefix
	if w.service != "" && f.Scope != OfContainer {
		right += wordServices + "." + w.service + "."
	}
	right += f.Name
	if f.Type.keyed() && p.more {
		right += "." + p.tail
	}
	return &fault{
		message: fmt.Sprintf("%s is a field of the %s, so it can't stand after %s", f.Name, f.Scope, strings.TrimSuffix(p.path, ".")),
		fix:     "write " + plainly(right),
	}
}

// overlong explains a key that goes on after its field.
func (p position) overlong(f *Field) *fault {
	if p.manifest {
		return &fault{message: fmt.Sprintf("%s is one value (%s), not a map", f.Name, f.Type), fix: "write for example " + f.ExampleYAML()}
	}
	wrong := &fault{
		message: fmt.Sprintf("key %s takes nothing after it, but %s follows", f.Name, shown("."+p.tail)),
		fix:     "write " + p.path + f.Example,
	}
	if near := closest(f.Name, slices.Clone(p.keywords)); near != "" {
		wrong.fix = "did you mean " + plainly(p.path+near+"."+p.tail) + "?"
	}
	return wrong
}
