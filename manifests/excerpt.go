package manifests

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// How much of a long line an excerpt shows, before the place and in all.
const (
	shownBefore = 60
	shownLine   = 120
)

// ends reports whether a word of YAML ends before the rest of a line.
func ends(rest []rune) bool {
	if rest[0] == ':' {
		return len(rest) == 1 || unicode.IsSpace(rest[1])
	}
	return unicode.IsSpace(rest[0]) || strings.ContainsRune(",]}", rest[0])
}

// Excerpt returns two lines that show a place in a file: the line, and a caret
// below the word that is meant. It returns nil for a place that is not there.
func Excerpt(text []byte, at v1.Origin) []string {
	if at.Line < 1 {
		return nil
	}
	line := []rune(strings.ToValidUTF8(lineOf(text, at.Line), "?"))
	column := min(max(at.Column-1, 0), len(line))
	if len(line) == 0 {
		return nil
	}
	word := 0
	for column+word < len(line) && !ends(line[column+word:]) {
		word++
	}
	start := 0
	if column > shownBefore {
		start = column - shownBefore
	}
	end := min(len(line), start+shownLine)
	number := fmt.Sprintf("%5d", at.Line)
	return []string{
		number + " | " + strings.ReplaceAll(string(line[start:end]), "\t", " "),
		strings.Repeat(" ", utf8.RuneCountInString(number)) + " | " + strings.Repeat(" ", column-start) + strings.Repeat("^", max(1, min(word, end-column))),
	}
}
