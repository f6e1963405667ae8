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

// Selection is what became of a service's selector: whom it picks of all containers, and,
// where that is nobody, what comes nearest. It is worked out when somebody asks, for it
// takes a look at each container.
type Selection struct {
	Origin  v1.Origin    `json:"origin"`             // where the selector stands
	Labels  string       `json:"labels"`             // by which it selects: app=shop, tier=web
	Running int          `json:"running"`            // how many containers there are to pick from
	Picked  []string     `json:"picked"`             // the names of those that it picks, sorted
	LeftOut []v1.Problem `json:"left_out,omitempty"` // why some of these are no instances, one for each, in the same order
	Near    string       `json:"near,omitempty"`     // where it picks none: what comes nearest
	Fix     string       `json:"fix,omitempty"`      // what to do about it
}

// Selection returns what became of a service's selector; nil: it has none.
func (b *Builder) Selection(service string) *Selection {
	by := b.selectors.byService[service]
	if by == nil {
		return nil
	}
	out := &Selection{Origin: by.Origin, Labels: by.String(), Running: len(b.containers) + len(b.uncounted), Picked: []string{}}
	var picked []snapshot.Instance
	n := newNearness(by)
	for i := range b.everyone {
		if by.Selects(i.Labels) {
			picked = append(picked, i)
		} else if len(picked) == 0 {
			n.look(i)
		}
	}
	slices.SortFunc(picked, func(x, y snapshot.Instance) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID, y.ID)) })
	for _, i := range picked {
		out.Picked = append(out.Picked, i.Name)
		if why := b.leftOut(service, i); why != nil {
			out.LeftOut = append(out.LeftOut, *why)
		}
	}
	if len(picked) == 0 {
		out.Near, out.Fix = n.say(b.everyone)
	}
	return out
}

// everyone yields all containers, whether they count or not, in no order.
func (b *Builder) everyone(yield func(snapshot.Instance) bool) {
	for _, c := range b.containers {
		if !yield(c.instance) {
			return
		}
	}
	for _, i := range b.uncounted {
		if !yield(i) {
			return
		}
	}
}

// leftOut says why a container that the service's selector picks is no instance of it; nil:
// it is one.
func (b *Builder) leftOut(service string, i snapshot.Instance) *v1.Problem {
	if _, is := b.services[service].members[i.ID]; is {
		return nil
	}
	c := b.containers[i.ID]
	if c == nil { // what a selector picks counts, unless it opted out
		why := b.options.Grammar.NotEnabledBecause(subject(i))
		why.Message, why.Fix = "it opts out", "remove the label to let the selector bring it in"
		return &why
	}
	for n := range c.asked {
		if c.asked[n].Service.Name != service || len(c.wrong) > 0 {
			continue
		}
		if problems, _ := b.refused(c, c.asked[n:n+1]); len(problems) > 0 {
			return &problems[0]
		}
	}
	if len(c.problems) == 0 {
		return nil
	}
	return &c.problems[0]
}

// Say says whom it picks. among names the containers there are: "that run".
func (s *Selection) Say(among string) string {
	said := fmt.Sprintf("its selector (%s) picks ", s.Origin)
	switch {
	case s.Running == 0:
		return said + "nothing, for there is no container " + among
	case len(s.Picked) == 0:
		return said + fmt.Sprintf("none of the %s %s: %s", containersOf(s.Running), among, s.Near)
	}
	said += fmt.Sprintf("%d of the %s %s", len(s.Picked), containersOf(s.Running), among)
	if len(s.LeftOut) > 0 && len(s.LeftOut) == len(s.Picked) {
		said += ", and all are left out: " + s.LeftOut[0].Origin.String() + ": " + s.LeftOut[0].Message
	}
	return said
}

func containersOf(n int) string {
	if n == 1 {
		return "1 container"
	}
	return fmt.Sprintf("%d containers", n)
}

// Advice is what to do where a selector brings nobody in.
func (s *Selection) Advice() string {
	if len(s.Picked) > 0 && len(s.LeftOut) == len(s.Picked) {
		return s.LeftOut[0].Fix
	}
	return s.Fix
}

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
	guess := ""
	for at, want := range n.by.Labels {
		if len(n.values[at]) == 0 {
			near = "none bears the label " + want.Name
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
	case strings.HasPrefix(near, "none bears"): // then each container misses it
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

// Reselection is a service whose manifest selects by other labels than before.
type Reselection struct {
	Service       string
	Origin        v1.Origin // of its selector; where it has none any more, of the service
	Before, After int       // how many instances selectors brought in
}

// reselecting returns how many instances selectors bring into the services that are about
// to select by other labels.
func (b *Builder) reselecting(delta snapshot.Delta) map[string]int {
	if !b.begun || delta.Full {
		return nil
	}
	before := map[string]int{}
	for name, declared := range delta.Declared {
		if declared == nil {
			continue
		}
		was, is := b.selectors.byService[name], declared.Selector
		if was == nil && is == nil || was != nil && is != nil && slices.Equal(was.Labels, is.Labels) {
			continue
		}
		before[name] = b.selectedIn(name)
	}
	return before
}

// reselections returns what became of them, sorted.
func (b *Builder) reselections(before map[string]int) []Reselection {
	var out []Reselection
	for _, name := range slices.Sorted(maps.Keys(before)) {
		r := Reselection{Service: name, Before: before[name], After: b.selectedIn(name), Origin: b.services[name].said.Service.Origin}
		if by := b.selectors.byService[name]; by != nil {
			r.Origin = by.Origin
		}
		out = append(out, r)
	}
	return out
}

// selectedIn returns how many instances a selector brings into a service.
func (b *Builder) selectedIn(service string) int {
	n := 0
	if s := b.services[service]; s != nil {
		for _, m := range s.members {
			if m.selector() != nil {
				n++
			}
		}
	}
	return n
}
