package git

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestFollowsABranch(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("deploy/a.yaml", service("a", "/1"))
	c.write("deploy/.hidden.yaml", "not: ours")
	c.write("README.md", "not a manifest")
	c.write("other/x.yaml", "not: ours")
	first := c.commit()
	f := follow(t, Options{URL: c.dir, Ref: "main", Path: "/deploy/"})
	f.has("a: /1 " + short(first))

	c.write("deploy/deep/b.yml", service("b", "/1"))
	second := c.commit()
	f.has("a: /1 "+short(first), "b: /1 "+short(second)) // a is as it was since the first
	c.write("deploy/a.yaml", service("a", "/3"))
	third := c.commit()
	f.has("a: /3 "+short(third), "b: /1 "+short(second))
	c.git("rm", "--quiet", "deploy/deep/b.yml")
	fourth := c.commit()
	f.has("a: /3 " + short(third))
	if state := f.watcher.State(); state.Commit != fourth || state.Refused != "" {
		t.Errorf("manifests are at %s, %s is refused; want %s", state.Commit, state.Refused, fourth)
	}
	c.git("reset", "--quiet", "--hard", first) // as after a force-push
	f.has("a: /1 " + short(first))
	if len(f.gone) != 1 {
		t.Errorf("these were gone in between: %v", f.gone)
	}
}

// TestBrokenCommitChangesNothing: of a commit that is wrong anywhere nothing counts.
func TestBrokenCommitChangesNothing(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	c.write("b.yaml", service("b", "/1"))
	first := c.commit()
	f := follow(t, Options{URL: "file://" + c.dir})
	f.has("a: /1 "+short(first), "b: /1 "+short(first))

	c.write("a.yaml", service("a", "/2"))
	c.write("b.yaml", service("b", "/2")+"---\nkind: Nothing\n")
	second := c.commit()
	f.complains("b.yaml:8:1, commit " + short(second) + ": InvalidManifest: there is no apiVersion")
	f.has("a: /1 "+short(first), "b: /1 "+short(first))
	if state := f.watcher.State(); state.Commit != first || state.Refused != second {
		t.Errorf("manifests are at %s, %s is refused; want %s and %s", state.Commit, state.Refused, first, second)
	}
	if behind := gauge(t, f, "lockstep_git_behind_seconds"); behind <= 0 {
		t.Errorf("behind for %v seconds, want more than 0", behind)
	}

	// Another daemon that was there when it was good, and one that was not: of what
	// never was good, what is right counts.
	again := follow(t, Options{URL: "file://" + c.dir, Memory: f.remembered()})
	again.complains("there is no apiVersion")
	again.has("a: /1 "+short(first), "b: /1 "+short(first))
	fresh := follow(t, Options{URL: "file://" + c.dir})
	fresh.complains("there is no apiVersion")
	fresh.has("a: /2 " + short(second))

	c.write("b.yaml", service("b", "/3"))
	third := c.commit()
	for _, f := range []*follower{f, again} {
		f.has("a: /2 "+short(third), "b: /3 "+short(third))
		f.complains("")
	}
	fresh.has("a: /2 "+short(third), "b: /3 "+short(third))
	if behind := gauge(t, f, "lockstep_git_behind_seconds"); behind != 0 {
		t.Errorf("behind for %v seconds, want 0", behind)
	}
	made := c.git("show", "--no-patch", "--format=%ct")
	if at := gauge(t, f, "lockstep_git_commit_timestamp_seconds"); strconv.Itoa(int(at)) != made {
		t.Errorf("the commit was made at %v, want %s", at, made)
	}
	if n := strings.Count(f.said(), "there is no apiVersion"); n != 1 {
		t.Errorf("the problem is logged %d times:\n%s", n, f.said())
	}
}

// TestRemoteThatDies keeps what was said, also over a restart.
func TestRemoteThatDies(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	first := c.commit()
	f := follow(t, Options{URL: c.dir})
	f.has("a: /1 " + short(first))
	away := c.dir + ".away"
	if err := os.Rename(c.dir, away); err != nil {
		t.Fatal(err)
	}
	f.complains("is no repository; name the directory")
	f.has("a: /1 " + short(first))
	f.stop()

	again := follow(t, Options{URL: c.dir, Memory: f.remembered()})
	again.has("a: /1 " + short(first))
	again.complains("is no repository")
	elsewhere := follow(t, Options{URL: c.dir, Path: "other", Memory: f.remembered()}) // what was remembered is another's
	elsewhere.complains("is no repository")
	if elsewhere.watcher.State().Loaded {
		t.Error("it claims to know what a repository says that never answered")
	}
	if err := os.Rename(away, c.dir); err != nil {
		t.Fatal(err)
	}
	again.complains("")
	again.has("a: /1 " + short(first))
	if len(again.gone) > 0 {
		t.Errorf("in between these were gone: %v", again.gone)
	}
}

// TestFoldersAndRepository put together what both declare.
func TestFoldersAndRepository(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("route.yaml", "apiVersion: lockstep.dev/v1\nkind: Route\nmetadata: {name: extra}\nspec: {service: a, paths: [/extra]}\n")
	c.write("b.yaml", service("b", "/b"))
	first := c.commit()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(path, []byte(service("a", "/1")), 0o600); err != nil {
		t.Fatal(err)
	}
	f := follow(t, Options{URL: c.dir}, dir)
	f.has("a: /1 ", "b: /b "+short(first))
	if err := os.WriteFile(filepath.Join(dir, "b.yaml"), []byte(service("b", "/mine")), 0o600); err != nil {
		t.Fatal(err)
	}
	f.complains(`b.yaml:3:18: InvalidManifest: there is a service "b" already, at b.yaml:3:18, commit ` + short(first))
	f.has("a: /1 ", "b: /b "+short(first)) // who was there first
	c.write("a.yaml", service("a", "/theirs"))
	second := c.commit()
	f.complains("a.yaml:3:18, commit " + short(second))
	f.has("a: /1 ", "b: /b "+short(first))
}

// gauge returns a metric of the follower.
func gauge(t *testing.T, f *follower, name string) float64 {
	t.Helper()
	families, err := f.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// TestMetrics holds the names that alerts are written for.
func TestMetrics(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	f := follow(t, Options{URL: c.dir})
	f.complains("the repository names no branch of its own")
	c.commit()
	f.complains("")
	for _, name := range []string{"lockstep_git_asked_timestamp_seconds", "lockstep_git_commit_timestamp_seconds", "lockstep_git_behind_seconds"} {
		if n, err := testutil.GatherAndCount(f.registry, name); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if at := gauge(t, f, "lockstep_git_asked_timestamp_seconds"); time.Since(time.Unix(int64(at), 0)) > time.Minute {
		t.Errorf("it was asked at %v", at)
	}
}
