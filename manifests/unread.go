package manifests

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// A policy that is wrong and never was good has rules that nobody knows. What is let in
// meanwhile could be what they are to keep out, so it must be known that there is one,
// although nothing else of its file is understood.

// saidKind is how a file says the kind of an object, wherever that stands in its lines
// but in a comment; saidRule is a rule, for a file that lacks the word kind.
var (
	saidKind = regexp.MustCompile(`(?im)^[^#\n]*?\bkind["']?\s*:\s*["']?([a-z]+)`)
	saidRule = regexp.MustCompile(`(?m)^[^#\n]*?\brequire["']?\s*:`)
)

// policiesIn returns how many policies a text seems to hold that is wrong somewhere.
func policiesIn(text []byte) int {
	count := 0
	for _, found := range saidKind.FindAllSubmatch(text, -1) {
		word := string(found[1])
		if strings.EqualFold(word, kindPolicy) || v1.Nearest(word, kindNames()) == kindPolicy {
			count++
		}
	}
	if count == 0 && saidRule.Match(text) {
		count = 1
	}
	return count
}

// unread returns for each file that holds more policies than count of it what is wrong with
// it, sorted by place. A file that could never be read may be one.
func (s *shelf) unread(paths []string, linked *Linked) []v1.Problem {
	counting := map[string]int{} // policies by their file; of a repository's files by ""
	for _, p := range linked.World.Policies {
		at := p.Rules[0].Origin
		if at.Commit != "" {
			at.File = ""
		}
		counting[at.File]++
	}
	var out []v1.Problem
	for i, path := range paths {
		k := s.files[path]
		blind := k.text == nil && k.good == nil
		if linked.Whole[i] || !blind && policiesIn(k.text) <= counting[path] {
			continue
		}
		for _, problem := range linked.Problems {
			if problem.Origin.File == path && problem.Origin.Commit == "" {
				out = append(out, problem)
				break
			}
		}
	}
	if s.tree != nil && s.refused {
		if at := s.tree.policies(s.faults); at.said > counting[""] {
			out = append(out, at.fault)
		}
	}
	return out
}

// unreadTree says how many policies a commit seems to hold, and what is wrong with it: with
// one of these, if it is one.
type unreadTree struct {
	said  int
	fault v1.Problem
}

// policies looks for policies in a tree of which not all counts, because of faults.
func (g *grove) policies(faults []v1.Problem) unreadTree {
	found := unreadTree{fault: faults[0]}
	holds := map[string]bool{}
	blind := map[string]bool{} // files that are not among the leaves
	for i := range faults {
		blind[faults[i].Origin.File] = true
	}
	for i := range g.Leaves {
		path, count := g.Leaves[i].Path, 0
		delete(blind, path)
		if g.wrong[path] {
			count = policiesIn(g.Leaves[i].Text)
		} else {
			for n := range g.files[i].Objects {
				if g.files[i].Objects[n].Policy != nil {
					count++
				}
			}
		}
		holds[path] = count > 0
		found.said += count
	}
	found.said += len(blind)
	for _, fault := range faults {
		if holds[fault.Origin.File] {
			found.fault = fault
			break
		}
	}
	return found
}

// addUnread adds policies of which only is known that they are wrong.
func (w *World) addUnread(problems []v1.Problem) {
	for i := range problems {
		w.Policies = append(w.Policies, &policy.Policy{Name: problems[i].Origin.File, Unread: &problems[i]})
	}
	slices.SortFunc(w.Policies, func(a, b *policy.Policy) int { return cmp.Compare(a.Name, b.Name) })
}
