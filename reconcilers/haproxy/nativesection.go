package haproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// nativeName is the file of all native sections. It is their record, too: what it
// says is compared with what is asked for, also by the next daemon.
const nativeName = shardPrefix + "native.cfg"

// nativeMark begins the comment that names the manifest of the section below it.
const nativeMark = "# manifest "

// nativeSection is a section in HAProxy's own words. It is never changed once it
// is in a model.
type nativeSection struct {
	head     string // "backend redis"
	manifest string // name of the object that asks for it
	text     string // all of its lines
	origin   v1.Origin
}

func (n *nativeSection) object() *plan.Object {
	key := v1.Key{Kind: kindSection, Name: n.head}
	return &plan.Object{
		Key: key, Service: key.String(), Owner: v1.Key{Kind: kindSection, Name: n.manifest}, Level: levelSection,
		Noun: "native " + n.head, Fields: map[string]string{"manifest": n.manifest, "version": digest(n.text)},
		Native: n, Origin: n.origin,
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
			object := n.object()
			if other, taken := state[object.Key]; taken {
				problem = sectionProblem(declared, v1.Conflict, "the manifest "+other.Fields["manifest"]+" ("+other.Origin.String()+") says the "+n.head+" as well", "rename one of the two")
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
			last.origin = declared.Origin
			object := last.object()
			if _, taken := state[object.Key]; last.manifest == declared.Name && !taken {
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
func (r *Reconciler) translate(s v1.Section) (*nativeSection, *v1.Problem) {
	var body map[string]any
	if err := json.Unmarshal(s.Body, &body); err != nil {
		return nil, sectionProblem(s, v1.InvalidManifest, "the section can't be read: "+err.Error(), "write fields of HAProxy's model")
	}
	word, _ := body["section"].(string)
	kind, served := nativeKinds[strings.ReplaceAll(word, "-", "_")]
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
		if file, taken := r.user.sections[theirs]; taken {
			return nil, sectionProblem(s, v1.Conflict, file+" has the "+theirs+" already", "rename one of the two")
		}
	}
	text, err := r.nativeText(kind, name, body)
	if err != nil {
		return nil, sectionProblem(s, v1.InvalidManifest, "the "+head+" can't be written: "+err.Error(), "correct the field; its names are those of HAProxy's models")
	}
	return &nativeSection{head: head, manifest: s.Name, text: text, origin: s.Origin}, nil
}

// nativeText renders a body, and refuses what would tie it to what comes and goes.
func (r *Reconciler) nativeText(kind nativeKind, name string, body map[string]any) (string, error) {
	if err := printable("", body); err != nil {
		return "", err
	}
	defaults := defaultsName(r.o.Owner)
	if from, says := body["from"]; says {
		text, _ := from.(string)
		if err := charset.Backend.Check(text); err != nil {
			return "", fmt.Errorf("from: %w", err)
		}
		defaults = text
		delete(body, "from")
	}
	if _, says := body["id"]; says {
		return "", fmt.Errorf("id is HAProxy's to choose")
	}
	text, err := kind.text(name, defaults, body)
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

// printable refuses texts that could end a line.
func printable(place string, value any) error {
	switch v := value.(type) {
	case string:
		if at := strings.IndexFunc(v, func(c rune) bool { return c < ' ' || c == 0x7f || c == 0x85 || c == 0x2028 || c == 0x2029 }); at >= 0 {
			return fmt.Errorf("%s holds the control character %q", place, v[at:at+1])
		}
	case []any:
		for i, item := range v {
			if err := printable(fmt.Sprintf("%s[%d]", place, i), item); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if err := printable(strings.TrimPrefix(place+"."+key, "."), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// renderNatives writes the file; nil when there are no sections.
func (m *model) renderNatives() []byte {
	if len(m.natives) == 0 {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, headFormat, m.owner)
	for _, head := range sortedKeys(m.natives) {
		b.WriteString(nativeMark + strconv.Quote(m.natives[head].manifest) + "\n" + m.natives[head].text)
	}
	return b.Bytes()
}

// parseNatives reads back what renderNatives wrote. What it does not understand
// it leaves out, as parseFiles does.
func parseNatives(text string) map[string]*nativeSection {
	natives := map[string]*nativeSection{}
	for part := range strings.SplitSeq("\n"+text, "\n"+nativeMark) {
		quoted, lines, _ := strings.Cut(part, "\n")
		manifest, err := strconv.Unquote(quoted)
		if err != nil {
			continue
		}
		if lines != "" && !strings.HasSuffix(lines, "\n") {
			lines += "\n"
		}
		first, _, _ := strings.Cut(lines, "\n")
		head, _, said := strings.Cut(first, " from ")
		if said && alone(lines, head) == nil {
			natives[head] = &nativeSection{head: head, manifest: manifest, text: lines}
		}
	}
	return natives
}

// nextNatives applies the steps that have not failed.
func nextNatives(have map[string]*nativeSection, steps []*step) map[string]*nativeSection {
	next := map[string]*nativeSection{}
	maps.Copy(next, have)
	for _, s := range steps {
		n, ok := s.change.Object().Native.(*nativeSection)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, n.head)
		default:
			next[n.head] = n
		}
	}
	return next
}
