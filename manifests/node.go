package manifests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// The bounds of what aliases may unfold to, so that a few lines can't stand for
// a billion.
const (
	maxDepth = 32
	maxNodes = 200_000
)

// reader is the work on one file.
type reader struct {
	path     string
	commit   string // that the file came with; "" outside of a repository
	author   string // of that commit
	source   []byte // the file's text
	nodes    int    // looked at
	key      v1.Key // the object that is read
	problems []v1.Problem
}

// entry is one line of a map.
type entry struct {
	key   string
	at    v1.Origin // of the key
	value *yaml.Node
}

// at returns the place of a node.
func (r *reader) at(n *yaml.Node) v1.Origin {
	return r.place(max(n.Line, 1), max(n.Column, 1))
}

// place returns a place in the file.
func (r *reader) place(line, column int) v1.Origin {
	return v1.Origin{File: r.path, Line: line, Column: column, Commit: r.commit, Author: r.author}
}

// report adds a problem.
func (r *reader) report(at v1.Origin, message, fix string) {
	r.problems = append(r.problems, v1.Problem{Reason: v1.InvalidManifest, Object: r.key, Origin: at, Message: message, Fix: fix})
}

func sorted(problems []v1.Problem) []v1.Problem { return Sorted(problems) }

// Sorted puts problems in the order in which they stand in the files, and returns them.
func Sorted(problems []v1.Problem) []v1.Problem {
	slices.SortStableFunc(problems, func(a, b v1.Problem) int {
		return cmp.Or(orderPlaces(a.Origin, b.Origin), cmp.Compare(a.Message, b.Message), cmp.Compare(a.Fix, b.Fix))
	})
	return problems
}

// follow returns what a node stands for, and counts it. It returns nil, with a
// problem, for more than a file may hold and for what only YAML knows.
func (r *reader) follow(n *yaml.Node, depth int) *yaml.Node {
	at := r.at(n)
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	r.nodes++
	switch {
	case r.nodes > maxNodes:
		if r.nodes == maxNodes+1 { // said once
			r.report(at, fmt.Sprintf("with its aliases the file has more than %d values", maxNodes), "use fewer aliases, or divide it into several files")
		}
		return nil
	case depth > maxDepth:
		r.report(at, fmt.Sprintf("it is nested deeper than %d", maxDepth), "use fewer levels")
		return nil
	}
	switch tag := n.ShortTag(); tag {
	case "!!map", "!!seq", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
		return n
	default:
		r.report(at, fmt.Sprintf("the tag %s means nothing here", tag), "remove it")
		return nil
	}
}

// entries returns the lines of a map, each key once. noun is what it is.
func (r *reader) entries(n *yaml.Node, noun string, depth int) []entry {
	at := r.at(n)
	if n = r.follow(n, depth); n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		if !isNull(n) {
			r.report(at, fmt.Sprintf("%s is %s, not a map", noun, shape(n)), "write its fields below it, one a line: name: value")
		}
		return nil
	}
	out := make([]entry, 0, len(n.Content)/2)
	seen := make(map[string]v1.Origin, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		place := r.at(key)
		before, twice := seen[key.Value]
		switch {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			r.report(place, "the merge key << is not supported", "write the fields out, or give each one an alias of its own")
		case key.Kind != yaml.ScalarNode || key.Value == "":
			r.report(place, "a key is not a word", "write the name of a field before the colon")
		case twice:
			r.report(place, fmt.Sprintf("the key %s stands there twice, first in line %d", shown(key.Value), before.Line), "keep one of the two")
		default:
			seen[key.Value] = place
			out = append(out, entry{key: key.Value, at: place, value: n.Content[i+1]})
		}
	}
	return out
}

// pick divides entries into those that are called by one of the names, and the others.
func pick(entries []entry, names ...string) (picked map[string]entry, others []entry) {
	picked = map[string]entry{}
	for _, e := range entries {
		if slices.Contains(names, e.key) {
			picked[e.key] = e
			continue
		}
		others = append(others, e)
	}
	return picked, others
}

// only is pick that reports the others.
func (r *reader) only(entries []entry, names ...string) map[string]entry {
	picked, others := pick(entries, names...)
	for _, e := range others {
		r.unknown(e.at, "field", e.key, names)
	}
	return picked
}

// unknown reports a word that nobody knows, with the nearest one.
func (r *reader) unknown(at v1.Origin, noun, word string, known []string) {
	fix := "write one of: " + strings.Join(known, ", ")
	if len(r.problems) > maxProblems { // it will not be told of
		fix = ""
	} else if near := v1.Nearest(word, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	r.report(at, fmt.Sprintf("unknown %s %s", noun, shown(word)), fix)
}

// text returns the text of an entry. It reports another type, and nothing.
func (r *reader) text(e entry, depth int) (string, bool) {
	n := r.follow(e.value, depth)
	switch {
	case n == nil:
	case isNull(n) || n.Kind == yaml.ScalarNode && n.Value == "":
		r.report(e.at, e.key+" has no value", "give it one, or remove it")
	case n.ShortTag() != "!!str":
		r.report(r.at(e.value), fmt.Sprintf("%s is %s, not text", e.key, shape(n)), "put it between quotes if it is meant as text")
	default:
		return n.Value, true
	}
	return "", false
}

// flag returns the truth of an entry.
func (r *reader) flag(e entry, depth int) bool {
	n := r.follow(e.value, depth)
	if n == nil {
		return false
	}
	if n.ShortTag() != "!!bool" {
		r.report(r.at(e.value), fmt.Sprintf("%s is %s, not true or false", e.key, shape(n)), "write true or false, without quotes")
	}
	return strings.EqualFold(n.Value, "true")
}

// items returns the members of a list.
func (r *reader) items(e entry, depth int) []*yaml.Node {
	n := r.follow(e.value, depth)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.report(r.at(e.value), fmt.Sprintf("%s is %s, not a list", e.key, shape(n)), "begin each item with a hyphen")
		return nil
	}
	return n.Content
}

// plain returns a node as JSON knows values.
func (r *reader) plain(n *yaml.Node, depth int) any {
	at := r.at(n)
	if n = r.follow(n, depth); n == nil {
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for _, e := range r.entries(n, "it", depth) {
			out[e.key] = r.plain(e.value, depth+1)
		}
		return out
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			out = append(out, r.plain(item, depth+1))
		}
		return out
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if whole, err := strconv.ParseInt(strings.ReplaceAll(n.Value, "_", ""), 0, 64); err == nil {
			return whole
		}
		r.report(at, fmt.Sprintf("the number %s is too large", shown(n.Value)), "put it between quotes if it is meant as text")
	case "!!float":
		if number, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64); err == nil && !math.IsInf(number, 0) && !math.IsNaN(number) {
			return json.Number(strconv.FormatFloat(number, 'g', -1, 64))
		}
		r.report(at, fmt.Sprintf("%s is no number that can be passed on", shown(n.Value)), "put it between quotes if it is meant as text")
	}
	return n.Value
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// shape says in words what a node is.
func shape(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!!map":
		return "a map"
	case "!!seq":
		return "a list"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a date"
	}
	return "text"
}

// shown quotes a word of the file for a message, and shortens it.
func shown(text string) string {
	if len(text) > 60 {
		text = strings.ToValidUTF8(text[:60], "") + "…"
	}
	return strconv.Quote(text)
}
