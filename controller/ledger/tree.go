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

// treeFile holds the files of a repository at the commit that counted last. It may
// hold secrets as well.
const treeFile = "git.json"

// SaveTree replaces what is remembered of a repository, in one step.
func (s *Store) SaveTree(tree any) error {
	encoded, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("encode the repository's files: %w", err)
	}
	if err := journal.Replace(filepath.Join(s.dir, treeFile), encoded); err != nil {
		return fmt.Errorf("write the repository's files: %w", err)
	}
	return nil
}

// ReadTree reads what SaveTree wrote in a state directory into tree, and reports
// whether there is any. It locks nothing.
func ReadTree(dir string, tree any) (bool, error) {
	path := filepath.Join(dir, treeFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the repository's files: %w", err)
	}
	if err := json.Unmarshal(text, tree); err != nil {
		return false, fmt.Errorf("%s is damaged: %w; remove it to start anew", path, err)
	}
	return true, nil
}
