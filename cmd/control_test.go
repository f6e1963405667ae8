package cmd

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestControlSocketReplacesOnlyADeadOne: what else stands in its place stays.
func TestControlSocketReplacesOnlyADeadOne(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	live, dead := listen(t, filepath.Join(dir, "live")), filepath.Join(dir, "dead")
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	for path, wrong := range map[string]string{
		file:                 "no socket",
		live.Addr().String(): "another program answers",
		filepath.Join(dir, "none", "control.sock"): "may write to",
		"/" + strings.Repeat("x", 120):             "a shorter one",
		dead:                                       "",
		filepath.Join(dir, "new"):                  "",
	} {
		listener, err := listenControl(path)
		if listener != nil {
			info, statErr := os.Stat(path)
			if statErr != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: mode is %v, %v; want 0600", path, info, statErr)
			}
			listener.Close()
		}
		if wrong == "" && err != nil || wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) {
			t.Errorf("%s: got %v, want an error with %q", path, err, wrong)
		}
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file is %q, %v", text, err)
	}
}

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}
