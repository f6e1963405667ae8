package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// notePrefix is what the files of notes begin with. A note is what a gateway's
// worker remembers for itself, beside the ledger: "guard-kong.json".
const notePrefix = "guard-"

// SaveNote replaces a gateway's note in one step.
func (s *Store) SaveNote(gateway string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode the note of %s: %w", gateway, err)
	}
	if err := replace(notePath(s.dir, gateway), text); err != nil {
		return fmt.Errorf("write the note of %s: %w", gateway, err)
	}
	return nil
}

// ReadNote reads a gateway's note in a state directory into value; a missing one leaves
// it as it is. It locks nothing.
func ReadNote(dir, gateway string, value any) error {
	path := notePath(dir, gateway)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the note of %s: %w", gateway, err)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s is damaged: %w; remove it to start anew", path, err)
	}
	return nil
}

func notePath(dir, gateway string) string { return filepath.Join(dir, notePrefix+gateway+".json") }
