package cmd

import (
	"os"
	"strings"
	"testing"
)

// TestValidateNative: all that is wrong with sections of HAProxy is said where it stands.
func TestValidateNative(t *testing.T) {
	t.Chdir("testdata/validate")
	sameAs(t, "native.txt", saidOf(t, 1, "validate native.yaml"))
}

// TestValidateDangling: what a file would declare that is wrong is not called missing.
func TestValidateDangling(t *testing.T) {
	t.Chdir("testdata/validate")
	sameAs(t, "dangling.txt", saidOf(t, 1, "validate dangling-a.yaml dangling-b.yaml"))
}

// TestValidateMisplaced: what the daemon refuses in a folder, or in a repository, for where it
// stands is refused before, and is fine by itself or elsewhere.
func TestValidateMisplaced(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"all", "all/m", "all/m/.git-not", "all/m/in"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("all/web.yaml", "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: web}\n")
	for path, target := range map[string]string{"all/m/in/web.yaml": "../../web.yaml", "all/m/gone.yaml": "nothing", "link": "all/m"} {
		if err := os.Symlink(target, path); err != nil {
			t.Fatal(err)
		}
	}
	const config = "apiVersion: lockstep.dev/v1\nkind: Config\nmetadata: {name: daemon}\nspec: {expose_all: true}\n"
	write("all/m/.git-not/config.yaml", config)
	saidOf(t, 0, "validate all/m")
	write("all/m/config.yaml", config)
	saidOf(t, 0, "validate all/m/config.yaml")
	said := saidOf(t, 1, "validate link")
	if !strings.Contains(said, "link/config.yaml:3:18: a Config says how the daemon runs, and is read at its start alone") || !strings.Contains(said, "1 problem in") {
		t.Errorf("of a Config: %s", said)
	}
	if err := os.Mkdir("all/.git", 0o700); err != nil {
		t.Fatal(err)
	}
	said = saidOf(t, 1, "validate all/m")
	for _, want := range []string{"all/m/gone.yaml: it is a symbolic link", "all/m/in/web.yaml: it is a symbolic link", "→ commit the file itself", "3 problems in"} {
		if !strings.Contains(said, want) {
			t.Errorf("of links, without %q: %s", want, said)
		}
	}
}
