package policy

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the table of words into docs/policies.md")

// TestPage holds the table of words in docs/policies.md to the words.
func TestPage(t *testing.T) {
	const path, head, tail = "../../docs/policies.md", "| word | type | meaning |\n|---|---|---|\n", "\n## Functions\n"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), head)
	_, after, ends := strings.Cut(rest, tail)
	if !found || !ends {
		t.Fatalf("%s lacks its table of words, or its section Functions", path)
	}
	var b strings.Builder
	for _, w := range Words() {
		meaning := w.Meaning
		if w.OfRoute {
			meaning = "of the route: " + meaning
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", w.Name, w.Type, meaning)
	}
	want := before + head + b.String() + tail + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // documentation is for everybody
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("the table is stale; write it anew with -update (-words +page):\n%s", diff)
	}
}
