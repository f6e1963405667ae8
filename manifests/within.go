package manifests

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// within returns where in the file a place within the text of a value stands, both counted from
// 1. YAML folds lines, takes indentation away and reads escapes: so what is no space is
// followed in both texts side by side. It returns the place of the value where they part, and
// where nothing more is known (line 0).
func (r *reader) within(n *yaml.Node, line, column int) v1.Origin {
	lines := strings.Split(n.Value, "\n")
	if n.Kind != yaml.ScalarNode || line < 1 || line > len(lines) {
		return r.at(n)
	}
	before := []rune(lines[line-1])
	before = before[:min(max(column-1, 0), len(before))]
	read := strings.Join(append(slices.Clone(lines[:line-1]), string(before)), "\n")
	at := newFollower(r.source, n)
	for _, c := range read {
		if !unicode.IsSpace(c) && at.next() != c {
			return r.at(n)
		}
	}
	if strings.TrimSpace(n.Value[len(read):]) != "" { // its end stands right behind its last word
		at.skip()
	}
	return r.place(at.line, at.column)
}

// follower goes through the text of a file.
type follower struct {
	rest         []byte
	line, column int
	style        yaml.Style
}

// newFollower begins where the text of a value begins.
func newFollower(source []byte, n *yaml.Node) *follower {
	at := &follower{rest: bytes.TrimSuffix(source, []byte("\n")), line: 1, column: 1, style: n.Style}
	for at.line < n.Line && at.nextLine() {
	}
	for len(at.rest) > 0 && at.column < n.Column {
		at.step()
	}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 { // the rest of its line says how it is written
		at.nextLine()
		return at
	}
	for len(at.rest) > 0 && strings.IndexByte("&!", at.rest[0]) >= 0 { // an anchor or a tag
		for len(at.rest) > 0 && !unicode.IsSpace(rune(at.rest[0])) {
			at.step()
		}
		at.skip()
	}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		at.step()
	}
	return at
}

// nextLine goes to the next line, and reports whether there is one.
func (f *follower) nextLine() bool {
	end := bytes.IndexByte(f.rest, '\n')
	if end >= 0 {
		f.rest, f.line, f.column = f.rest[end+1:], f.line+1, 1
	}
	return end >= 0
}

// step goes on by a character, and returns the one that it leaves behind; 0 at the end.
func (f *follower) step() rune {
	if len(f.rest) == 0 {
		return 0
	}
	c, size := utf8.DecodeRune(f.rest)
	f.rest, f.column = f.rest[size:], f.column+1
	if c == '\n' {
		f.line, f.column = f.line+1, 1
	}
	return c
}

// next returns the next of what is no space, as the value has it; 0 at the end.
func (f *follower) next() rune {
	f.skip()
	c := f.step()
	double := c == '\\' && f.style&yaml.DoubleQuotedStyle != 0
	single := c == '\'' && f.style&yaml.SingleQuotedStyle != 0
	if !double && !single {
		return c
	}
	return f.step() // what is escaped
}

// skip goes on to what is no space, and is not written as one either: \t, or the end of a line
// that goes on.
func (f *follower) skip() {
	for len(f.rest) > 0 {
		c, _ := utf8.DecodeRune(f.rest)
		escaped := c == '\\' && f.style&yaml.DoubleQuotedStyle != 0 && len(f.rest) > 1 && strings.IndexByte("nrt \r\n", f.rest[1]) >= 0
		switch {
		case escaped:
			f.step()
		case !unicode.IsSpace(c):
			return
		}
		f.step()
	}
}
