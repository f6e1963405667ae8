package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// manifestFile holds the text of each file of manifests when it was last good. It
// may hold secrets that stand in them, and is for this user's eyes alone.
const manifestFile = "manifests.json"

// SaveManifests replaces what manifests last said, by path, in one step.
func (s *Store) SaveManifests(texts map[string][]byte) error {
	plain := make(map[string]string, len(texts))
	for path, text := range texts {
		plain[path] = string(text) // text, checked to be UTF-8
	}
	encoded, err := json.Marshal(plain)
	if err != nil {
		return fmt.Errorf("encode manifests: %w", err)
	}
	if err := replace(filepath.Join(s.dir, manifestFile), encoded); err != nil {
		return fmt.Errorf("write manifests: %w", err)
	}
	return nil
}

// ReadManifests reads what SaveManifests wrote in a state directory; nothing when
// there is nothing. It locks nothing.
func ReadManifests(dir string) (map[string][]byte, error) {
	path := filepath.Join(dir, manifestFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string][]byte{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	plain := map[string]string{}
	if err := json.Unmarshal(text, &plain); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove it to start anew", path, err)
	}
	texts := make(map[string][]byte, len(plain))
	for path, text := range plain {
		texts[path] = []byte(text)
	}
	return texts, nil
}

// treeFile holds the files of a repository at the commit that counted last. It may
// hold secrets as well.
const treeFile = "git.json"

// SaveTree replaces what is remembered of a repository, in one step.
func (s *Store) SaveTree(tree any) error {
	encoded, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("encode the repository's files: %w", err)
	}
	if err := replace(filepath.Join(s.dir, treeFile), encoded); err != nil {
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
