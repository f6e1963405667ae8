package cmd

import (
	"bytes"
	"os"
	"path/filepath"
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
	write("all/m/config.yaml", config+"---\napiVersion: lockstep.dev/v1\nkind: Servise\nmetadata: {name: web}\n")
	if said := saidOf(t, 1, "validate all/m"); !strings.Contains(said, "a Config says") || !strings.Contains(said, "2 problems in") {
		t.Errorf("of a Config beside a mistake: %s", said)
	}
	write("all/m/config.yaml", config)
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

// TestValidatePolicyThatIsNone: what holds no Policy allows nothing by saying nothing.
func TestValidatePolicyThatIsNone(t *testing.T) {
	const service = "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {hosts: [a.test], endpoints: [{address: '192.0.2.1:80'}]}\n"
	const policy = "apiVersion: lockstep.dev/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  rules: [{name: r, on: route, deny: 'false', message: no}]\n"
	for name, c := range map[string]struct {
		files map[string]string
		named string // below the directory
		none  bool
	}{
		"an empty directory":      {nil, ".", true},
		"a file of another name":  {map[string]string{"policy.yml.bak": policy}, ".", true},
		"a file without a policy": {map[string]string{"service.yaml": service}, "service.yaml", true},
		"an empty file":           {map[string]string{"policy.yaml": ""}, "policy.yaml", true},
		"a policy":                {map[string]string{"policy.yml": policy, "service.yaml": service}, ".", false},
		"a policy that is wrong":  {map[string]string{"policy.yml": strings.Replace(policy, "rules", "rulez", 1)}, ".", false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, c.named)
			_, err := readPolicies([]string{path})
			if c.none != (err != nil) || c.none && !strings.Contains(err.Error(), path+" holds no Policy; ") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestValidateStandardInput has places in what is piped in.
func TestValidateStandardInput(t *testing.T) {
	for text, want := range map[string]string{
		"apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {hots: [a.test]}\n": "-:4:8: unknown key \"hots\"",
		"services: {web: {image: nginx}}\n": "-: it is a Compose file",
		strings.Repeat("# long\n", 1<<20):   "-:",
	} {
		var out bytes.Buffer
		root := New("test")
		root.SetOut(&out)
		root.SetErr(&out)
		root.SetIn(strings.NewReader(text))
		root.SetArgs([]string{"validate", "-"})
		if err := root.Execute(); err == nil || !strings.Contains(out.String()+err.Error(), want) {
			t.Errorf("%.40q: got %v and %s, want %q", text, err, &out, want)
		}
	}
}

// TestValidateAtOnce: what is right in a file that is wrong elsewhere is checked as well, all in
// the order of the file, and what refers to something wrong beside it is not called missing.
func TestValidateAtOnce(t *testing.T) {
	t.Chdir("testdata/validate")
	sameAs(t, "at-once.txt", saidOf(t, 1, "validate at-once.yaml"))
}
