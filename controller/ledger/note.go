package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lockstep/lockstep/internal/journal"
)

// What the names of notes begin with; the gateway's name follows. A note is what a
// gateway's worker remembers for itself, beside the ledger: "guard-kong.json".
const (
	NoteOfGuard = "guard-" // what the guard holds back and has let pass
	NoteOfDrift = "drift-" // what others changed
)

// SaveNote replaces a note in one step.
func (s *Store) SaveNote(name string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the note %s: %w", name, err)
	}
	if err := journal.Replace(notePath(s.dir, name), text); err != nil {
		return fmt.Errorf("write the note %s: %w", name, err)
	}
	return nil
}

// ReadNote reads a note in a state directory into value; a missing one leaves it as it
// is. It locks nothing.
func ReadNote(dir, name string, value any) error {
	path := notePath(dir, name)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the note %s: %w", name, err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s is damaged: %w; remove it to start anew", path, err)
	}
	return nil
}

func notePath(dir, name string) string { return filepath.Join(dir, name+".json") }
