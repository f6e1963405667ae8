package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"

	"github.com/lockstep/lockstep/internal/journal"
)

// ledgerFile is the ledger as it once was; beside it stands the journal of what changed since.
const (
	ledgerFile = "ledger.json"
	version    = 1
)

// file is a ledger as it stands on disk.
type file struct {
	Version  int                `json:"version"`
	Claims   map[string]string  `json:"claims"`
	Services map[string]Service `json:"services"`
	Drains   map[string]Drain   `json:"drains,omitempty"`
	Ports    map[string]Port    `json:"ports,omitempty"`
	Pauses   map[string]Pause   `json:"pauses,omitempty"`
	Pins     map[string]Pin     `json:"pins,omitempty"`
	KongMode KongMode           `json:"kong_mode,omitempty"`
}

// encode returns the text of a ledger's file.
func encode(l *Ledger) ([]byte, error) {
	return json.Marshal(file{
		Version: version, Claims: maps.Collect(l.Claims.All()), Services: maps.Collect(l.Services.All()), Drains: maps.Collect(l.Drains.All()),
		Ports: maps.Collect(l.Ports.All()), Pauses: maps.Collect(l.Pauses.All()), Pins: maps.Collect(l.Pins.All()), KongMode: l.KongMode.Get(),
	})
}

// ledger returns the ledger that a file says, of which nothing has changed yet.
func (f *file) ledger() *Ledger {
	l := &Ledger{
		Claims: journal.MapOf(f.Claims), Services: journal.MapOf(f.Services), Drains: journal.MapOf(f.Drains),
		Ports: journal.MapOf(f.Ports), Pauses: journal.MapOf(f.Pauses), Pins: journal.MapOf(f.Pins),
	}
	l.KongMode.Apply(&f.KongMode)
	return l
}

// Path returns where the ledger of a state directory stands.
func Path(dir string) string { return filepath.Join(dir, ledgerFile) }

// Files names the file at a path and its journal, for people.
func Files(path string) string { return path + " and " + filepath.Base(journal.LogPath(path)) }

// Load returns the ledger of the last Save, or an empty one when there is none.
// A file that can't be understood is an error: forgetting would move claims.
func (s *Store) Load() (*Ledger, error) {
	state, err := s.openLedger()
	if err != nil {
		return nil, err
	}
	l, err := decode(Path(s.dir), state)
	if err != nil {
		return nil, err
	}
	s.saved = l
	return l, nil
}

// openLedger opens the ledger's files for Save, and returns what they say.
func (s *Store) openLedger() (journal.State, error) {
	opened, state, err := journal.Open(Path(s.dir))
	if err != nil {
		return journal.State{}, fmt.Errorf("read ledger: %w", err)
	}
	if s.ledger != nil {
		err = s.ledger.Close()
	}
	s.ledger = opened
	return state, err
}

// Read returns the ledger whose first file is at path without locking anything, for
// commands that only look; a daemon may write meanwhile. A missing file is an empty ledger.
func Read(path string) (*Ledger, error) {
	state, err := journal.Read(path)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return decode(path, state)
}

func decode(path string, state journal.State) (*Ledger, error) {
	if state.Snapshot == nil {
		return New(), nil
	}
	var stored file
	if err := json.Unmarshal(state.Snapshot, &stored); err != nil {
		return nil, fmt.Errorf("ledger %s is damaged: %w; restore %s from a backup, or remove them to start anew (claims are then settled by age)", path, err, Files(path))
	}
	if stored.Version != version {
		return nil, fmt.Errorf("ledger %s has version %d, this lockstep reads version %d; run the lockstep that wrote it, or remove %s to start anew", path, stored.Version, version, Files(path))
	}
	l := stored.ledger()
	for _, text := range state.Changes {
		var c change
		if err := json.Unmarshal(text, &c); err != nil {
			return nil, fmt.Errorf("ledger %s is damaged: %w; restore %s from a backup, or remove them to start anew (claims are then settled by age)", journal.LogPath(path), err, Files(path))
		}
		l.apply(c)
	}
	return l, nil
}

// Save writes what changed of a ledger since its last Save; a crash leaves the old state or
// the new. When it succeeded, l is to be told so by Saved. What it costs follows what
// changed: of the ledger that Load returned or that was saved before, only that is written,
// and all of it once in a while, after as much was written.
func (s *Store) Save(l *Ledger) error {
	if s.ledger == nil {
		if _, err := s.openLedger(); err != nil {
			return err
		}
	}
	if err := s.write(l); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	s.saved = l
	return nil
}

func (s *Store) write(l *Ledger) error {
	whole := func() ([]byte, error) { return encode(l) }
	if s.saved != l {
		text, err := whole()
		if err != nil {
			return err
		}
		s.saved = nil // which of the two is there, nobody knows until l is
		return s.ledger.Replace(text)
	}
	text, err := json.Marshal(l.change())
	if err != nil {
		return err
	}
	return s.ledger.Append(text, whole)
}
