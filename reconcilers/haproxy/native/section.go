package native

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// mark begins the comment that names the manifest of the section below it.
const mark = "# manifest "

// A Section is a section in HAProxy's own words. It is never changed once it
// is in a model.
type Section struct {
	Head     string // "backend redis"
	Manifest string // name of the object that asks for it
	Text     string // all of its lines
	Origin   v1.Origin
}

// Write appends sections, which stand by their heads, in the order of these.
func Write(b *bytes.Buffer, sections map[string]*Section) {
	for _, head := range slices.Sorted(maps.Keys(sections)) {
		b.WriteString(mark + strconv.Quote(sections[head].Manifest) + "\n" + sections[head].Text)
	}
}

// Parse reads back what Write wrote, whatever stands before it, and returns
// it by its heads. It leaves out what it does not understand.
func Parse(text string) map[string]*Section {
	sections := map[string]*Section{}
	for part := range strings.SplitSeq("\n"+text, "\n"+mark) {
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
			sections[head] = &Section{Head: head, Manifest: manifest, Text: lines}
		}
	}
	return sections
}
