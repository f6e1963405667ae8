package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/lockstep/lockstep/internal/journal"
)

// manifestFile holds the text of each file of manifests when it was last good. It
// may hold secrets that stand in them, and is for this user's eyes alone.
const manifestFile = "manifests.json"

// LoadManifests returns what manifests last said, by path, as SaveManifests left it.
func (s *Store) LoadManifests() (map[string][]byte, error) {
	if s.manifests == nil {
		opened, state, err := journal.Open(filepath.Join(s.dir, manifestFile))
		if err != nil {
			return nil, fmt.Errorf("read manifests: %w", err)
		}
		if s.texts, err = decodeManifests(s.dir, state); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
		s.manifests = opened
	}
	return bytesOf(&s.texts), nil
}

// SaveManifests writes what changed of that, by path; nil is a file that is gone. A crash
// leaves the old state or the new. What it costs follows what changed, but once in a
// while, after as much was written, all of it is. When it fails, the same is to be saved
// again with what changes next.
func (s *Store) SaveManifests(changed map[string][]byte) error {
	if s.manifests == nil {
		if _, err := s.LoadManifests(); err != nil {
			return err
		}
	}
	changes := make(map[string]*string, len(changed))
	for path, text := range changed {
		if changes[path] = nil; text != nil {
			plain := string(text) // text, checked to be UTF-8
			changes[path] = &plain
		}
	}
	s.texts.Apply(changes)
	encoded, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("encode manifests: %w", err)
	}
	whole := func() ([]byte, error) { return json.Marshal(maps.Collect(s.texts.All())) }
	if err := s.manifests.Append(encoded, whole); err != nil {
		return fmt.Errorf("write manifests: %w", err)
	}
	return nil
}

// ReadManifests reads what SaveManifests wrote in a state directory; nothing when
// there is nothing. It locks nothing, and a daemon may write meanwhile.
func ReadManifests(dir string) (map[string][]byte, error) {
	state, err := journal.Read(filepath.Join(dir, manifestFile))
	if err != nil {
		return nil, fmt.Errorf("read manifests: %w", err)
	}
	texts, err := decodeManifests(dir, state)
	return bytesOf(&texts), err
}

func decodeManifests(dir string, state journal.State) (texts journal.Map[string], err error) {
	path := filepath.Join(dir, manifestFile)
	if state.Snapshot == nil {
		return texts, nil
	}
	var plain map[string]string
	if err := json.Unmarshal(state.Snapshot, &plain); err != nil {
		return texts, fmt.Errorf("%s is damaged: %w; remove %s to start anew", path, err, Files(path))
	}
	texts = journal.MapOf(plain)
	for _, line := range state.Changes {
		var changes map[string]*string
		if err := json.Unmarshal(line, &changes); err != nil {
			return texts, fmt.Errorf("%s is damaged: %w; remove %s to start anew", journal.LogPath(path), err, Files(path))
		}
		texts.Apply(changes)
	}
	return texts, nil
}

func bytesOf(texts *journal.Map[string]) map[string][]byte {
	out := make(map[string][]byte, texts.Len())
	for path, text := range texts.All() {
		out[path] = []byte(text)
	}
	return out
}
