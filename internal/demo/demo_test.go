package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/internal/stage"
)

// TestClaimIsForOne: the second is told who the first is, and may go on after it.
func TestClaimIsForOne(t *testing.T) {
	name := fmt.Sprintf("@lockstep-demo-test-%d", os.Getpid())
	first, err := claim(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	_, err = claim(t.Context(), name)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Errorf("the second got %v, want the first one's process", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := claim(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// TestSuggestionBearsAllLabels: a copy that the user starts changes no settings.
func TestSuggestionBearsAllLabels(t *testing.T) {
	s := &set{image: "image", stage: new(stage.Stage)}
	got := strings.Join(s.command(s.copyOfShop("")), " ")
	want := "docker run --detach --env ON_TERM=exit --label demo.enable=true --label demo.hosts=shop.example --label demo.service=shop image"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTyped: what is printed can be typed.
func TestTyped(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"bin/tool", "path/other"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o700); err != nil { //nolint:gosec // a program must be executable
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "path"))
	for binary, want := range map[string]string{
		filepath.Join(dir, "bin/tool"):   "bin/tool",
		filepath.Join(dir, "path/other"): "other",
		filepath.Join(dir, "tool"):       "./tool",
		"/elsewhere/tool":                "/elsewhere/tool",
	} {
		if got := typed(binary); got != want {
			t.Errorf("%s is typed %q, want %q", binary, got, want)
		}
	}
}
