package journal

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRandomWalk sets, deletes, saves and starts anew at random, while steps fail and the
// process goes on or is killed: what was saved is there, and what was not is there or not.
func TestRandomWalk(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a walk, not secrets
			k, wholes, failures := start(t, place(t)), 0, 0
			for range 80 {
				for range random.IntN(4) {
					key := fmt.Sprintf("k%d", random.IntN(8))
					if random.IntN(3) == 0 {
						k.now.Delete(key)
					} else {
						k.now.Set(key, strings.Repeat(fmt.Sprint(random.IntN(3)), 1<<random.IntN(15)))
					}
				}
				switch random.IntN(8) {
				case 0:
					k.fails(random.IntN(10), false)
				case 1:
					k.fails(random.IntN(10), true)
				}
				before := k.says()
				err := k.save()
				switch {
				case err == nil:
					k.holds(k.saved)
				case errors.Is(err, errStep):
					failures++
					k.holds(before, k.now.entries)
				default:
					t.Fatal(err)
				}
				k.journal.disk.before = nil
				if random.IntN(6) == 0 {
					wholes += k.wholes
					k = k.again()
				}
			}
			if err := k.save(); err != nil {
				t.Fatal(err)
			}
			k.holds(k.saved)
			if wholes += k.wholes; wholes < 2 || failures < 5 {
				t.Errorf("%d snapshots and %d failures; the walk is too tame", wholes, failures)
			}
		})
	}
}

// TestKilledAtEveryStep lets a process that begins a journal, adds to it, makes snapshots
// and comes back to an earlier state end at each of its steps.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", leastLog)
	values := []string{"1", "2", "3", long, "4", "1", long, "5"}
	for number := 0; ; number++ {
		k := start(t, place(t))
		reached := k.fails(number, true)
		for _, value := range values {
			k.now.Set("a", value)
			if err := k.save(); err != nil {
				break
			}
		}
		if !reached() {
			if number < 30 {
				t.Errorf("the process did %d steps", number)
			}
			return
		}
		next := k.again()
		next.holds(k.saved, k.now.entries)
		next.must("b", "more")
		want := maps.Clone(next.now.entries)
		next.again().holds(want)
	}
}

// TestStateComesBack: a snapshot that says what the one before said is not taken for it.
func TestStateComesBack(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	k.must("a", "1")
	for range 2 {
		k.must("a", "2") // in a log
		k.now.Set("a", "1")
		same, err := k.whole()
		if err != nil {
			t.Fatal(err)
		}
		if err := k.journal.Replace(same); err != nil {
			t.Fatal(err)
		}
		k = k.again()
		k.holds(map[string]string{"a": "1"})
	}
}

// TestCostFollowsTheChange: beside much that stays, a change adds a line and touches nothing else.
func TestCostFollowsTheChange(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	for i := range 2000 {
		k.now.Set(fmt.Sprintf("k%d", i), strings.Repeat("v", 1000))
	}
	k.must("a", "0")
	snapshot := stat(t, k.path)
	for i := range 50 {
		k.must("a", fmt.Sprint(i))
	}
	if now := stat(t, k.path); !os.SameFile(snapshot, now) || k.wholes != 1 {
		t.Errorf("%d snapshots were made for 50 small changes", k.wholes-1)
	}
	if size := stat(t, LogPath(k.path)).Size(); size > 50*50 {
		t.Errorf("50 changes of some bytes made a log of %d bytes", size)
	}
	for i := range 2500 {
		k.now.Set(fmt.Sprintf("k%d", i%2000), strings.Repeat("w", 1000))
		if i%25 == 0 {
			k.must("a", fmt.Sprint(i))
		}
	}
	if k.wholes > 3 || stat(t, LogPath(k.path)).Size() > stat(t, k.path).Size() {
		t.Errorf("%d snapshots, and a log of %d bytes", k.wholes, stat(t, LogPath(k.path)).Size())
	}
}

// TestOwnersEyesAlone: whatever a journal is of may be secret.
func TestOwnersEyesAlone(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	k.must("a", "1")
	k.must("a", "2")
	for _, path := range []string{k.path, LogPath(k.path)} {
		if mode := stat(t, path).Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has the mode %o", path, mode)
		}
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(k.path), ".*")); err != nil || len(left) > 0 {
		t.Errorf("left were %v, %v", left, err)
	}
}

// TestTakenAway: files that somebody removes under a running process are there after its next change.
func TestTakenAway(t *testing.T) {
	t.Parallel()
	for _, takes := range [][]func(string) string{{LogPath}, {itself}, {LogPath, itself}} {
		k := start(t, place(t))
		k.must("a", "1")
		k.must("b", "2")
		for _, path := range takes {
			if err := os.Remove(path(k.path)); err != nil {
				t.Fatal(err)
			}
		}
		k.must("c", "3")
		k.again().holds(map[string]string{"a": "1", "b": "2", "c": "3"})
	}
}

func itself(path string) string { return path }

func TestChangeIsOneLine(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	k.must("a", "1")
	if err := k.journal.Append([]byte("{\n}"), nil); err == nil {
		t.Error("a change of two lines was written")
	}
	k.holds(map[string]string{"a": "1"})
}

func stat(t *testing.T, path string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// TestNothingFollowsWhatMayVanish: while a file that was replaced may be the old one after a
// failure of power, nothing else is written.
func TestNothingFollowsWhatMayVanish(t *testing.T) {
	t.Parallel()
	k := start(t, place(t))
	for _, value := range []string{"1", strings.Repeat("x", leastLog)} { // the log is begun, and the snapshot replaced
		var steps []string
		k.journal.disk.before = func(step, _ string) error {
			if steps = append(steps, step); step == stepSyncDir {
				return errStep
			}
			return nil
		}
		k.now.Set("a", value)
		if err := k.save(); !errors.Is(err, errStep) {
			t.Fatalf("it failed with %v", err)
		}
		steps = nil
		if err := k.save(); !errors.Is(err, errStep) || len(steps) != 1 {
			t.Errorf("then it did %q, and failed with %v", steps, err)
		}
		k.journal.disk.before = nil
		if err := k.save(); err != nil {
			t.Fatal(err)
		}
		k.holds(k.saved)
	}
}

// TestSameTroubleSaysTheSame: an error names the file that was to be written, and not the one
// that was to become it, whose name is another one each time.
func TestSameTroubleSaysTheSame(t *testing.T) {
	t.Parallel()
	missing, taken := filepath.Join(t.TempDir(), "missing", "state.json"), place(t)
	if err := os.MkdirAll(filepath.Join(taken, "a directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, why := range map[string]string{missing: "no such file or directory", taken: "file exists"} {
		for range 2 {
			if err := Replace(path, []byte("text")); err == nil || err.Error() != "write "+path+": "+why {
				t.Errorf("the error is %v, want that of %s: %s", err, path, why)
			}
		}
	}
}
