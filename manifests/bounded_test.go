package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadBounded: a file says neither by its size nor by its kind how much comes.
func TestReadBounded(t *testing.T) {
	dir := t.TempDir()
	plain, pipe := filepath.Join(dir, "plain"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(plain, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := readBounded(plain, 10); err != nil || string(text) != "0123456789" {
		t.Errorf("of ten bytes it reads %q, %v", text, err)
	}
	for path, want := range map[string]string{
		plain:              "has 10 bytes, the most is 9",
		pipe:               "is no regular file",
		dir:                "is no regular file",
		"/proc/self/smaps": "has more than 9 bytes", // a regular file of no bytes, as it says
	} {
		if text, err := readBounded(path, 9); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of %s it reads %q, %v; want an error that says %q", path, text, err, want)
		}
	}
}
