// Package instant writes instants into sentences that machines read as well as people, and
// finds them there again.
package instant

import (
	"regexp"
	"time"
)

// Text writes t for machines, and for people who may be anywhere: RFC 3339 in UTC, to the
// second, as in 2026-03-02T09:15:44Z.
func Text(t time.Time) string { return t.UTC().Format(time.RFC3339) }

var pattern = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// Rewrite puts what say makes of it in place of each instant that Text wrote into a sentence.
func Rewrite(sentence string, say func(time.Time) string) string {
	return pattern.ReplaceAllStringFunc(sentence, func(text string) string {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil { // it has the looks alone
			return text
		}
		return say(t)
	})
}
