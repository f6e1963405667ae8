package charset

import (
	"strings"
	"testing"
)

// TestLengths: neither nothing nor too much is let through.
func TestLengths(t *testing.T) {
	for text, ok := range map[string]bool{"": false, "a": true, strings.Repeat("a", Owner.Max): true, strings.Repeat("a", Owner.Max+1): false} {
		if err := Owner.Check(text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzWords: what the one check lets through is one word to HAProxy.
func FuzzWords(f *testing.F) {
	for _, evil := range []string{"web-1.a_b", "a b", "a\nb", "a\"b", "a\\b", "a#b", "é", "x\u00a0y", "x\u2028y", "${HOME}", "10.0.0.1:80", "*.a.test", "/a/b?c"} {
		f.Add(evil)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range []Word{Owner, Service, Server, Address, Host, Path, File} {
			if w.Check(text) != nil {
				continue
			}
			if len(strings.Fields(text)) != 1 || strings.ContainsAny(text, " \t\r\n\x00\"'\\#`|{}<>") {
				t.Fatalf("%s takes %q", w.What, text)
			}
		}
	})
}
