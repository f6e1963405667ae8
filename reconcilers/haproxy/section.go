package haproxy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
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
				wrong = sectionProblem(declared, v1.Conflict, "the manifest "+other.Fields["manifest"]+" ("+other.Origin.String()+") says the "+n.Head+" as well", "rename one of the two")
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

// sectionProblem is the one problem of a section.
func sectionProblem(s v1.Section, reason v1.Reason, message, fix string) []v1.Problem {
	return []v1.Problem{{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindSection, Name: s.Name}, Origin: s.Origin, Message: message, Fix: fix,
	}}
}

// CheckSections says what is wrong with sections, each by itself: all that is wrong with its
// fields, with their places. Whether HAProxy takes them, and what others have, is not asked.
func CheckSections(sections []v1.Section) []v1.Problem {
	var problems []v1.Problem
	for _, s := range sections {
		_, wrong := translate(s, "lockstep")
		problems = append(problems, wrong...)
	}
	return problems
}

// translate turns what a manifest says into HAProxy's text, if nobody has the section already.
func (r *Reconciler) translate(s v1.Section) (*native.Section, []v1.Problem) {
	n, problems := translate(s, r.o.Owner)
	if len(problems) > 0 {
		return nil, problems
	}
	_, name, _ := strings.Cut(n.Head, " ")
	if strings.HasPrefix(name, r.o.Owner+":") {
		return nil, sectionProblem(s, v1.Conflict, "names that begin with "+r.o.Owner+": are Lockstep's own", "rename the section")
	}
	for _, theirs := range []string{n.Head, "listen " + name} {
		if file, taken := r.user.Sections[theirs]; taken {
			return nil, sectionProblem(s, v1.Conflict, file+" has the "+theirs+" already", "rename one of the two")
		}
	}
	return n, nil
}

// translate turns what a manifest says into HAProxy's text, or says all that is wrong with it.
func translate(s v1.Section, owner string) (*native.Section, []v1.Problem) {
	var body map[string]any
	if err := json.Unmarshal(s.Body, &body); err != nil {
		return nil, sectionProblem(s, v1.InvalidManifest, "the section can't be read: "+err.Error(), "write fields of HAProxy's model")
	}
	word, _ := body["section"].(string)
	kind, served := native.KindOf(word)
	if !served {
		return nil, sectionProblem(s, v1.NotExpressible, "sections of the kind "+strconv.Quote(word)+" are not served", "write a backend or a frontend, or put the section into a file of your own (--haproxy-config)")
	}
	delete(body, "section")
	if _, named := body["name"]; !named {
		body["name"] = s.Name
	}
	name, _ := body["name"].(string)
	if err := charset.Backend.Check(name); err != nil {
		problems := sectionProblem(s, v1.InvalidManifest, err.Error(), "rename the section")
		problems[0].Origin = placeOf(s, "name")
		return nil, problems
	}
	head := word + " " + name
	text, faults := kind.Text(name, frontend.Defaults(owner), body)
	if len(faults) == 0 {
		faults = tied(text, owner)
	}
	var problems []v1.Problem
	for _, f := range faults {
		problem := sectionProblem(s, v1.InvalidManifest, f.Message, f.Fix)[0]
		if f.Path == "" {
			problem.Message = "the " + head + " can't be written: " + f.Message
		}
		problem.Origin = placeOf(s, f.Path)
		problems = append(problems, problem)
	}
	slices.SortStableFunc(problems, func(a, b v1.Problem) int {
		return cmp.Or(cmp.Compare(a.Origin.Line, b.Origin.Line), cmp.Compare(a.Origin.Column, b.Origin.Column))
	})
	return &native.Section{Head: head, Manifest: s.Name, Text: text, Origin: s.Origin}, problems
}

// placeOf returns where a field of a section stands, or what it would be in.
func placeOf(s v1.Section, path string) v1.Origin {
	for path != "" {
		if at, known := s.Places[path]; known {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return s.Origin
}

// tied names what would tie a section to what comes and goes.
func tied(text, owner string) []native.Fault {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		service, ours := strings.CutPrefix(words[min(1, len(words)-1)], owner+":")
		if strings.HasSuffix(words[0], "_backend") && ours && !strings.HasPrefix(service, ":") {
			return []native.Fault{{
				Path: words[0], Message: strings.Join(words, " ") + " names the backend of a service, which comes and goes", Fix: "send requests to " + routemap.Gate(owner),
			}}
		}
	}
	return nil
}
