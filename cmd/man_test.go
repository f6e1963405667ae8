package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManualPages: each command has a page with what its help says.
func TestManualPages(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if code := Main("1.2.3", []string{"man", dir}, &out, &out); code != 0 {
		t.Fatalf("exit code %d: %s", code, &out)
	}
	for _, c := range New("1.2.3").Commands() {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		checkPage(t, c, string(page))
	}
	if code := Main("1.2.3", []string{"man", filepath.Join(dir, "nowhere")}, &out, &out); code != 1 || !strings.Contains(out.String(), "is no directory; make it first") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

func checkPage(t *testing.T, c *cobra.Command, page string) {
	t.Helper()
	for _, want := range []string{c.Short, "lockstep 1.2.3", "SYNOPSIS"} {
		if !strings.Contains(strings.ReplaceAll(page, `\-`, "-"), want) {
			t.Errorf("the page of %s lacks %q", c.Name(), want)
		}
	}
	if strings.Contains(page, "Auto generated") {
		t.Errorf("the page of %s says how it was made", c.Name())
	}
}
