package v1

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const (
	pageFile     = "../../docs/labels.md"
	pageTemplate = "testdata/labels.md.tmpl"
)

// TestLabelsPage fails when docs/labels.md is not what the table and the
// template make; with -update (or go generate) it writes the page.
func TestLabelsPage(t *testing.T) {
	text, err := os.ReadFile(pageTemplate)
	if err != nil {
		t.Fatal(err)
	}
	page, err := template.New("labels.md").Funcs(pageFuncs()).Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := page.Execute(&want, nil); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(pageFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("docs/labels.md is stale, run go generate ./api/v1 (-want +got):\n%s", diff)
	}
}

// TestLabelsPageExamples decodes every example of the page. A block stands for
// one container; of the blocks under "All labels" each line does, and gets what it
// needs beside it.
func TestLabelsPageExamples(t *testing.T) {
	page, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	decoded := 0
	for i, block := range strings.Split(string(page), "\n```")[1:] {
		kind, body, _ := strings.Cut(block, "\n")
		var containers []map[string]string
		switch {
		case i%2 == 1: // between two blocks
			continue
		case kind == "yaml":
			containers = composeLabels(t, body)
		case kind == "properties" && strings.HasPrefix(body, "lockstep.enable="):
			containers = append(containers, readLabels(t, body))
		case kind == "properties":
			for line := range strings.Lines(body) {
				i := slices.IndexFunc(rows, func(f Field) bool { return "lockstep."+f.Example == strings.TrimSpace(line) })
				if i < 0 {
					t.Errorf("the line %q is no field's example", line)
					continue
				}
				containers = append(containers, exampleLabels(&rows[i]))
			}
		case kind == "text": // what comes out
			continue
		default:
			t.Errorf("block %d is of the unknown kind %q", i, kind)
		}
		for _, labels := range containers {
			decoded++
			d, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: labels})
			if len(problems) > 0 || len(d.Services) == 0 {
				t.Errorf("an example of the page is wrong: %v\n%s", problems, body)
			}
		}
	}
	if decoded < 10 {
		t.Errorf("only %d examples were found", decoded)
	}
}

// composeLabels returns the labels of each service of a Compose file.
func composeLabels(t *testing.T, text string) []map[string]string {
	t.Helper()
	var file struct {
		Services map[string]struct{ Labels map[string]string }
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var containers []map[string]string
	for _, name := range slices.Sorted(maps.Keys(file.Services)) {
		containers = append(containers, file.Services[name].Labels)
	}
	return containers
}

// scopeTitle introduces the fields of one scope.
type scopeTitle struct {
	Scope       Scope
	Title, Text string
}

func pageFuncs() template.FuncMap {
	return template.FuncMap{
		"scopes": func() []scopeTitle {
			return []scopeTitle{
				{OfContainer, "Of the container", "They stand right after the prefix."},
				{OfInstance, "Of the instance", "They hold for this copy alone. Also after `services.NAME.`."},
				{OfService, "Of the service", "They hold for all copies. Also after `services.NAME.`."},
				{OfRoute, "Of the route", "For the route `default`. Also after `routes.NAME.`, `services.NAME.` and `services.NAME.routes.NAME.`."},
			}
		},
		"fields": func(s Scope) []*Field {
			return choose(func(f *Field) bool { return f.Scope == s })
		},
		"examples": func(s Scope) []*Field { // those that may stand beside each other
			return choose(func(f *Field) bool {
				return f.Scope == s && f.Name != "protocol" && (f.Protocols == nil || slices.Contains(f.Protocols, HTTP)) &&
					(f.needs == nil || f.needs(&Service{HealthCheck: HealthCheck{Check: CheckHTTP}}) == "")
			})
		},
		"gatewayFields": func() []*Field {
			return choose(func(f *Field) bool { return f.Name != enableField })
		},
		"charsets": func() []*Field {
			return choose(func(f *Field) bool { return f.Chars.holds != nil && f.Words == nil })
		},
		"label": func(f *Field) string {
			key, _, _ := strings.Cut(f.Example, "=")
			switch f.Type {
			case Map:
				key = f.Name + ".NAME"
			case Shares:
				key = f.Name + ".VERSION"
			}
			return "lockstep." + key
		},
		"value": func(f *Field) string {
			switch {
			case f.Type == Int:
				return fmt.Sprintf("number, %d to %d", f.Min, f.Max)
			case f.Words != nil && f.Type == Text:
				return "`" + strings.Join(f.Words, "`, `") + "`"
			case f.Words != nil:
				return "list of `" + strings.Join(f.Words, "`, `") + "`"
			}
			return string(f.Type)
		},
		"default": func(f *Field) string {
			if f.Unset != "" {
				return f.Unset
			}
			return "`" + f.Text(f.Default) + "`"
		},
		"rendering": func(r Rendering) string {
			return strings.ReplaceAll(r.String(), string(NotExpressible), "**"+string(NotExpressible)+"**")
		},
		"optional": func() string {
			var names []string
			for _, f := range choose((*Field).MayBeOptional) {
				names = append(names, "`"+f.Name+"`")
			}
			return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
		},
		"headerNames": func() string { return nameChars.Words },
		"later":       func() string { return "`" + strings.Join(slices.Sorted(maps.Keys(later)), "`, `") + "`" },
		"refused":     refused,
		"verdicts":    PluginVerdicts,
		"verdict": func(v PluginVerdict) string {
			if v.Refused != "" {
				return "refused: " + v.Refused
			}
			said := "yes"
			for _, field := range slices.Sorted(maps.Keys(v.Except)) {
				said += fmt.Sprintf(", but not its `%s`: %s", field, v.Except[field])
			}
			return said
		},
		"bounds": func() [][2]string {
			n := func(n int, unit string) string { return strings.TrimSpace(fmt.Sprintf("%d %s", n, unit)) }
			return [][2]string{
				{"a label's value", n(maxValueBytes/1024, "KiB")},
				{"a list, and the headers of a route", n(maxItems, "items")},
				{"a path", n(maxPath, "characters")},
				{"a host", n(maxHost, "characters")},
				{"a method", n(maxMethod, "letters")},
				{"a header's name", n(maxHeader, "characters")},
				{"a version", n(maxVersion, "characters")},
				{"one part of a key", n(maxPart, "characters")},
				{"a whole key, a route's included", n(maxKey, "characters")},
				{"a container's services", n(maxServices, "")},
				{"a container's routes", n(maxRoutes, "")},
				{"a container's pairs of a host and a path, over all its routes", n(maxPairs, "")},
				{"mistakes in a container's labels of which is told", n(maxProblems, "")},
			}
		},
	}
}

func choose(which func(*Field) bool) []*Field {
	var chosen []*Field
	for i := range rows {
		if which(&rows[i]) {
			chosen = append(chosen, &rows[i])
		}
	}
	return chosen
}

// refused shows labels and what is said of them.
func refused(lines string) (string, error) {
	subject := Subject{Container: "shop-web-1", Labels: looseLabels(lines)}
	_, problems := Grammar{Prefix: "lockstep."}.Decode(subject)
	if len(problems) != len(subject.Labels) {
		return "", fmt.Errorf("%d of the labels are wrong, not all: %v", len(problems), problems)
	}
	var b strings.Builder
	b.WriteString("```text\n" + lines + "\n```\n\nare answered with\n\n```text\n")
	for _, p := range problems {
		fmt.Fprintf(&b, "%s: %s\n    %s\n", p.Origin.Label, p.Message, p.Fix)
	}
	b.WriteString("```")
	return b.String(), nil
}
