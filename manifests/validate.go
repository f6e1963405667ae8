package manifests

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// Report is what is to be said of files that nobody serves yet.
type Report struct {
	Files   int            `json:"files"`   // how many were read
	Objects map[string]int `json:"objects"` // by kind
	// Services are those that the containers of Compose files would make, or be part of.
	Services int          `json:"compose_services,omitempty"`
	Problems []v1.Problem `json:"problems"` // all that is wrong, by place
	// Hints are what may be wrong: names that no file declares, and that labels may make.
	Hints []v1.Problem `json:"hints,omitempty"`
}

// ReadAll reads files, and the manifests in folders, by the paths that were given.
func ReadAll(paths []string) (map[string][]byte, error) {
	texts := map[string][]byte{}
	for _, path := range paths {
		files := []string{path}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			seen := newView([]string{path})
			if seen.look(nil); seen.err != nil {
				return nil, seen.err
			}
			files = nil
			for _, dir := range seen.dirs {
				files = slices.AppendSeq(files, maps.Keys(dir.files))
			}
			slices.Sort(files)
		}
		for _, file := range files {
			if texts[file], err = readBounded(file, 2*MaxBytes); err != nil {
				return nil, err
			}
		}
	}
	return texts, nil
}

// Policies returns the policies that files hold, and what is wrong with these files.
// What else is declared there does not matter. It is pure.
func Policies(texts map[string][]byte) (policy.Set, []v1.Problem) {
	var candidates []Candidate
	var problems []v1.Problem
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		file, wrong := Parse(path, texts[path])
		problems = append(problems, wrong...)
		file.Objects = slices.DeleteFunc(file.Objects, func(o Object) bool { return o.Policy == nil })
		candidates = append(candidates, Candidate{Path: path, Versions: []File{file}, Current: true})
	}
	linked := Link(candidates)
	return linked.World.Policies, sorted(append(problems, linked.Problems...))
}

// Together returns what files declare together, and what is wrong with them. It is pure.
func Together(texts map[string][]byte) (World, []v1.Problem) {
	var candidates []Candidate
	var problems []v1.Problem
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		file, wrong := Parse(path, texts[path])
		problems = append(problems, wrong...)
		candidates = append(candidates, Candidate{Path: path, Versions: []File{file}, Current: true, named: file.named})
	}
	linked := Link(candidates)
	return linked.World, sorted(append(problems, linked.Problems...))
}

// Validate says what is wrong with files, each by itself and all together, and which
// of them policies refuse: those in the files, and others besides. It follows no
// reference to a secret. It is pure.
func Validate(texts map[string][]byte, besides policy.Set) Report {
	report := Report{Files: len(texts), Objects: map[string]int{}}
	var candidates []Candidate
	var meant []v1.Key // what files declare that are wrong
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		file, problems := parseRight(v1.Origin{File: path}, texts[path])
		report.Problems = append(report.Problems, problems...)
		if file.obscure { // what the others refer to may be what can't be read
			file.named, file.Objects = append(namesOf(file.Objects), file.named...), nil
		}
		candidates = append(candidates, Candidate{Path: path, Versions: []File{{Path: path, Objects: file.Objects}}, Current: true, named: file.named})
		if meant = append(meant, file.named...); len(problems) > 0 {
			continue
		}
		for i := range file.Objects {
			report.Objects[file.Objects[i].Kind]++
		}
	}
	linked := Link(candidates)
	report.Problems = slices.Concat(report.Problems, linked.Problems, danglingEntities(linked.World, meant))
	policies := slices.Concat(linked.World.Policies, besides)
	for _, declared := range linked.World.Services {
		report.Problems = append(report.Problems, policies.JudgeManifest(declared, nil)...)
	}
	report.Problems = Sorted(report.Problems)
	report.Hints = hintsOf(linked.World, meant)
	return report
}

// danglingEntities reports references in Kong's own words that lead nowhere. What
// refers to a service or route may mean one of labels, which no file knows; what is meant by
// files that are wrong is not missing.
func danglingEntities(w World, meant []v1.Key) []v1.Problem {
	names := map[v1.Kind][]string{}
	known := map[v1.Key]bool{}
	for _, key := range meant {
		known[ownKind(key)] = true
	}
	for _, e := range w.Entities {
		names[e.Kind] = append(names[e.Kind], e.Name, e.ID)
		known[v1.Key{Kind: e.Kind, Name: e.Name}], known[v1.Key{Kind: e.Kind, Name: e.ID}] = true, true
	}
	var problems []v1.Problem
	for _, e := range w.Entities {
		for _, ref := range e.Refs {
			if _, ours := w.Services[ref.Name]; ours && ref.Kind == v1.KindService && !known[v1.Key{Kind: ref.Kind, Name: ref.Name}] && e.Guards() {
				problems = append(problems, v1.Problem{
					Reason: v1.InvalidManifest, Object: e.Key(), Origin: ref.Origin, Message: v1.GuardsOurs, Fix: v1.GuardsOursFix,
				})
			}
			if ref.Kind == v1.KindService || ref.Kind == v1.KindRoute || known[v1.Key{Kind: ref.Kind, Name: ref.Name}] {
				continue
			}
			fix := "declare it"
			if ref.Lookup {
				fix = v1.LookupFix
			}
			if near := v1.Nearest(ref.Name, names[ref.Kind]); near != "" {
				fix = "did you mean " + near + "?"
			}
			problems = append(problems, v1.Problem{
				Reason: v1.InvalidManifest, Object: e.Key(), Origin: ref.Origin,
				Message: fmt.Sprintf("no manifest declares the %s %q", strings.ReplaceAll(string(ref.Kind), "_", " "), ref.Name), Fix: fix,
			})
		}
	}
	return problems
}
