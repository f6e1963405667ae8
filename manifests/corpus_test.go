package manifests

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

var update = flag.Bool("update", false, "write what is found into the golden files of testdata")

// TestGood reads every testdata/*.good.yaml and compares what it declares with
// the .txt beside it.
func TestGood(t *testing.T) {
	for _, path := range corpus(t, "good", 60) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text := read(t, path)
			file, problems := Parse(filepath.Base(path), text)
			for _, problem := range problems {
				t.Error(problem)
			}
			linked := Link([]Candidate{{Path: path, Versions: []File{file}, Current: true}})
			for _, problem := range linked.Problems {
				t.Error(problem)
			}
			said := tell(t, linked.World) + tellSettings(file)
			if (said == "") != strings.HasPrefix(filepath.Base(path), "nothing.") {
				t.Errorf("it declares %q", said)
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", said)
		})
	}
}

// TestBad reads every testdata/*.bad.yaml and compares what is said of it with
// the .txt beside it.
func TestBad(t *testing.T) {
	for _, path := range corpus(t, "bad", 60) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text := read(t, path)
			name := filepath.Base(path)
			file, problems := Parse(name, text)
			if len(problems) == 0 {
				problems = Validate(map[string][]byte{name: text}, nil).Problems
			} else if len(file.Objects) > 0 {
				t.Error("something of a file with problems counts")
			}
			if len(problems) == 0 {
				t.Fatal("nothing is said of it")
			}
			var b strings.Builder
			for _, problem := range problems {
				check(t, problem)
				b.WriteString(problem.Error() + "\n")
				for _, line := range Excerpt(text, problem.Origin) {
					b.WriteString(line + "\n")
				}
			}
			golden(t, strings.TrimSuffix(path, ".yaml")+".txt", b.String())
		})
	}
}

// tell writes down what a world declares, a line for each thing, without what is
// default.
func tell(t *testing.T, w World) string {
	t.Helper()
	declared, problems := v1.DecodeRoute("s", "r", v1.Origin{}, []v1.Written{{Key: "paths", Value: "/"}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	route := declared.Route
	route.Name, route.Paths = "", nil
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.Services)) {
		d := w.Services[name]
		alone := d.Service
		alone.Routes = nil
		fmt.Fprintf(&b, "service %s sets %v\n  %s\n", name, d.Fields, beyond(t, alone, v1.NewService("")))
		if d.Alone {
			b.WriteString("  labels have no say\n")
		}
		if d.Addition {
			b.WriteString("  is not declared, and added to\n")
		}
		for _, route := range slices.Sorted(maps.Keys(d.OnRoutes)) {
			fmt.Fprintf(&b, "  on route %s %s\n", route, beyond(t, v1.Route{Plugins: d.OnRoutes[route]}, v1.Route{}))
		}
		for _, r := range d.Service.Routes {
			fmt.Fprintf(&b, "  route %s\n", beyond(t, r, route))
		}
		if d.Selector != nil {
			fmt.Fprintf(&b, "  selects %s at %s, sets %v\n    %s\n", d.Selector, d.Selector.Origin, d.Selector.Fields, beyond(t, d.Selector.Part, v1.DeclaredService{}))
		}
		for _, e := range d.Endpoints {
			fmt.Fprintf(&b, "  endpoint %s %s at %s\n", e.Address, beyond(t, e.Part, v1.DeclaredService{}), e.Origin)
		}
	}
	for _, c := range w.Certificates {
		fmt.Fprintf(&b, "certificate %s chain %s key %s snis %v default %v at %s\n", c.Name, c.Chain, c.Key, c.SNIs, c.Default, c.Origin)
		if c.Gateways != nil {
			fmt.Fprintf(&b, "  for %v\n", c.Gateways)
		}
	}
	for _, p := range w.Policies {
		for _, rule := range p.Rules {
			fmt.Fprintf(&b, "policy %s says %q where %s and not %s at %s\n", p.Name, rule.Message, rule.When, rule.Require, rule.Origin)
		}
	}
	for _, s := range w.Sections {
		fmt.Fprintf(&b, "section %s %s at %s\n", s.Name, s.Body, s.Origin)
	}
	for _, l := range w.Listeners {
		fmt.Fprintf(&b, "listener %s accepts %v hosts %v exclusive %v at %s\n", l.Name, l.AcceptProxy, l.Hosts, l.Exclusive, l.Origin)
		for _, bind := range l.Binds {
			fmt.Fprintf(&b, "  %s tls %v at %s\n", bind.Address, bind.TLS, bind.Origin)
		}
	}
	for _, e := range w.Entities {
		fmt.Fprintf(&b, "%s %s", e.Kind, e.Name)
		if e.ID != "" {
			fmt.Fprintf(&b, " id %s", e.ID)
		}
		if e.Workspace != "" {
			fmt.Fprintf(&b, " in %s", e.Workspace)
		}
		for _, ref := range e.Refs {
			fmt.Fprintf(&b, " %s=%s", ref.Field, ref.Name)
		}
		fmt.Fprintf(&b, "\n  %v at %s\n", e.Body, e.Origin)
	}
	return b.String()
}

// tellSettings writes down the settings of a file's Configs, a line for each.
func tellSettings(f File) string {
	var b strings.Builder
	for i := range f.Objects {
		for _, s := range f.Objects[i].Config {
			fmt.Fprintf(&b, "setting %s %q list %t at %s\n", s.Name, s.Values, s.List, s.Origin)
		}
	}
	return b.String()
}

// beyond returns a value as JSON, without what equals the default.
func beyond(t *testing.T, value, byDefault any) string {
	t.Helper()
	mine, theirs := fields(t, value), fields(t, byDefault)
	for name, text := range theirs {
		if string(mine[name]) == string(text) {
			delete(mine, name)
		}
	}
	text, err := json.Marshal(mine)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fields(t *testing.T, value any) map[string]json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// check holds a problem against what is promised of every one.
func check(t *testing.T, p v1.Problem) {
	t.Helper()
	if p.Reason != v1.InvalidManifest || p.Origin.File == "" || p.Origin.Line < 1 || p.Origin.Column < 1 || p.Message == "" || p.Fix == "" {
		t.Errorf("the problem lacks something: %+v", p)
	}
	if strings.ContainsAny(p.Error(), "\n\r\t\x00\x1b") {
		t.Errorf("the problem can't be printed on a line: %q", p.Error())
	}
}

func corpus(t *testing.T, kind string, least int) []string {
	t.Helper()
	paths := corpusOf(kind)
	if len(paths) < least {
		t.Fatalf("there are %d %s files, want %d", len(paths), kind, least)
	}
	return paths
}

// corpusOf returns the files of a kind. The pattern is a good one, and a file
// that can't be read fails the test that reads it.
func corpusOf(kind string) []string {
	paths, err := filepath.Glob("testdata/*." + kind + ".yaml")
	if err != nil {
		return nil
	}
	return paths
}

func mustRead(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return text
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// golden compares what is said with a file, or writes it with -update.
func golden(t *testing.T, path, said string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(said), 0o644); err != nil { //nolint:gosec // it is for everybody
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, path)), said); diff != "" {
		t.Errorf("it is told differently (-want +got); run with -update when it should:\n%s", diff)
	}
}

// TestExamples validates what is shown to users.
func TestExamples(t *testing.T) {
	texts, err := ReadAll([]string{"examples"})
	if err != nil || len(texts) < 2 {
		t.Fatalf("%d examples: %v", len(texts), err)
	}
	for _, problem := range Validate(texts, nil).Problems {
		t.Error(problem)
	}
}
