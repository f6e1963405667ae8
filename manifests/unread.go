package manifests

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// A policy that is wrong and never was good has rules that nobody knows; a Listener, hosts
// that nobody else may answer for. What is let in meanwhile could be what they are to keep
// out, so it must be known that there is such a guard, although nothing else of its file is
// understood.

// saidKind is how a file says the kind of an object, wherever that stands in its lines
// but in a comment; saidRule is a rule, for a file that lacks the word kind. saidField may be
// that a Listener has its hosts to itself.
var (
	saidKind  = regexp.MustCompile(`(?im)^[^#\n]*?\bkind["']?\s*:\s*["']?([a-z]+)`)
	saidRule  = regexp.MustCompile(`(?m)^[^#\n]*?\brequire["']?\s*:`)
	saidField = regexp.MustCompile(`(?i)\b([a-z]+)["']?\s*:\s*["']?(false)?`)
	comment   = regexp.MustCompile(`(?m)(^|\s)#.*$`)
)

// guardsIn returns how many policies, and Listeners with hosts to themselves, a text seems to
// hold that is wrong somewhere.
func guardsIn(text []byte) int {
	policies, listeners := 0, 0
	for _, found := range saidKind.FindAllSubmatch(text, -1) {
		switch word := string(found[1]); {
		case strings.EqualFold(word, kindPolicy) || v1.Nearest(word, kindNames()) == kindPolicy:
			policies++
		case strings.EqualFold(word, kindListener) || v1.Nearest(word, kindNames()) == kindListener:
			listeners++
		}
	}
	if policies == 0 && saidRule.Match(text) {
		policies = 1
	}
	if listeners > 0 {
		listeners = min(listeners, exclusivesIn(text))
	}
	return policies + listeners
}

// exclusivesIn returns how often a text seems to say that a Listener has its hosts to itself.
func exclusivesIn(text []byte) int {
	count := 0
	for _, found := range saidField.FindAllSubmatch(comment.ReplaceAll(text, nil), -1) {
		if len(found[2]) == 0 && v1.Nearest(strings.ToLower(string(found[1])), listenerFields) == fieldExclusive {
			count++
		}
	}
	return count
}

// isGuard reports whether an object keeps out what others ask for.
func (o *Object) isGuard() bool { return o.Policy != nil || o.Listener != nil && o.Listener.Exclusive }

// unread returns for each file that holds more guards than count of it what is wrong with
// it. A file that could never be read may hold one. broken are those of which not all counts.
func (s *shelf) unread(broken []*member) []v1.Problem {
	if len(broken) == 0 && !s.refused {
		return nil
	}
	counting := s.linker.world.guards()
	var out []v1.Problem
	for _, m := range broken {
		k := s.files[m.Path]
		if blind := k.text == nil && k.good == nil; blind || k.guards() > counting[m.Path] {
			out = append(out, s.linker.fault(m.Path))
		}
	}
	if s.tree != nil && s.refused {
		if at := s.tree.guards(s.faults); at.said > counting[""] {
			out = append(out, at.fault)
		}
	}
	return out
}

// guards returns how many guards the file seems to hold that is wrong somewhere.
func (k *known) guards() int {
	if !k.searched {
		k.searched, k.seems = true, guardsIn(k.text)
	}
	return k.seems
}

// guards counts those that hold by their file, and those of a repository's files by "".
func (w *World) guards() map[string]int {
	counting := map[string]int{}
	count := func(at v1.Origin) {
		if at.Commit != "" {
			at.File = ""
		}
		counting[at.File]++
	}
	for _, p := range w.Policies {
		count(p.Rules[0].Origin)
	}
	for i := range w.Listeners {
		if l := &w.Listeners[i]; l.Exclusive {
			count(l.Origin)
		}
	}
	return counting
}

// fault returns the first thing that is wrong with a file of a folder, of which something is.
func (l *linker) fault(path string) v1.Problem {
	first, _ := slices.BinarySearchFunc(l.problems, v1.Origin{File: path}, func(p v1.Problem, at v1.Origin) int { return orderPlaces(p.Origin, at) })
	for first < len(l.problems)-1 && l.problems[first].Origin.Commit != "" {
		first++
	}
	return l.problems[first]
}

// unreadTree says how many guards a commit seems to hold, and what is wrong with it: with
// one of these, if it is one.
type unreadTree struct {
	said  int
	fault v1.Problem
}

// guards looks for guards in a tree of which not all counts, because of faults.
func (g *grove) guards(faults []v1.Problem) unreadTree {
	if g.holds == nil {
		g.count()
	}
	found := unreadTree{fault: faults[0]}
	for _, count := range g.holds {
		found.said += count
	}
	blind := map[string]bool{} // files that are not among the leaves
	first := true
	for _, fault := range faults {
		path := fault.Origin.File
		if _, there := slices.BinarySearchFunc(g.Leaves, path, func(l Leaf, path string) int { return strings.Compare(l.Path, path) }); !there {
			blind[path] = true
		}
		if first && g.holds[path] > 0 {
			found.fault, first = fault, false
		}
	}
	found.said += len(blind)
	return found
}

// count notes how many guards the leaves hold, or seem to hold where they are wrong.
func (g *grove) count() {
	g.holds = map[string]int{}
	for i := range g.Leaves {
		path, count := g.Leaves[i].Path, 0
		if g.wrong[path] {
			count = guardsIn(g.Leaves[i].Text)
		} else {
			for n := range g.files[i].Objects {
				if g.files[i].Objects[n].isGuard() {
					count++
				}
			}
		}
		if count > 0 {
			g.holds[path] = count
		}
	}
}

// addUnread adds a policy for each guard of which only is known that it is wrong.
func (w *World) addUnread(problems []v1.Problem) {
	if len(problems) == 0 {
		return
	}
	w.Policies = slices.Clone(w.Policies)
	for i := range problems {
		w.Policies = append(w.Policies, &policy.Policy{Name: problems[i].Origin.File, Unread: &problems[i]})
	}
	slices.SortFunc(w.Policies, orderPolicies)
}
