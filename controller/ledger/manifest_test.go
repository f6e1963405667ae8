package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestManifestsOutliveTheDaemon saves changes of what manifests said, and lets daemons
// follow each other; an empty file is not one that is gone.
func TestManifestsOutliveTheDaemon(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 6)) //nolint:gosec // a walk, not secrets
	dir := t.TempDir()
	store, want := open(t, dir), map[string][]byte{}
	for range 60 {
		changed := map[string][]byte{}
		for range random.IntN(3) {
			path := fmt.Sprintf("/etc/%d.yaml", random.IntN(5))
			if changed[path] = nil; random.IntN(4) > 0 {
				changed[path] = []byte(strings.Repeat("ü: 1\n", random.IntN(6000)))
			}
		}
		maps.Copy(want, changed)
		maps.DeleteFunc(want, func(_ string, text []byte) bool { return text == nil })
		if err := store.SaveManifests(changed); err != nil {
			t.Fatal(err)
		}
		if random.IntN(10) == 0 {
			if err := store.Close(); err != nil {
				t.Fatal(err)
			}
			store = open(t, dir)
			if loaded, err := store.LoadManifests(); err != nil || !equal(want, loaded) {
				t.Fatalf("%v (-want +loaded):\n%s", err, cmp.Diff(want, loaded))
			}
		}
		if found, err := ReadManifests(dir); err != nil || !equal(want, found) {
			t.Fatalf("%v (-want +found):\n%s", err, cmp.Diff(want, found))
		}
	}
	for _, name := range []string{"manifests.json", "manifests.journal"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v: want a file for its owner alone", info, err)
		}
	}
}

// equal reports whether the texts are the same, of which cmp would compare each byte alone.
func equal(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

// TestEarlierManifests: a file of a Lockstep that kept no journal is read, and goes on.
func TestEarlierManifests(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifests.json"), []byte(`{"/a.yaml":"a","/b.yaml":"b"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).SaveManifests(map[string][]byte{"/a.yaml": nil, "/c.yaml": []byte("c")}); err != nil {
		t.Fatal(err)
	}
	found, err := ReadManifests(dir)
	if want := map[string][]byte{"/b.yaml": []byte("b"), "/c.yaml": []byte("c")}; err != nil || !cmp.Equal(want, found) {
		t.Errorf("%v (-want +found):\n%s", err, cmp.Diff(want, found))
	}
}
