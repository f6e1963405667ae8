package git

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingLeadsOut: what could lead out of a repository, or fill the memory, is
// named and not read, and the commit that was good before stays.
func TestNothingLeadsOut(t *testing.T) {
	t.Parallel()
	outside := file(t, "secret.yaml", service("stolen", "/secret"))
	for name, c := range map[string]struct {
		do   func(c *clone)
		want string
	}{
		"a link to a file outside": {func(c *clone) { c.link(outside, "m/evil.yaml") }, "m/evil.yaml, commit %s: InvalidManifest: it is a symbolic link, which is not followed"},
		"a link to a file within": {func(c *clone) { c.link("a.yaml", "m/b.yaml") },
			"m/b.yaml, commit %s: InvalidManifest: it is a symbolic link"},
		"a submodule": {func(c *clone) {
			c.git("update-index", "--add", "--cacheinfo", "160000,"+c.git("rev-parse", "HEAD")+",m/sub")
			c.git("commit", "--quiet", "-m", "a submodule")
		}, "m/sub, commit %s: InvalidManifest: it is a submodule, which is not read"},
		"a huge file": {func(c *clone) { c.write("m/huge.yaml", strings.Repeat("# much\n", 1<<18)) },
			"m/huge.yaml, commit %s: InvalidManifest: the file has 1835008 bytes, the most is 1048576"},
		"a name that moves the cursor": {func(c *clone) { c.write("m/\x1b[2J.yaml", service("b", "/b")) },
			"its name can't be shown as it is"},
		"the path is a link": {func(c *clone) {
			c.git("mv", "m", "n")
			c.link(filepath.Dir(outside), "m")
		}, `the commit is not taken: "m" in the commit %s is a symbolic link, not a directory`},
		"the path is gone": {func(c *clone) { c.git("mv", "m", "n") },
			`the commit is not taken: the commit %s has no directory "m"; correct --git-path, or commit it; what was taken before stays`},
		"a name twice": {func(c *clone) {
			blob, other := c.git("rev-parse", "HEAD:m/a.yaml"), c.hash("blob", service("b", "/b"))
			tree := c.hash("tree", "100644 a.yaml\x00"+c.bin(blob)+"100644 b.yaml\x00"+c.bin(blob)+"100644 b.yaml\x00"+c.bin(other))
			c.git("reset", "--quiet", "--soft", c.git("commit-tree", "-p", "HEAD", "-m", "twice", c.hash("tree", "40000 m\x00"+c.bin(tree))))
		}, "m/b.yaml, commit %s: InvalidManifest: its directory names it twice"},
		"a name that climbs": {climb, "its name can't be shown as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newClone(t)
			repo.write("m/a.yaml", service("a", "/1"))
			first := repo.commit()
			f := follow(t, Options{URL: repo.dir, Path: "m"})
			f.has("a: /1 " + short(first))
			c.do(repo)
			if repo.git("rev-parse", "HEAD") == first {
				repo.commit()
			}
			want := c.want
			if strings.Contains(want, "%s") {
				want = fmt.Sprintf(want, short(repo.git("rev-parse", "HEAD")))
			}
			f.complains(want)
			f.has("a: /1 " + short(first))
			if said := fmt.Sprint(f.watcher.State(), f.repository.State()); strings.ContainsAny(said, "\x1b\n") {
				t.Errorf("this can't be shown: %q", said)
			}
			repo.git("reset", "--quiet", "--hard", first)
			f.has("a: /1 " + short(first))
			f.complains("")
		})
	}
}

// climb commits a tree with a directory called "x/../..", which git itself refuses to make.
func climb(c *clone) {
	c.t.Helper()
	blob := c.git("rev-parse", "HEAD:m/a.yaml")
	inner := c.hash("tree", "100644 a.yaml\x00"+c.bin(blob))
	tree := c.hash("tree", "100644 a.yaml\x00"+c.bin(blob)+"40000 x/../..\x00"+c.bin(inner))
	root := c.hash("tree", "40000 m\x00"+c.bin(tree))
	c.git("reset", "--quiet", "--soft", c.git("commit-tree", "-p", "HEAD", "-m", "climbs", root))
}

// TestTimesThatAreNone: a commit may bear any time, also one that can't be written
// down; it is remembered all the same.
func TestTimesThatAreNone(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	c.commit()
	raw := c.git("cat-file", "commit", "HEAD")
	for name, when := range map[string]string{"far away": "999999999999 +0000", "no time": "-99999999999999 +9999"} {
		head, message, _ := strings.Cut(raw, "\n\n")
		head = head[:strings.LastIndex(head, "> ")] + "> " + when
		made := c.hash("commit", head+"\n\n"+message+"\n")
		c.git("update-ref", "refs/heads/main", made)
		f := follow(t, Options{URL: c.dir})
		f.has("a: /1 " + short(made))
		f.until(name+" is remembered", func() bool { return f.remembered() != nil })
		if tree := f.remembered(); tree.Commit != made {
			t.Errorf("%s: %s is remembered, want %s", name, tree.Commit, made)
		}
		f.stop()
	}
}

// TestNothingToTake: where nothing was taken before, nothing of it stays, and what is
// wrong is told of once.
func TestNothingToTake(t *testing.T) {
	repo := newClone(t)
	repo.write("m/a.yaml", service("a", "/1"))
	first := repo.commit()
	f := follow(t, Options{URL: repo.dir, Path: "nodir"})
	f.complains(`has no directory "nodir"; correct --git-path, or commit it`)
	state := f.repository.State()
	if state.Loaded || len(state.Problems) > 0 || strings.Contains(state.Error, "stays") || strings.Count(state.Error, "commit it") != 1 {
		t.Errorf("at %s: %+v", short(first), state)
	}
}
