package v1

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is found into the golden files and docs/labels.md")

// TestStories decodes the labels of each testdata/stories/*.txtar and compares
// the answer with what the story says. A story is a comment, a section "labels"
// with a container's labels, perhaps a section "container" (name, project,
// service, swarm, expose_all), and either "declares" or "problems".
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories found: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			grammar, subject, want := readStory(t, archive)
			declaration, problems := grammar.Decode(subject)
			got := tell(declaration, problems)
			if *update {
				archive.Files = append(keepInput(archive.Files), got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want.Name+"\n"+string(want.Data), got.Name+"\n"+string(got.Data)); diff != "" {
				t.Errorf("the story ends differently (-want +got); run with -update when it should:\n%s", diff)
			}
		})
	}
}

func keepInput(files []txtar.File) []txtar.File {
	var kept []txtar.File
	for _, f := range files {
		if f.Name == "labels" || f.Name == "container" {
			kept = append(kept, f)
		}
	}
	return kept
}

func readStory(t *testing.T, archive *txtar.Archive) (Grammar, Subject, txtar.File) {
	t.Helper()
	grammar := Grammar{Prefix: "lockstep."}
	subject := Subject{Container: "shop-web-1", Project: "shop", Service: "web", Labels: map[string]string{}}
	var want txtar.File
	for _, f := range archive.Files {
		switch f.Name {
		case "labels":
			subject.Labels = readLabels(t, string(f.Data))
		case "container":
			facts := readLabels(t, string(f.Data))
			grammar.ExposeAll = facts["expose_all"] == "true"
			subject.Container, subject.Project, subject.Service = facts["name"], facts["project"], facts["service"]
			if swarm := facts["swarm"]; swarm != "" {
				defer func() { subject.Labels[swarmLabel] = swarm }()
			}
		case "declares", "problems":
			want = f
		default:
			t.Fatalf("the section %q is unknown", f.Name)
		}
	}
	return grammar, subject, want
}

// readLabels reads lines of key=value; a value in double quotes is Go's.
func readLabels(t *testing.T, text string) map[string]string {
	t.Helper()
	labels := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("the line %q is no label", line)
		}
		if strings.HasPrefix(value, `"`) {
			unquoted, err := strconv.Unquote(value)
			if err != nil {
				t.Fatalf("the value of %q: %v", line, err)
			}
			value = unquoted
		}
		labels[key] = value
	}
	return labels
}

// tell writes an answer as a story does: what differs from the defaults, in
// the words of the table.
func tell(d Declaration, problems []Problem) txtar.File {
	var b strings.Builder
	if len(problems) > 0 {
		for _, p := range problems {
			fmt.Fprintf(&b, "%s\n  %s\n  fix: %s\n", p.Origin.Label, p.Message, p.Fix)
		}
		return txtar.File{Name: "problems", Data: []byte(b.String())}
	}
	if !d.Enabled {
		b.WriteString("nothing: the container does not count\n")
	}
	for i := range d.Services {
		s := &d.Services[i]
		fmt.Fprintf(&b, "service %s\n", s.Service.Name)
		tellFields(&b, "  ", s, nil)
		tellPlugins(&b, "  ", s.Service.Plugins)
		for _, gateway := range []Gateway{Kong, HAProxy} {
			if fields := slices.Concat(InexpressibleOfService(&s.Service, gateway), InexpressibleOfInstance(s, gateway)); len(fields) > 0 {
				fmt.Fprintf(&b, "  not on %s: %s\n", gateway, strings.Join(fields, ", "))
			}
		}
		for j := range s.Service.Routes {
			r := &s.Service.Routes[j]
			fmt.Fprintf(&b, "  route %s\n", r.Name)
			tellFields(&b, "    ", s, r)
			tellPlugins(&b, "    ", r.Plugins)
			for _, gateway := range []Gateway{Kong, HAProxy} {
				if fields := Inexpressible(r, gateway, s.Service.Plugins); len(fields) > 0 {
					fmt.Fprintf(&b, "    not on %s: %s\n", gateway, strings.Join(fields, ", "))
				}
			}
		}
	}
	return txtar.File{Name: "declares", Data: []byte(b.String())}
}

func tellPlugins(b *strings.Builder, indent string, plugins []Plugin) {
	for _, p := range plugins {
		mark := ""
		if p.Optional {
			mark = "?"
		}
		fmt.Fprintf(b, "%splugin %s%s: enabled=%v %s\n", indent, p.Name, mark, p.Enabled, p.InstanceName)
		for _, s := range p.Settings {
			fmt.Fprintf(b, "%s  %s: %s\n", indent, s.Path, s.Value)
		}
	}
}

func tellFields(b *strings.Builder, indent string, s *DeclaredService, r *Route) {
	for _, f := range Fields() {
		if f.get == nil || (f.Scope == OfRoute) != (r != nil) {
			continue
		}
		if value := f.get(target{instance: s, service: &s.Service, route: r}); f.isSet(value) {
			mark := ""
			if slices.Contains(slices.Concat(s.Optional, s.Service.Optional), f.Name) || r != nil && slices.Contains(r.Optional, f.Name) {
				mark = "?"
			}
			fmt.Fprintf(b, "%s%s%s: %s\n", indent, f.Name, mark, f.Text(value))
		}
	}
}
