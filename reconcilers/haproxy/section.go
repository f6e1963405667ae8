package haproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// sectionObject is what a plan knows of a section.
func sectionObject(n *native.Section) *plan.Object {
	key := v1.Key{Kind: kindSection, Name: n.Head}
	return &plan.Object{
		Key: key, Service: key.String(), Owner: v1.Key{Kind: kindSection, Name: n.Manifest}, Level: levelSection,
		Noun: "native " + n.Head, Fields: map[string]string{"manifest": n.Manifest, "version": digest.Of(n.Text)},
		Native: n, Origin: n.Origin,
	}
}

// nativeSections translates the sections of manifests. One that is wrong keeps its
// last good version, which the model knows, and is named.
func (r *Reconciler) nativeSections(state plan.State, shared []v1.Section) []v1.Problem {
	var problems []v1.Problem
	var wrong []v1.Section
	for _, declared := range shared {
		n, problem := r.translate(declared)
		if problem == nil {
			object := sectionObject(n)
			if other, taken := state[object.Key]; taken {
				problem = sectionProblem(declared, v1.Conflict, "the manifest "+other.Fields["manifest"]+" ("+other.Origin.String()+") says the "+n.Head+" as well", "rename one of the two")
			} else {
				state[object.Key] = object
			}
		}
		if problem != nil {
			wrong = append(wrong, declared)
			problems = append(problems, *problem)
		}
	}
	for i, declared := range wrong {
		if r.model == nil {
			break
		}
		for _, head := range sortedKeys(r.model.natives) {
			last := *r.model.natives[head]
			last.Origin = declared.Origin
			object := sectionObject(&last)
			if _, taken := state[object.Key]; last.Manifest == declared.Name && !taken {
				state[object.Key] = object
				problems[i].Message += "; its last good version stays"
			}
		}
	}
	return problems
}

func sectionProblem(s v1.Section, reason v1.Reason, message, fix string) *v1.Problem {
	return &v1.Problem{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: kindSection, Name: s.Name}, Origin: s.Origin, Message: message, Fix: fix,
	}
}

// translate turns what a manifest says into HAProxy's text.
func (r *Reconciler) translate(s v1.Section) (*native.Section, *v1.Problem) {
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
		return nil, sectionProblem(s, v1.InvalidManifest, err.Error(), "rename the section")
	}
	head := word + " " + name
	if strings.HasPrefix(name, r.o.Owner+":") {
		return nil, sectionProblem(s, v1.Conflict, "names that begin with "+r.o.Owner+": are Lockstep's own", "rename the section")
	}
	for _, theirs := range []string{head, "listen " + name} {
		if file, taken := r.user.Sections[theirs]; taken {
			return nil, sectionProblem(s, v1.Conflict, file+" has the "+theirs+" already", "rename one of the two")
		}
	}
	text, err := r.nativeText(kind, name, body)
	if err != nil {
		return nil, sectionProblem(s, v1.InvalidManifest, "the "+head+" can't be written: "+err.Error(), "correct the field; its names are those of HAProxy's models")
	}
	return &native.Section{Head: head, Manifest: s.Name, Text: text, Origin: s.Origin}, nil
}

// nativeText renders a body, and refuses what would tie it to what comes and goes.
func (r *Reconciler) nativeText(kind native.Kind, name string, body map[string]any) (string, error) {
	text, err := kind.Text(name, defaultsName(r.o.Owner), body)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		service, ours := strings.CutPrefix(words[min(1, len(words)-1)], r.o.Owner+":")
		if strings.HasSuffix(words[0], "_backend") && ours && !strings.HasPrefix(service, ":") {
			return "", fmt.Errorf("%s names the backend of a service, which comes and goes; send requests to %s", strings.Join(words, " "), gateName(r.o.Owner))
		}
	}
	return text, nil
}

// renderNatives writes the file of all native sections; nil when there are none. It is
// their record, too: what it says is compared with what is asked for, also by the next
// daemon.
func (m *model) renderNatives() []byte {
	if len(m.natives) == 0 {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(disk.Head(m.owner))
	native.Write(&b, m.natives)
	return b.Bytes()
}

// nextNatives applies the steps that have not failed.
func nextNatives(have map[string]*native.Section, steps []*step) map[string]*native.Section {
	next := map[string]*native.Section{}
	maps.Copy(next, have)
	for _, s := range steps {
		n, ok := s.change.Object().Native.(*native.Section)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, n.Head)
		default:
			next[n.Head] = n
		}
	}
	return next
}
