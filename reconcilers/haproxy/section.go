package haproxy

import (
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/compile"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// nativeSections translates the sections of manifests. One that is wrong keeps its
// last good version, which the model knows, and is named.
func (r *Reconciler) nativeSections(state plan.State, shared []v1.Section) []v1.Problem {
	var problems []v1.Problem
	first := map[string]int{} // the first problem of each that is wrong
	for _, declared := range shared {
		n, wrong := r.translate(declared)
		if len(wrong) == 0 {
			item := object.Section(n)
			if other, taken := state[item.Key]; taken {
				wrong = compile.SectionProblem(declared, v1.Conflict, "the manifest "+other.Fields["manifest"]+" ("+other.Origin.String()+") says the "+n.Head+" as well", "rename one of the two")
			} else {
				state[item.Key] = item
			}
		}
		if len(wrong) > 0 {
			first[declared.Name] = len(problems)
			problems = append(problems, wrong...)
		}
	}
	for _, declared := range shared {
		i, wrong := first[declared.Name]
		if r.model == nil || !wrong {
			continue
		}
		for _, head := range sortedKeys(r.model.Natives()) {
			last := *r.model.Natives()[head]
			last.Origin = declared.Origin
			item := object.Section(&last)
			if _, taken := state[item.Key]; last.Manifest == declared.Name && !taken {
				state[item.Key] = item
				problems[i].Message += "; its last good version stays"
			}
		}
	}
	return problems
}

// CheckSections says what is wrong with sections, each by itself: all that is wrong with its
// fields, with their places. Whether HAProxy takes them, and what others have, is not asked.
func CheckSections(sections []v1.Section) []v1.Problem {
	var problems []v1.Problem
	for _, s := range sections {
		_, wrong := compile.Section(s, "lockstep")
		problems = append(problems, wrong...)
	}
	return problems
}

// translate turns what a manifest says into HAProxy's text, if nobody has the section already.
func (r *Reconciler) translate(s v1.Section) (*native.Section, []v1.Problem) {
	n, problems := compile.Section(s, r.o.Owner)
	if len(problems) > 0 {
		return nil, problems
	}
	_, name, _ := strings.Cut(n.Head, " ")
	if strings.HasPrefix(name, r.o.Owner+":") {
		return nil, compile.SectionProblem(s, v1.Conflict, "names that begin with "+r.o.Owner+": are Lockstep's own", "rename the section")
	}
	for _, theirs := range []string{n.Head, "listen " + name} {
		if file, taken := r.user.Sections[theirs]; taken {
			return nil, compile.SectionProblem(s, v1.Conflict, file+" has the "+theirs+" already", "rename one of the two")
		}
	}
	return n, nil
}
