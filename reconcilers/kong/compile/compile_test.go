package compile

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// render writes what a compile made: entities as Kong gets them, and problems.
func render(t *testing.T, state plan.State, problems []v1.Problem) string {
	t.Helper()
	var text strings.Builder
	for _, change := range plan.Diff(plan.State{}, state).Changes {
		o := change.After
		rec, ok := o.Native.(*entity.Record)
		if !ok {
			t.Fatalf("%s has no record", o.Key)
		}
		body, err := yaml.Marshal(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%d %s\n  owner %s, origin %s\n", o.Level, change.Sentence(), o.Owner, o.Origin)
		for line := range strings.Lines(string(body)) {
			text.WriteString("    " + line)
		}
	}
	for _, problem := range problems {
		fmt.Fprintf(&text, "problem with %s: %s\n", problem.Object, problem.Error())
	}
	return text.String()
}

// input is that of a Kong that was not asked yet.
func input() Input {
	return Input{
		Names: entity.Namer{Owner: "lockstep", Seal: []byte("writer-1")}, Rows: entity.Table(), Writer: "writer-1",
	}
}

// TestCompile reads testdata/*.txtar: services as JSON or YAML, and what becomes of them.
func TestCompile(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var services []*v1.Service
			if err := yaml.UnmarshalStrict(archive.Files[0].Data, &services); err != nil {
				t.Fatal(err)
			}
			set := v1.Set{}
			for _, s := range services {
				set[s.Name] = s
			}
			in := input()
			in.All = len(set) == 0
			state, problems := Compile(in, set, v1.Shared{})
			got := render(t, state, problems)
			if *update {
				archive.Files = []txtar.File{archive.Files[0], {Name: "kong", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if len(archive.Files) != 2 {
				t.Fatalf("%s has no golden part; run with -update", file)
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

func TestMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]int{
		0: 60000, -time.Second: 60000, time.Microsecond: 1, 1500 * time.Millisecond: 1500, 1 << 62: 2147483646,
	} {
		if got := *milliseconds(d); got != want {
			t.Errorf("milliseconds(%s) = %d, want %d", d, got, want)
		}
	}
}

// TestOriginsStayHere holds a promise: where a thing was asked for is never told to Kong.
func TestOriginsStayHere(t *testing.T) {
	f := reconcilertest.NewFleet(1)
	f.Grow(5)
	set := v1.Set{}
	for name, s := range f.Set() {
		planted := *s
		planted.Origin = v1.Origin{Container: "planted-origin", Label: "planted-origin"}
		planted.Endpoints = slices.Clone(s.Endpoints)
		for i := range planted.Endpoints {
			planted.Endpoints[i].Origin, planted.Endpoints[i].Instance = planted.Origin, "planted-origin"
		}
		set[name] = &planted
	}
	in := input()
	in.All = true
	state, _ := Compile(in, set, v1.Shared{})
	for key, o := range state {
		rec, ok := o.Native.(*entity.Record)
		if !ok {
			t.Fatalf("%s has no record", key)
		}
		if text, err := json.Marshal(rec.Body); err != nil || strings.Contains(string(text), "planted-origin") {
			t.Errorf("%s tells Kong its origin: %s, %v", key, text, err)
		}
	}
}

// TestCompileNamesWhatIsForHAProxy: where Kong is alone, nothing is dropped without a word.
func TestCompileNamesWhatIsForHAProxy(t *testing.T) {
	at := v1.Origin{File: "tls.yaml", Line: 3, Column: 1}
	shared := v1.Shared{Sections: []v1.Section{{Name: "hello", Origin: at}}}
	for _, alone := range []bool{false, true} {
		in := input()
		in.All, in.Alone = true, alone
		_, problems := Compile(in, v1.Set{}, shared)
		var got, want []string
		for _, p := range problems {
			got = append(got, fmt.Sprint(p.Reason, p.Object, p.Origin))
		}
		if alone {
			want = []string{fmt.Sprint(v1.NotExpressible, v1.Key{Kind: v1.KindSection, Name: "hello"}, at)}
		}
		if !slices.Equal(got, want) {
			t.Errorf("alone %v: %q, want %q", alone, got, want)
		}
	}
}
