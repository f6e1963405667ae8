package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// MaxBytes is the most that one file may have.
const MaxBytes = 1 << 20

// The bounds of one file, and of how many of its mistakes is told: each costs a line of the log.
const (
	maxObjects  = 10_000
	maxProblems = 100
)

// File is one file, understood.
type File struct {
	Path    string
	Objects []Object // as they follow each other in the file

	named []v1.Key // what a file declares of which nothing counts, as far as it could be read
	// obscure says that not all is known of what it declares, so that what refers to it can't be judged.
	obscure bool
}

// Parse reads one file. With any problem nothing of it counts: half of a wish
// may be more open than the whole. Problems are sorted by their place; path is
// what they call the file. It is pure.
func Parse(path string, text []byte) (File, []v1.Problem) {
	return parseAt(v1.Origin{File: path}, text)
}

// parseAt is Parse of a file that came with a commit.
func parseAt(at v1.Origin, text []byte) (File, []v1.Problem) {
	file, problems := parseRight(at, text)
	if len(problems) > 0 {
		file = File{Path: file.Path, named: append(namesOf(file.Objects), file.named...)}
	}
	return file, problems
}

// Right returns the objects of a file that are right, though others in it are wrong: nobody
// is served by them, but what else they lack can be said at once. It is pure.
func Right(path string, text []byte) []Object {
	file, _ := parseRight(v1.Origin{File: path}, text)
	return file.Objects
}

// parseRight returns what is right in a file and the names of what is not, with what is wrong.
func parseRight(at v1.Origin, text []byte) (File, []v1.Problem) {
	path := at.File
	r := &reader{path: path, commit: at.Commit, author: at.Author}
	file := File{Path: path}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	r.source = text
	if !r.legible(text) {
		return file, r.problems
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var wrong []Object
	for {
		var document yaml.Node
		err := next(decoder, &document)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.unreadable(text, err)
			file.obscure = true
			break
		}
		if len(file.Objects) == maxObjects {
			r.report(r.at(&document), fmt.Sprintf("the file has more than %d objects", maxObjects), "divide it into several files")
			break
		}
		if object, ok := r.object(&document); ok {
			file.Objects = append(file.Objects, object)
		} else {
			wrong = append(wrong, object)
			file.obscure = file.obscure || object.Name == ""
		}
	}
	single := len(r.problems)
	r.refuseTwice(file.Objects)
	file.obscure = file.obscure || len(r.problems) > single
	if len(r.problems) > 0 {
		file.named = namesOf(wrong)
	}
	return file, r.told()
}

// told returns the problems as they follow each other in the file, the first of them where they
// are many.
func (r *reader) told() []v1.Problem {
	all := sorted(r.problems)
	if len(all) <= maxProblems {
		return all
	}
	last := all[maxProblems-1].Origin
	return append(all[:maxProblems:maxProblems], v1.Problem{
		Reason: v1.InvalidManifest, Origin: last, Message: fmt.Sprintf("%d more mistakes follow in the file", len(all)-maxProblems), Fix: "correct those before it first",
	})
}

// namesOf returns what objects declare, of those that are wrong as far as they were read.
func namesOf(objects ...[]Object) []v1.Key {
	var names []v1.Key
	for _, o := range slices.Concat(objects...) {
		if o.Kind == kindService {
			names = append(names, v1.Key{Kind: v1.KindService, Name: o.Name})
		}
		for key := range o.keys {
			names = append(names, key.Key)
		}
	}
	return names
}

// next reads one document. A defect of the library must not end the daemon: the
// file is one of many, and somebody else's.
func next(decoder *yaml.Decoder, document *yaml.Node) (err error) {
	defer func() {
		if defect := recover(); defect != nil {
			err = fmt.Errorf("yaml: the text can't be read: %v", defect)
		}
	}()
	return decoder.Decode(document)
}

