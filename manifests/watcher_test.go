package manifests

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestFilesComeAndGo(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, filepath.Join(dir, "a.yaml"), service("a", "/1"))
	write(t, filepath.Join(dir, "README.md"), "not a manifest")
	write(t, filepath.Join(dir, ".hidden.yaml"), "not: ours")
	w := watch(t, nil, dir)
	w.has("a: /1")
	rename(t, filepath.Join(dir, "a.yaml"), service("a", "/2"))
	w.has("a: /2")
	write(t, filepath.Join(dir, "a.yaml"), service("a", "/3"))
	w.has("a: /3")
	write(t, filepath.Join(dir, "deep/er/b.yml"), service("b", "/b"))
	w.has("a: /3", "b: /b")
	write(t, filepath.Join(dir, "deep/er/b.yml"), service("b", "/bb"))
	w.has("a: /3", "b: /bb")
	must(t, os.Rename(filepath.Join(dir, "deep"), filepath.Join(dir, "other")))
	rename(t, filepath.Join(dir, "other/er/b.yml"), service("b", "/c")) // an empty file at a new place would be believed
	w.has("a: /3", "b: /c")
	must(t, os.RemoveAll(filepath.Join(dir, "other")))
	w.has("a: /3")
	must(t, os.Remove(filepath.Join(dir, "a.yaml")))
	w.has()
	if diff := cmp.Diff([]string{"b", "a"}, w.gone); diff != "" {
		t.Errorf("something went that had not gone (-want +got):\n%s", diff)
	}
}

// TestConfigMount changes files the way Kubernetes and Docker's configs do: by
// swapping one symbolic link.
func TestConfigMount(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	version := func(name, text string) {
		write(t, filepath.Join(dir, name, "a.yaml"), text)
		must(t, os.Symlink(name, filepath.Join(dir, "..data_tmp")))
		must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	}
	version("..2026_1", service("a", "/1"))
	must(t, os.Symlink("..data/a.yaml", filepath.Join(dir, "a.yaml")))
	w := watch(t, nil, dir)
	w.has("a: /1")
	version("..2026_2", service("a", "/2"))
	must(t, os.RemoveAll(filepath.Join(dir, "..2026_1")))
	w.has("a: /2")
	write(t, filepath.Join(dir, "..2026_2", "a.yaml"), service("a", "/3")) // in place, behind the links
	w.has("a: /3")
	if len(w.gone) > 0 {
		t.Errorf("in between these were gone: %v", w.gone)
	}
}

// TestFolderIsALink swaps the folder itself, as git-sync does.
func TestFolderIsALink(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	turn := func(name string) {
		must(t, os.Symlink(name, filepath.Join(dir, "next")))
		must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")))
	}
	write(t, filepath.Join(dir, "one/m/a.yaml"), service("a", "/1"))
	write(t, filepath.Join(dir, "two/m/a.yaml"), service("a", "/2"))
	turn("one")
	w := watch(t, nil, filepath.Join(dir, "current/m"))
	w.has("a: /1")
	turn("two")
	w.has("a: /2")
	write(t, filepath.Join(dir, "two/m/a.yaml"), service("a", "/3"))
	w.has("a: /3")
	turn("one")
	w.has("a: /1")
}

func TestFolderAppearsLater(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	w := watch(t, nil, filepath.Join(dir, "a/b/c"))
	w.until("is missed", func() bool { return strings.Contains(w.watcher.State().Error, "no such file") })
	if w.watcher.State().Loaded || w.services["a"] != "" {
		t.Fatalf("something is known of a folder that is not there: %+v", w.watcher.State())
	}
	write(t, filepath.Join(dir, "a/b/c/a.yaml"), service("a", "/1"))
	w.has("a: /1")
	if state := w.watcher.State(); state.Error != "" {
		t.Errorf("it still complains: %s", state.Error)
	}
	must(t, os.Rename(filepath.Join(dir, "a/b"), filepath.Join(dir, "a/away")))
	w.until("is missed again", func() bool { return w.watcher.State().Error != "" })
	w.has("a: /1") // what it last said stays
	must(t, os.Rename(filepath.Join(dir, "a/away"), filepath.Join(dir, "a/b")))
	write(t, filepath.Join(dir, "a/b/c/a.yaml"), service("a", "/2"))
	w.has("a: /2")
	if len(w.gone) > 0 {
		t.Errorf("in between these were gone: %v", w.gone)
	}
}

