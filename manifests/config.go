package manifests

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Setting is one field of a Config: what a flag of the daemon says otherwise. Which
// there are its commands know.
type Setting struct {
	Name   string // "state_dir" for --state-dir
	Values []string
	Truth  []bool      // of each value: it was written as true or false, without quotes; nil: nobody knows
	List   bool        // it was written as a list
	Origin v1.Origin   // of the name
	At     []v1.Origin // of each value
}

// kindConfig is the kind that is read by --config alone.
const kindConfig = "Config"

// config reads the spec of a Config: names with one value or a list of them.
func (r *reader) config(o *Object, spec []entry) {
	o.Config = []Setting{}
	for _, e := range spec {
		s := Setting{Name: e.key, Origin: e.at}
		n := r.follow(e.value, 2)
		if n == nil {
			continue
		}
		items := []*yaml.Node{e.value}
		if s.List = n.Kind == yaml.SequenceNode; s.List {
			items = n.Content
		}
		before := len(r.problems)
		for _, item := range items {
			value := r.follow(item, 3)
			switch {
			case value == nil:
			case isNull(value) || value.Kind != yaml.ScalarNode:
				r.report(r.at(item), fmt.Sprintf("%s is %s, not one value", e.key, shape(value)), "write the value that the flag would have")
			default:
				s.Values, s.At, s.Truth = append(s.Values, value.Value), append(s.At, r.at(item)), append(s.Truth, value.ShortTag() == "!!bool")
			}
		}
		if len(r.problems) == before {
			o.Config = append(o.Config, s)
		}
	}
}

// Settings returns the fields of the one Config in a file, which holds nothing else.
// It is pure.
func Settings(path string, text []byte) ([]Setting, []v1.Problem) {
	file, problems := Parse(path, text)
	if len(problems) > 0 {
		return nil, problems
	}
	r := &reader{path: path}
	if len(file.Objects) != 1 || file.Objects[0].Kind != kindConfig {
		r.report(r.place(1, 1), "the file does not hold one Config and nothing else", "write apiVersion: "+APIVersion+", kind: Config, metadata: {name: NAME} and spec")
		return nil, r.problems
	}
	return file.Objects[0].Config, nil
}

// declare is parseAt of a file that is followed: what says how the daemon runs is none
// of what it serves.
func declare(at v1.Origin, text []byte) (File, []v1.Problem) {
	file, problems := parseAt(at, text)
	problems = append(problems, configsIn(file.Objects)...)
	if len(problems) > 0 {
		file = File{Path: file.Path, named: append(file.named, namesOf(file.Objects)...)}
	}
	return file, problems
}

// configsIn says that no Config belongs among what is served.
func configsIn(objects []Object) []v1.Problem {
	var problems []v1.Problem
	for i := range objects {
		if o := &objects[i]; o.Kind == kindConfig {
			problems = append(problems, v1.Problem{
				Reason: v1.InvalidManifest, Object: v1.Key{Kind: v1.KindConfig, Name: o.Name}, Origin: o.Origin,
				Message: "a Config says how the daemon runs, and is read at its start alone", Fix: "keep it elsewhere, and name it with --config",
			})
		}
	}
	return problems
}

// configSchema is that of any Config; which fields there are the commands know.
func configSchema() schema { return schema{"type": "object"} }
