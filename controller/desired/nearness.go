package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// nearness finds what comes nearest to a selector that picks nobody.
type nearness struct {
	by     *v1.Selector
	values []map[string]bool // of each of its labels: which values containers have there
	close  snapshot.Instance // has all of several labels but one; of several the first by name
	misses v1.SelectorLabel  // that one
}

func newNearness(by *v1.Selector) *nearness {
	n := &nearness{by: by, values: make([]map[string]bool, len(by.Labels))}
	for i := range n.values {
		n.values[i] = map[string]bool{}
	}
	return n
}

// look takes a container into account that is not picked.
func (n *nearness) look(i snapshot.Instance) {
	for at, want := range n.by.Labels {
		if value, has := i.Labels[want.Name]; has {
			n.values[at][value] = true
		}
	}
	if n.found() && cmp.Or(cmp.Compare(n.close.Name, i.Name), cmp.Compare(n.close.ID, i.ID)) < 0 {
		return
	}
	if missing := missed(n.by, i.Labels); len(missing) == 1 && len(n.by.Labels) > 1 {
		if is, _ := nearMiss(missing[0], i.Labels); is {
			n.close, n.misses = i, missing[0]
		}
	}
}

// found reports whether some container misses by one label alone.
func (n *nearness) found() bool { return n.close.ID != "" }

// say says what comes nearest, and what to do. A label, or a value of it, that nobody has at
// all is most likely misspelt.
func (n *nearness) say(everyone func(func(snapshot.Instance) bool)) (near, fix string) {
	fix = "start a container with these labels, or have the selector name labels that yours bear"
	guess, unborne := "", false
	for at, want := range n.by.Labels {
		if len(n.values[at]) == 0 {
			near, unborne = "none bears the label "+want.Name, true
			guess = v1.Nearest(want.Name, labelNames(everyone))
		} else if !n.values[at][want.Value] {
			near = fmt.Sprintf("none has %s=%s", want.Name, want.Value)
			if value := v1.Nearest(want.Value, slices.Collect(maps.Keys(n.values[at]))); value != "" {
				guess = want.Name + "=" + v1.OneLine(value)
			}
		}
		if near != "" {
			break
		}
	}
	if guess != "" {
		fix = fmt.Sprintf("did you mean %s? If not, %s", v1.OneLine(guess), fix)
	}
	switch {
	case unborne: // then each container misses it
	case n.found() && near != "":
		near += fmt.Sprintf("; it would pick %s but for %s", n.close.Name, butFor(n.misses, n.close.Labels))
	case n.found():
		near = fmt.Sprintf("it would pick %s but for %s", n.close.Name, butFor(n.misses, n.close.Labels))
	case near == "":
		near = "none bears all of its labels: " + n.by.String()
	}
	return near, fix
}

// labelNames returns the names of all labels that containers bear.
func labelNames(everyone func(func(snapshot.Instance) bool)) []string {
	names := map[string]bool{}
	for i := range everyone {
		for name := range i.Labels {
			names[name] = true
		}
	}
	return slices.Collect(maps.Keys(names))
}

// missed returns the labels of a selector that a container does not bear so.
func missed(by *v1.Selector, labels map[string]string) []v1.SelectorLabel {
	var out []v1.SelectorLabel
	for _, want := range by.Labels {
		if value, has := labels[want.Name]; !has || value != want.Value {
			out = append(out, want)
		}
	}
	return out
}

// butFor says what a container has in place of a label that it misses.
func butFor(misses v1.SelectorLabel, labels map[string]string) string {
	if value, has := labels[misses.Name]; has {
		return misses.Name + "=" + v1.OneLine(value)
	}
	if alike := v1.Nearest(misses.Name, slices.Collect(maps.Keys(labels))); alike != "" && labels[alike] == misses.Value {
		return fmt.Sprintf("the label %s, in whose place it has %s", misses.Name, v1.OneLine(alike))
	}
	return fmt.Sprintf("the label %s, which it does not have", misses.Name)
}

// labelComposeService is where Compose notes which service a container is a copy of.
const labelComposeService = "com.docker.compose.service"

// nearest returns the selector that would pick a container but for one of its labels, and
// that label: of several the one with the most labels, one whose name alone is spelt otherwise
// before others, then the first by service.
func (s *selectors) nearest(labels map[string]string) (near selection, misses v1.SelectorLabel, found bool) {
	best := 0
	for _, service := range slices.Sorted(maps.Keys(s.byService)) {
		by := s.byService[service]
		missing := missed(by, labels)
		if len(missing) != 1 {
			continue
		}
		is, misspelt := nearMiss(missing[0], labels)
		rank := 2 * len(by.Labels)
		if misspelt {
			rank++
		}
		if is && rank > best && (misspelt || len(by.Labels) > 1) {
			near, misses, found, best = selection{service, by}, missing[0], true, rank
		}
	}
	return near, misses, found
}

// nearMiss reports whether a container that misses one label is likely meant all the same, and
// whether it has that label by another spelling of its name. One of another service of
// Compose is a neighbour in its project, and no copy of the same.
func nearMiss(misses v1.SelectorLabel, labels map[string]string) (is, misspelt bool) {
	if value, has := labels[misses.Name]; has {
		return misses.Name != labelComposeService || v1.Nearest(misses.Value, []string{value}) != "", false
	}
	alike := v1.Nearest(misses.Name, slices.Collect(maps.Keys(labels)))
	misspelt = alike != "" && labels[alike] == misses.Value
	return alike == "" || misspelt, misspelt
}

// unselected adds to the reason why a container does not count which selector comes nearest.
func (s *selectors) unselected(problem *v1.Problem, labels map[string]string) {
	near, misses, found := s.nearest(labels)
	if !found {
		problem.Message += ", and no manifest selects it"
		return
	}
	problem.Message += fmt.Sprintf(", and no manifest selects it: %s would pick it but for %s", near, butFor(misses, labels))
	if !strings.HasSuffix(problem.Fix, "?") {
		problem.Fix += ", or change that selector"
	}
}
