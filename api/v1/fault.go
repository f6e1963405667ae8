package v1

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// fault is a Problem without its place: what is wrong, and what to do.
type fault struct {
	message string
	fix     string // "" where the field's own advice is best
	reason  Reason // "" for InvalidLabel
	item    int    // which item of a list is meant, from 0
}

// shownBytes is how much of a stranger's text a message repeats.
const shownBytes = 60

// shown quotes a stranger's text for a message, and shortens it.
func shown(text string) string {
	if head := cut(text); len(head) < len(text) {
		return strconv.Quote(head) + "…"
	}
	return strconv.Quote(text)
}

// brief shortens a value that was checked.
func brief(text string) string {
	if head := cut(text); len(head) < len(text) {
		return head + "…"
	}
	return text
}

// cut returns what of a text a message repeats.
func cut(text string) string {
	if len(text) <= shownBytes {
		return text
	}
	end := shownBytes
	for end > shownBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// maxLine is how much of another program's words OneLine repeats.
const maxLine = 500

// OneLine makes the words of another program fit for an error: on one line,
// printable and not endless, whatever answers there (a page of HTML, for instance).
func OneLine(text string) string {
	cut := len(text) > maxLine
	if cut {
		text = text[:maxLine]
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
	}), " ")
	if cut {
		text += "…"
	}
	return text
}

// plainly returns a key for an advice to write it: as it is where that can be
// copied, else quoted and shortened.
func plainly(key string) string {
	if len(key) > 4*shownBytes {
		return shown(key)
	}
	for i := range len(key) {
		if !isPlain(key[i]) {
			return shown(key)
		}
	}
	return key
}

// refuse returns a fault when text holds a character that is not in the set.
func (c Charset) refuse(noun, text string) *fault {
	for i := range len(text) {
		if c.holds(text[i]) {
			continue
		}
		r, _ := utf8.DecodeRuneInString(text[i:])
		return &fault{
			message: fmt.Sprintf("%s %s holds %s, which may not stand there", noun, shown(text), named(r)),
			fix:     "use only " + strings.ReplaceAll(c.Words, "`", ""),
		}
	}
	return nil
}

// named says a character so that it can be seen.
func named(r rune) string {
	switch r {
	case ' ':
		return "a space"
	case '\t':
		return "a tab"
	case '\n', '\r':
		return "a line break"
	case utf8.RuneError:
		return "a byte that is no text"
	}
	return strconv.QuoteRune(r)
}

// advice says in the imperative how a value of the field is written.
func (f *Field) advice(g Grammar) string {
	how := "write another value"
	switch f.Type {
	case Bool:
		how = "write true or false"
	case Int:
		how = fmt.Sprintf("write a whole number from %d to %d", f.Min, f.Max)
	case Duration:
		how = fmt.Sprintf("write a number and its unit (ms, s, m, h), above 0 and at most %dh", cmp.Or(f.Longest, maxDuration)/time.Hour)
	case Shares:
		how = fmt.Sprintf("write whole per cents from 0%% to %d%%", maxShare)
	case Text:
		if f.Words != nil {
			how = "write one of " + strings.Join(f.Words, ", ")
		}
	case List:
		if f.Words != nil {
			how = "write one of " + strings.Join(f.Words, ", ") + ", or several with commas between them"
		}
	}
	example := g.Prefix + f.Example
	if g.manifest() {
		example = f.ExampleYAML()
	}
	return how + ", for example " + example
}
