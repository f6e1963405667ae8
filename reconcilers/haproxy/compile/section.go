package compile

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
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// Section turns what a manifest says into HAProxy's text, or says all that is wrong with it.
func Section(s v1.Section, owner string) (*native.Section, []v1.Problem) {
	var body map[string]any
	if err := json.Unmarshal(s.Body, &body); err != nil {
		return nil, SectionProblem(s, v1.InvalidManifest, "the section can't be read: "+err.Error(), "write fields of HAProxy's model")
	}
	word, _ := body["section"].(string)
	kind, served := native.KindOf(word)
	if !served {
		return nil, SectionProblem(s, v1.NotExpressible, "sections of the kind "+strconv.Quote(word)+" are not served", "write a backend or a frontend, or put the section into a file of your own (--haproxy-config)")
	}
	delete(body, "section")
	if _, named := body["name"]; !named {
		body["name"] = s.Name
	}
	name, _ := body["name"].(string)
	if err := charset.Backend.Check(name); err != nil {
		problems := SectionProblem(s, v1.InvalidManifest, err.Error(), "rename the section")
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
		problem := SectionProblem(s, v1.InvalidManifest, f.Message, f.Fix)[0]
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

// SectionProblem is the one problem of a section.
func SectionProblem(s v1.Section, reason v1.Reason, message, fix string) []v1.Problem {
	return []v1.Problem{{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindSection, Name: s.Name}, Origin: s.Origin, Message: message, Fix: fix,
	}}
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
