package git

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/lockstep/lockstep/manifests"
)

// TestCommitIsTold: who made what counts from now on is one line of the log, whatever the
// commit says of itself.
func TestCommitIsTold(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	c.commit()
	c.git("commit", "--quiet", "--amend", "--message", "route /1 "+strings.Repeat("x", 200)+"\x1b[31m\n\nlevel=ERROR")
	tip := c.git("rev-parse", "HEAD")
	f := follow(t, Options{URL: c.dir})
	f.has("a: /1 " + short(tip))
	f.mu.Lock()
	said := f.logged.String()
	f.mu.Unlock()
	line := ""
	for text := range strings.Lines(said) {
		if strings.Contains(text, "the manifests of a commit count from now on") {
			line += text
		}
	}
	for _, want := range []string{"level=INFO", "commit=" + tip, "author=", `subject="route /1 xxx`, "…"} {
		if strings.Count(line, want) != 1 {
			t.Errorf("%q is not told once: %q", want, line)
		}
	}
	if strings.Contains(said, "level=ERROR") || strings.Contains(said, "\x1b") || len(line) > 400 {
		t.Errorf("the commit has its own way: %q", said)
	}
}

// TestAccessSaysWhatToDo: what is missing to get in is named by our flags.
func TestAccessSaysWhatToDo(t *testing.T) {
	t.Setenv("SSH_KNOWN_HOSTS", "/nonexistent/known_hosts")
	reference := func(text string) *manifests.Value {
		value, err := manifests.ParseReference(text)
		if err != nil {
			t.Fatal(err)
		}
		return &value
	}
	endpoint := &transport.Endpoint{Host: "git.test", Port: 22}
	key, _ := newKey(t)
	for name, c := range map[string]struct {
		access access
		ssh    bool
		want   []string
	}{
		"a variable":       {access{password: reference("env:LOCKSTEP_TEST_NOT_SET")}, false, []string{"--git-password: the variable LOCKSTEP_TEST_NOT_SET is not set", "start the daemon anew", "another place with --git-password"}},
		"a file":           {access{key: reference("/nonexistent/key")}, true, []string{"--git-ssh-key: ", "see that the daemon can read it", "another place with --git-ssh-key"}},
		"known hosts":      {access{key: reference(key)}, true, []string{"nothing says which key git.test has", "--git-known-hosts"}},
		"authorities":      {access{authority: "/nonexistent/ca"}, false, []string{"--git-ca: ", "name a file that the daemon can read"}},
		"known hosts file": {access{key: reference(key), knownHosts: "/nonexistent/known"}, true, []string{"/nonexistent/known", "--git-known-hosts"}},
	} {
		var err error
		if c.ssh {
			_, err = c.access.ssh(endpoint)
		} else {
			_, _, err = c.access.http(endpoint)
		}
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SSH_KNOWN_HOSTS") {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}
