package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPagesThatCantBe are named with the file and keep no other page out.
func TestPagesThatCantBe(t *testing.T) {
	for name, want := range map[string]string{
		"200.html": "no answer of HAProxy", "418.html": "no answer of HAProxy", "404.php": "ends in none of", "503.html": "has 0 bytes", "404.json": "another page for 404",
	} {
		dir := t.TempDir()
		putPage(t, dir, "404.html", "nowhere")
		putPage(t, dir, name, "")
		got, problems := Read(dir, "/own", nil)
		if len(problems) != 1 || !strings.Contains(problems[0].Message, want) || problems[0].Origin.File != filepath.Join(dir, name) || problems[0].Fix == "" {
			t.Errorf("%s: got %v", name, problems)
		}
		if len(got) != 1 || string(got[404].Text) != "nowhere" {
			t.Errorf("%s: the pages are %v", name, got)
		}
	}
	before := Set{404: {Text: []byte("as it was")}}
	got, problems := Read(filepath.Join(t.TempDir(), "absent"), "/own", before)
	if len(problems) != 1 || string(got[404].Text) != "as it was" {
		t.Errorf("no directory: %v, %v", got, problems)
	}
}

func putPage(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
