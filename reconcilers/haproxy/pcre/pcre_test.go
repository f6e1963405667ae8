package pcre

import (
	"regexp"
	"strings"
	"testing"
)

// TestFrom: an expression means the same to both matchers as far as Go's can tell, or is refused.
func TestFrom(t *testing.T) {
	for expr, want := range map[string]string{
		`/a.b`: `(?:/a[^\n]b)`, `/v\d+`: `(?:/v(?:[\x30-\x39])+)`, `(?i:k)`: `(?i:K)`, `/(?P<x>a|bc)?$`: ``,
	} {
		got, err := From(expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if want != "" && got != want {
			t.Errorf("%s became %s, not %s", expr, got, want)
		}
		ours, theirs := regexp.MustCompile("^(?:"+got+")"), regexp.MustCompile("^(?:"+expr+")")
		for _, path := range []string{"/", "/a.b", "/axb", "/v1", "/v12/x", "k", "K", "/a", "/bc", "/bcd"} {
			if got, want := ours.FindString(path), theirs.FindString(path); got != want {
				t.Errorf("%s takes %q of %s, and what was made of it %q", expr, want, path, got)
			}
		}
	}
	for _, expr := range []string{`(`, `^/a`, `/[^\x00-\x7f]`, `(a*)*b`} {
		if got, err := From(expr); err == nil || !strings.Contains(err.Error(), "regular expression") {
			t.Errorf("%s became %s, %v", expr, got, err)
		}
	}
}