func TestBrokenFileKeepsWhatItSaid(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	a, b := filepath.Join(dir, "a.yaml"), filepath.Join(dir, "b.yaml")
	write(t, a, service("a", "/1"))
	write(t, b, service("b", "/1"))
	w := watch(t, nil, dir)
	w.has("a: /1", "b: /1")
	rename(t, a, service("a", "/2")+"---\nkind: Nothing\n")
	w.complains("a.yaml:7:1: InvalidManifest: there is no apiVersion")
	write(t, b, service("b", "/2"))
	w.has("a: /1", "b: /2")
	if n := strings.Count(w.said(), "there is no apiVersion"); n != 1 {
		t.Errorf("the problem is logged %d times:\n%s", n, w.said())
	}
	if !strings.Contains(w.said(), "its last good version stays") {
		t.Errorf("of what was good it is not said that it stays:\n%s", w.said())
	}
	want := "# HELP lockstep_manifest_files Files of manifests, by state: good, or broken (what it last said when it was good stays).\n" +
		"# TYPE lockstep_manifest_files gauge\nlockstep_manifest_files{state=\"broken\"} 1\nlockstep_manifest_files{state=\"good\"} 1\n"
	if err := testutil.GatherAndCompare(w.registry, strings.NewReader(want), "lockstep_manifest_files"); err != nil {
		t.Error(err)
	}
	again := watch(t, w.remembered(), dir) // another daemon on the same state directory
	again.has("a: /1", "b: /2")
	again.complains("there is no apiVersion")
	rename(t, a, service("a", "/3"))
	w.has("a: /3", "b: /2")
	again.has("a: /3", "b: /2")
	w.complains("")
	rename(t, filepath.Join(dir, "c.yaml"), "kind: Nothing\n") // an empty file at a new place would be good
	w.complains("c.yaml:1:1: InvalidManifest: there is no apiVersion")
	if !strings.Contains(w.said(), "was never good; nothing of it holds\" problem=\""+filepath.Join(dir, "c.yaml")) {
		t.Errorf("of a new file it is said that something stays:\n%s", w.said())
	}
	if len(w.gone)+len(again.gone) > 0 {
		t.Errorf("in between these were gone: %v %v", w.gone, again.gone)
	}
}

// TestEmptiedFileIsNotBelieved writes as some editors do: empty first.
func TestEmptiedFileIsNotBelieved(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	a := filepath.Join(dir, "a.yaml")
	write(t, a, service("a", "/1"))
	w := watch(t, nil, dir)
	w.has("a: /1")
	must(t, os.Truncate(a, 0))
	write(t, filepath.Join(dir, "b.yaml"), service("b", "/1")) // what else happens must wait as well
	write(t, a, service("a", "/2"))
	w.has("a: /2", "b: /1")
	if len(w.gone) > 0 {
		t.Errorf("in between these were gone: %v", w.gone)
	}
}

// TestRandomWalk changes files at random, and in the end wants what a fresh look says.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	w := watch(t, nil, dir)
	random := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // a walk, not secrets
	for step := range 150 {
		name := fmt.Sprintf("s%d", random.IntN(6))
		path := filepath.Join(dir, fmt.Sprintf("d%d", random.IntN(3)), name+".yaml")
		switch random.IntN(6) {
		case 0, 1:
			write(t, path, service(name, fmt.Sprintf("/%d", step)))
		case 2:
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			rename(t, path, service(name, fmt.Sprintf("/%d", step)))
		case 3:
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		case 4:
			must(t, os.RemoveAll(filepath.Dir(path)))
		case 5:
			w.take()
		}
	}
	write(t, filepath.Join(dir, "last.yaml"), service("last", "/"))
	w.until("the last file", func() bool { return w.services["last"] != "" })
	fresh := watch(t, w.remembered(), dir)
	fresh.until("the last file", func() bool { return fresh.services["last"] != "" })
	if diff := cmp.Diff(fresh.services, w.services); diff != "" {
		t.Errorf("another way there ends elsewhere (-fresh +walked):\n%s", diff)
	}
}

// TestOneChangeReadsOneFile: whatever stands beside a file that comes, changes or goes, no
// other one is read for it.
func TestOneChangeReadsOneFile(t *testing.T) {
	t.Parallel()
	const files = 300
	dir := folder(t)
	name := func(i int) string { return fmt.Sprintf("s%d", i) }
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("d%d", i/50), name(i)+".yaml") }
	for i := range files {
		write(t, file(i), service(name(i), "/old"))
	}
	w := watch(t, nil, dir)
	w.until("all are read", func() bool { return len(w.services) == files })
	reads := func() float64 { return testutil.ToFloat64(w.watcher.metrics.reads) }
	if got := reads(); got != files {
		t.Fatalf("%v reads at the start, want %d", got, files)
	}
	for _, c := range []struct {
		what   string
		number int
		path   string // of its service then
		do     func(path string)
	}{
		{"one changes", 7, "/new", func(path string) { rename(t, path, service(name(7), "/new")) }},
		{"one goes", 8, "", func(path string) { must(t, os.Remove(path)) }},
		{"one comes", files, "/more", func(path string) { rename(t, path, service(name(files), "/more")) }},
	} {
		before := reads()
		c.do(file(c.number))
		w.until(c.what, func() bool { return w.services[name(c.number)] == c.path })
		if got := reads() - before; got > 2 { // what is heard of it may come in two parts
			t.Errorf("%s: %v reads, want one", c.what, got)
		}
	}
}