// legible looks at the text before the YAML parser does.
func (r *reader) legible(text []byte) bool {
	if len(text) > MaxBytes {
		r.report(r.place(1, 1),
			fmt.Sprintf("the file has %d bytes, the most is %d", len(text), MaxBytes), "divide it into several files")
		return false
	}
	line, column := 1, 1
	for rest := text; len(rest) > 0; {
		c, size := utf8.DecodeRune(rest)
		switch {
		case c == utf8.RuneError && size == 1:
			r.report(r.place(line, column), fmt.Sprintf("the byte %#02x is no text in UTF-8", rest[0]), "save the file as UTF-8")
			return false
		case c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f:
			r.report(r.place(line, column), fmt.Sprintf("the control character %q may not stand there", c), "remove it")
			return false
		case c == '\n':
			line, column = line+1, 0
		}
		rest, column = rest[size:], column+1
	}
	return true
}

// yamlError is how the library words an error.
var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// unknownAnchor is how it words one kind of them.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

// noName is how it words a * or & that no name follows.
const noName = "alphabetic or numeric character"

// find returns the place where a text first holds a word.
func find(text []byte, word string) (line, column int, found bool) {
	for text := range bytes.Lines(text) {
		line++
		if i := strings.Index(string(text), word); i >= 0 {
			return line, utf8.RuneCount(text[:i]) + 1, true
		}
	}
	return 0, 0, false
}

// unreadable reports text that is no YAML.
func (r *reader) unreadable(text []byte, err error) {
	at := r.place(1, 1)
	said := err.Error()
	if parts := yamlError.FindStringSubmatch(said); parts != nil {
		said = parts[2]
		if line, err := strconv.Atoi(parts[1]); err == nil {
			at.Line = line
		}
		if strings.HasPrefix(said, "did not find expected") && !strings.Contains(said, noName) { // the library counts these from 0
			at.Line++
		}
	}
	if alias := unknownAnchor.FindStringSubmatch(said); alias != nil {
		if line, column, found := find(text, "*"+alias[1]); found {
			at.Line, at.Column = line, column
			r.report(at, fmt.Sprintf("the alias *%s stands for nothing that has the anchor &%s before it", alias[1], alias[1]), "write the value, or correct the name")
			return
		}
	}
	line := lineOf(text, at.Line)
	if star := strings.IndexAny(line, "*&"); star >= 0 && strings.Contains(said, noName) {
		at.Column = utf8.RuneCountInString(line[:star]) + 1
		r.report(at, fmt.Sprintf("a plain word can't begin with %q: that is how aliases and anchors begin", line[star:star+1]), "put it between quotes, for example '*.example.com'")
		return
	}
	indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
	at.Column = utf8.RuneCountInString(indent) + 1
	fix := "see that lines that belong together are set in alike, and quote a value that holds : or #"
	if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
		at.Column, fix = tab+1, "set lines in with spaces, not tabs"
	}
	r.report(at, "this is no YAML: "+v1.OneLine(said), fix)
}

// lineOf returns a line of a text, counted from 1, without its end.
func lineOf(text []byte, number int) string {
	for line := range bytes.Lines(text) {
		if number--; number == 0 {
			return strings.TrimRight(string(line), "\r\n")
		}
	}
	return ""
}

// refuseTwice reports objects of one name.
func (r *reader) refuseTwice(objects []Object) {
	first := make(map[v1.Key]v1.Origin, len(objects))
	for i := range objects {
		for key := range objects[i].keys {
			if before, twice := first[key.Key]; twice {
				r.problems = append(r.problems, twiceProblem(key, before))
				break
			}
			first[key.Key] = key.at
		}
	}
}

// twiceProblem says that a name was given to something else before.
func twiceProblem(again placedKey, before v1.Origin) v1.Problem {
	what := ownKind(again.Key)
	return v1.Problem{
		Reason: v1.InvalidManifest, Object: again.Key, Origin: again.at,
		Message: fmt.Sprintf("there is %s %q already, at %s", articled(what.Kind), what.Name, before),
		Fix:     "give one of them another name, or make them one",
	}
}
