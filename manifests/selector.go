package manifests

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// wordSelector says which containers are instances of a Service by the labels of other tools.
const wordSelector = "selector"

// The most of a selector: labels, and characters of a label's name and of its value.
const (
	maxSelected      = 32
	maxSelectedName  = 256
	maxSelectedValue = 1024
)

// wordsOfKubernetes are what its other kinds of selectors have: conditions of several sorts.
var wordsOfKubernetes = []string{"matchLabels", "matchExpressions"}

// selector reads which labels a container must bear. Whatever is wrong with it, there is
// one, so that the fields of instances beside it are not wrong as well.
func (r *reader) selector(e entry) *v1.Selector {
	out := &v1.Selector{Origin: e.at}
	before := len(r.problems)
	labels := r.entries(e.value, wordSelector, 2)
	switch {
	case len(r.problems) > before:
	case len(labels) == 0:
		r.report(e.at, "the selector names no label, and would bring every container in", "write below it the labels that the containers bear: com.docker.compose.service: web")
	case len(labels) > maxSelected:
		r.report(e.at, fmt.Sprintf("the selector has %d labels, the most is %d", len(labels), maxSelected), "name those that tell the containers apart")
	default:
		for _, label := range labels {
			if made, ok := r.selected(label); ok {
				out.Labels = append(out.Labels, made)
			}
		}
	}
	slices.SortFunc(out.Labels, func(a, b v1.SelectorLabel) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// selected reads one label and its value, which Docker compares letter for letter.
func (r *reader) selected(e entry) (v1.SelectorLabel, bool) {
	before := len(r.problems)
	n := r.follow(e.value, 3)
	if n == nil {
		return v1.SelectorLabel{}, false
	}
	switch {
	case slices.Contains(wordsOfKubernetes, e.key) && shape(n) != "text":
		r.report(e.at, e.key+" is not how a Service selects, here as in Kubernetes", "write the labels below selector itself, each with its value")
	case isNull(n):
		r.report(e.at, fmt.Sprintf("the label %s has no value", shown(e.key)), `give it one, "" where the label has none, or remove it`)
	case n.Kind != yaml.ScalarNode:
		r.report(r.at(e.value), fmt.Sprintf("the value of the label %s is %s, not text", shown(e.key), shape(n)), "write one value: a container has each label once")
	case shape(n) != "text":
		r.report(r.at(e.value), fmt.Sprintf("the value of the label %s is %s, not text", shown(e.key), shape(n)), "put it between quotes if it is meant as text")
	default:
		r.checkSelected(e.at, "name", e.key, maxSelectedName)
		r.checkSelected(r.at(e.value), "value", n.Value, maxSelectedValue)
	}
	return v1.SelectorLabel{Name: e.key, Value: n.Value}, len(r.problems) == before
}

// checkSelected reports what no label has.
func (r *reader) checkSelected(at v1.Origin, noun, text string, most int) {
	switch {
	case len(text) > most:
		r.report(at, fmt.Sprintf("the label's %s has %d characters, the most is %d", noun, len(text), most), "select by another label")
	case strings.ContainsFunc(text, unicode.IsControl):
		r.report(at, fmt.Sprintf("the label's %s %s holds a control character", noun, shown(text)), "select by another label")
	}
}
