package manifests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// wordPlugins is the first field of plugins.
const wordPlugins = "plugins"

// wordOverride says what labels may do to a Service, and overrides what it may say:
// add what the manifest leaves out, which is so by default, or nothing.
const wordOverride = "override"

var overrides = []string{"allow", "forbid"}

// Route is a route that is declared apart from its service.
type Route struct {
	Service string    // the key of its service
	At      v1.Origin // where that is named
	v1.DeclaredRoute
}

// service reads the spec of a Service: the fields of labels, a selector, and endpoints.
func (r *reader) service(o *Object, spec []entry) {
	own := []string{wordEndpoints, wordOverride, wordSelector}
	named, fields := pick(spec, own...)
	fields = r.meant(fields, own)
	var selector *v1.Selector
	if e, has := named[wordSelector]; has {
		selector = r.selector(e)
	}
	declared, problems := v1.DecodeService(o.Name, o.Origin, r.written(fields), selector)
	r.problems = append(r.problems, problems...)
	if e, has := named[wordEndpoints]; has {
		declared.Endpoints = r.endpoints(o.Name, e)
	}
	if e, has := named[wordOverride]; has {
		if word, ok := r.text(e, 2); ok && !slices.Contains(overrides, word) {
			r.unknown(r.at(e.value), wordOverride, word, overrides)
		} else {
			declared.Alone = word == overrides[1]
		}
	}
	o.Service = &declared
}

// route reads the spec of a Route: the service that it belongs to, and the fields of routes.
// They are read also where the service is not known, so that all is said at once.
func (r *reader) route(o *Object, spec []entry) {
	own := []string{"service"}
	before := len(r.problems)
	named, fields := pick(spec, own...)
	fields = r.meant(fields, own)
	made := Route{Service: "?"} // stands for a service in the names of the rest
	if e, has := named["service"]; has {
		made.At = r.at(e.value)
		if text, ok := r.text(e, 2); ok {
			made.Service = text
			if message, fix := v1.CheckServiceKey(text); message != "" {
				r.report(made.At, message, fix)
			}
		}
	} else if len(r.problems) == before {
		r.report(o.Origin, "the route names no service", "write into its spec: service: KEY")
	}
	wrong := len(r.problems) > before
	route, problems := v1.DecodeRoute(made.Service, o.Name, o.Origin, r.written(fields))
	for _, problem := range problems {
		if wrong {
			problem.Object = r.key
		}
		r.problems = append(r.problems, problem)
	}
	made.DeclaredRoute = route
	o.Route = &made
}

// meant reports keys that were meant to be one of these words, of which the table of
// fields does not know, and returns the others.
func (r *reader) meant(fields []entry, words []string) []entry {
	return slices.DeleteFunc(fields, func(e entry) bool {
		near := v1.Nearest(e.key, words)
		if near == "" || v1.IsField(e.key) {
			return false
		}
		r.report(e.at, fmt.Sprintf("unknown key %s", shown(e.key)), "did you mean "+near+"?")
		return true
	})
}

// written returns the fields of a spec as the table of fields reads them.
func (r *reader) written(fields []entry) []v1.Written {
	var out []v1.Written
	for _, e := range fields {
		r.write("", e, 2, &out)
	}
	return out
}

// write adds what one entry says, under the key that a label would have.
func (r *reader) write(prefix string, e entry, depth int, out *[]v1.Written) {
	if strings.Contains(e.key, ".") {
		r.report(e.at, fmt.Sprintf("the key %s holds a dot, as labels do", shown(e.key)), "write the names below each other, each set in further")
		return
	}
	n := r.follow(e.value, depth)
	if n == nil {
		return
	}
	w := v1.Written{Key: prefix + e.key, Value: n.Value, At: e.at, Values: []v1.Origin{r.at(e.value)}}
	wrong := w
	wrong.Wrong = true
	before := len(r.problems)
	inPlugin := strings.HasPrefix(prefix, wordPlugins+".") || strings.Contains(prefix, "."+wordPlugins+".")
	switch {
	case isNull(n):
		r.report(e.at, w.Key+" has no value", "give it one, or remove it")
	case n.Kind == yaml.MappingNode:
		r.writeMap(prefix, w, r.entries(e.value, w.Key, depth), depth, out)
		return
	case n.Kind == yaml.SequenceNode && inPlugin:
		w.Value, w.List = r.inJSON(r.plain(e.value, depth)), true
		if strings.Contains(w.Value, wordy) && len(r.problems) == before {
			r.referWithin(e.key, e.value)
		}
	case n.Kind == yaml.SequenceNode:
		w.Value, w.List, w.Values = r.list(e, n, depth)
	}
	if inPlugin && !w.List && strings.Contains(w.Value, wordy) {
		r.refer(e.key, w.Values[0], w.Value)
	}
	if len(r.problems) > before {
		w = wrong
	}
	*out = append(*out, w)
}

// writeMap adds what the entries below a key say.
func (r *reader) writeMap(prefix string, w v1.Written, below []entry, depth int, out *[]v1.Written) {
	isPlugin := prefix == wordPlugins+"." || strings.HasSuffix(prefix, "."+wordPlugins+".")
	switch {
	case isPlugin:
		words := []string{"config", "enabled", "instance_name"}
		r.only(below, words...)
		below = slices.DeleteFunc(below, func(e entry) bool { return !slices.Contains(words, e.key) })
		if !says(below, "enabled") {
			*out = append(*out, v1.Written{Key: w.Key, Value: "true", At: w.At, Values: w.Values})
		}
	case len(below) == 0 && !strings.HasSuffix(w.Key, ".config"):
		w.Value = ""
		*out = append(*out, w)
	}
	for _, inner := range below {
		r.write(w.Key+".", inner, depth+1, out)
	}
}

func says(entries []entry, key string) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.key == key })
}

// list returns a list of single values as a label says it, and where each stands.
func (r *reader) list(e entry, n *yaml.Node, depth int) (value string, isList bool, places []v1.Origin) {
	items := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		at := r.at(item)
		places = append(places, at)
		single := r.follow(item, depth+1)
		if single == nil {
			continue
		}
		if single.Kind != yaml.ScalarNode || isNull(single) {
			r.report(at, fmt.Sprintf("an item of %s is %s, not one value", e.key, shape(single)), "write each item as one value")
			continue
		}
		items = append(items, single.Value)
	}
	if len(places) == 0 {
		places = []v1.Origin{e.at}
	}
	return r.inJSON(items), true, places
}

// inJSON writes a value as JSON. Nothing that plain returns fails to encode.
func (r *reader) inJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		r.report(r.place(1, 1), "a value can't be passed on: "+err.Error(), "write it differently")
	}
	return cmp.Or(string(text), "null")
}
