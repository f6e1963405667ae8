package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// gpgKey makes a key, and returns its id and what others know of it.
func gpgKey(t *testing.T, c *clone, name string) (id, public string) {
	t.Helper()
	gpg := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "gpg", append([]string{"--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase", ""}, args...)...) //nolint:gosec // the test's own words
		cmd.Env = c.env
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %v: %v", args, err)
		}
		return string(out)
	}
	gpg("--quick-generate-key", name+" <"+name+"@example.com>", "ed25519", "sign", "never")
	for line := range strings.Lines(gpg("--list-keys", "--with-colons", name)) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" && id == "" {
			id = fields[9]
		}
	}
	return id, gpg("--armor", "--export", id)
}

// home gives a clone a home of its own, short enough for the sockets of gpg's agent.
func home(t *testing.T, c *clone) {
	t.Helper()
	dir, err := os.MkdirTemp("", "gpg") //nolint:usetesting // that one is too long
	if err != nil {
		t.Fatal(err)
	}
	c.env = append(c.env, "GNUPGHOME="+dir)
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--homedir", dir, "--kill", "all") //nolint:gosec,noctx // what the test started
		if out, err := kill.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
}

// TestOnlySignedCommits takes commits of the keys that are named, of both sorts,
// and no other.
func TestOnlySignedCommits(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	home(t, c)
	ann, annPublic := gpgKey(t, c, "ann")
	bob, bobPublic := gpgKey(t, c, "bob")
	sshKey, sshPublic := sshKeyFile(t, c)
	otherKey, _ := sshKeyFile(t, c)
	keys := file(t, "keys", annPublic+"\n# and one of ssh\nann@example.com "+sshPublic)
	bySSH := func(key string) []string {
		return []string{"-c", "gpg.format=ssh", "-c", "user.signingkey=" + key, "commit", "--quiet", "-am", "a change", "-S"}
	}

	c.write("a.yaml", service("a", "/unsigned"))
	unsigned := c.commit()
	o := Options{URL: c.dir, SignedBy: keys}
	f := follow(t, o)
	f.complains("commit " + short(unsigned) + ": InvalidManifest: the commit is not taken: it is not signed; push a commit that is signed")
	if f.watcher.State().Loaded {
		t.Fatal("an unsigned commit counts")
	}
	if problems := f.repository.State().Problems; len(problems) > 0 {
		t.Errorf("it is said twice: %v", problems)
	}
	c.write("a.yaml", service("a", "/ann"))
	signed := c.commit("-S" + ann)
	f.has("a: /ann " + short(signed))
	f.complains("")
	c.write("a.yaml", service("a", "/bob"))
	c.commit("-S" + bob)
	f.complains("unknown entity; push a commit that is signed by a key in --git-signed-by; what was taken before stays")
	f.has("a: /ann " + short(signed))
	if behind := gauge(t, f, "lockstep_git_behind_seconds"); behind <= 0 {
		t.Errorf("behind for %v seconds, want more than 0", behind)
	}

	c.write("a.yaml", service("a", "/ssh"))
	c.git(bySSH(sshKey)...)
	f.has("a: /ssh " + short(c.git("rev-parse", "HEAD")))
	good := c.git("rev-parse", "HEAD")
	c.write("a.yaml", service("a", "/other"))
	c.git(bySSH(otherKey)...)
	f.complains("it is signed with the key SHA256:")
	f.has("a: /ssh " + short(good))

	// The signature of one commit below another: what is signed is not what is there.
	c.write("a.yaml", service("a", "/forged"))
	c.git("add", "--all")
	raw := c.git("cat-file", "commit", signed)
	forged := strings.Replace(raw, c.git("rev-parse", signed+"^{tree}"), c.git("write-tree"), 1)
	c.git("reset", "--quiet", "--soft", c.hash("commit", forged+"\n"))
	f.complains("no key that is taken has signed it")
	f.has("a: /ssh " + short(good))

	// Another set of keys: what was taken under the old ones is no longer believed
	// after a restart.
	f.stop()
	o.SignedBy, o.Memory = file(t, "keys", bobPublic), f.remembered()
	again := follow(t, o)
	again.complains("no key that is taken has signed it")
	if again.watcher.State().Loaded {
		t.Error("a commit counts that nobody has signed who is believed now")
	}
}

// sshKeyFile makes a key, and returns its path and what others know of it.
func sshKeyFile(t *testing.T, c *clone) (path, public string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "id")
	cmd := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", path) //nolint:gosec // the test's own words
	cmd.Env = c.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return path, string(text)
}

func TestKeyFilesThatDoNotFit(t *testing.T) {
	_, key := sshKeyFile(t, newClone(t))
	for name, c := range map[string]struct{ text, want string }{
		"nothing":         {"# none yet\n", "holds no key"},
		"no key":          {"hello\n", "is no public key of ssh"},
		"a certifier":     {"cert-authority " + key, "is no public key of ssh, or one with options"},
		"for files alone": {`namespaces="file" ` + key, "is no public key of ssh, or one with options"},
		"of somebody":     {`ann@example.com namespaces="file" ` + key, "is no public key of ssh, or one with options"},
		"half of a key":   {beginPGP + "\n\nabc\n", "without an end"},
		"damaged":         {beginPGP + "\n\nabc\n" + endPGP + "\n", "can't be read"},
		"a private key?":  {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "is no public key of ssh"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := readSigners(file(t, "keys", c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
