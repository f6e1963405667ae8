package journal

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keeper is a caller of a journal: a map that is written as an object, changes as one with
// null for what is gone.
type keeper struct {
	t       *testing.T
	path    string
	journal *Journal
	now     Map[string]
	saved   map[string]string // what was last saved without an error
	wholes  int               // snapshots that were asked for
}

func start(t *testing.T, path string) *keeper {
	t.Helper()
	journal, state, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{t: t, path: path, journal: journal, now: decode(t, state)}
	k.saved = maps.Clone(k.now.entries)
	t.Cleanup(k.end)
	return k
}

func (k *keeper) end() {
	if err := k.journal.Close(); err != nil {
		k.t.Error(err)
	}
}

// again is what the next process finds.
func (k *keeper) again() *keeper {
	k.t.Helper()
	k.end()
	return start(k.t, k.path)
}

// save writes what changed.
func (k *keeper) save() error {
	change, err := json.Marshal(k.now.Changes())
	if err != nil {
		return err
	}
	err = k.journal.Append(change, func() ([]byte, error) {
		k.wholes++
		return k.whole()
	})
	if err == nil {
		k.now.Saved()
		k.saved = maps.Clone(k.now.entries)
	}
	return err
}

// whole is what a snapshot says.
func (k *keeper) whole() ([]byte, error) { return json.Marshal(k.now.entries) }

// must sets and saves.
func (k *keeper) must(key, value string) {
	k.t.Helper()
	k.now.Set(key, value)
	if err := k.save(); err != nil {
		k.t.Fatal(err)
	}
}

// says is what the files say.
func (k *keeper) says() map[string]string {
	k.t.Helper()
	state, err := Read(k.path)
	if err != nil {
		k.t.Fatal(err)
	}
	return decode(k.t, state).entries
}

// holds fails unless the files say one of these.
func (k *keeper) holds(wants ...map[string]string) {
	k.t.Helper()
	got := k.says()
	if !slices.ContainsFunc(wants, func(want map[string]string) bool { return maps.Equal(got, want) }) {
		k.t.Fatalf("the files say something else (-wanted last +got):\n%s", cmp.Diff(wants[len(wants)-1], got))
	}
}

// decode puts a state together.
func decode(t *testing.T, state State) Map[string] {
	t.Helper()
	var m Map[string]
	if state.Snapshot != nil {
		if err := json.Unmarshal(state.Snapshot, &m.entries); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range state.Changes {
		var changes map[string]*string
		if err := json.Unmarshal(text, &changes); err != nil {
			t.Fatal(err)
		}
		m.Apply(changes)
	}
	return m
}

var errStep = errors.New("this step fails")

// fails has the journal's step of that number fail, counted from 0; with killed, all that
// come after as well. Where something was to be written, a part of it is.
func (k *keeper) fails(number int, killed bool) (reached func() bool) {
	count := 0
	k.journal.disk.before = func(step, path string) error {
		count++
		if count-1 < number || count-1 > number && !killed {
			return nil
		}
		if count-1 == number && (step == stepWrite || step == stepAppend) {
			if err := scribble(path); err != nil {
				k.t.Error(err)
			}
		}
		return errStep
	}
	return func() bool { return count > number }
}

// scribble writes the beginning of a line at the end of a file.
func scribble(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(`0badbeef change {"a":`)
	return errors.Join(err, file.Close())
}

func place(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state.json")
}
