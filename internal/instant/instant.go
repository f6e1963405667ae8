// Package instant writes instants into sentences that machines read as well as people, and
// finds them there again.
package instant

import (
	"regexp"
	"strings"
	"time"
)

// Text writes t for machines, and for people who may be anywhere: RFC 3339 in UTC, to the
// second, as in 2026-03-02T09:15:44Z. Within a sentence it comes after "since", "until",
// "at" or "of", so that Rewrite finds it.
func Text(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// pattern is what stands between quotes, or an instant after a word that leads to it.
var pattern = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|\b(?:since|until|at|of) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// Rewrite puts what say makes of it in place of each instant that Text wrote into a sentence.
// What looks like one and stands by itself or between quotes is somebody else's, a value of a
// header for example, and stays.
func Rewrite(sentence string, say func(time.Time) string) string {
	return pattern.ReplaceAllStringFunc(sentence, func(found string) string {
		word, text, _ := strings.Cut(found, " ")
		t, err := time.Parse(time.RFC3339, text)
		if err != nil { // it is between quotes, or has the looks alone
			return found
		}
		return word + " " + say(t)
	})
}
