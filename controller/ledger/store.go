package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// The files in the state directory. They are separate because they change
// for different reasons: the identity never, the ledger with the services.
const (
	ledgerFile   = "ledger.json"
	identityFile = "instance-id"
	lockFile     = "lock"
	version      = 1
)

// Store keeps a Ledger in a state directory, which it holds alone.
type Store struct {
	dir  string
	lock *os.File
}

// file is the ledger as it stands on disk.
type file struct {
	Version int `json:"version"`
	Ledger
}

// Open makes dir when it is missing and locks it. A second daemon on the same
// directory gets an error that says so; so does a directory that can't be written.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("state directory: %w; create it for this user or name another with --state-dir", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("state directory: %w; make it writable for this user or name another with --state-dir", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(
			fmt.Errorf("state directory %s is in use by another lockstep; stop it or name another with --state-dir: %w", dir, err),
			lock.Close())
	}
	store := &Store{dir: dir, lock: lock}
	if err := store.sweep(); err != nil {
		return nil, errors.Join(fmt.Errorf("state directory: %w", err), lock.Close())
	}
	return store, nil
}

// sweep removes what a daemon left that died while it wrote.
func (s *Store) sweep() error {
	for _, name := range []string{ledgerFile, identityFile, sealFile, hopFile, manifestFile, treeFile, NoteOfGuard + "*.json", NoteOfDrift + "*.json"} {
		left, err := filepath.Glob(filepath.Join(s.dir, "."+name+".*"))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// Identity returns the id of this state directory, made on the first call ever.
// A gateway's marker holds it, so that a second writer is noticed.
func (s *Store) Identity() (string, error) {
	id, err := Identity(s.dir)
	if id != "" || err != nil {
		return id, err
	}
	id = uuid.NewString()
	if err := replace(filepath.Join(s.dir, identityFile), []byte(id+"\n")); err != nil {
		return "", fmt.Errorf("write identity: %w", err)
	}
	return id, nil
}

// Identity returns the id of a state directory for commands that only look;
// "" when it has none yet.
func Identity(dir string) (string, error) {
	path := filepath.Join(dir, identityFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read identity: %w", err)
	}
	id, err := uuid.ParseBytes(bytes.TrimSpace(text))
	if err != nil {
		return "", fmt.Errorf("%s does not hold a UUID: %w; remove the file to get a new one", path, err)
	}
	return id.String(), nil
}

// Load returns the ledger of the last Save, or an empty one when there is none.
// A file that can't be understood is an error: forgetting would move claims.
func (s *Store) Load() (*Ledger, error) {
	path := filepath.Join(s.dir, ledgerFile)
	return Read(path)
}

// Read returns the ledger in a file without locking anything, for commands
// that only look. A missing file is an empty ledger.
func Read(path string) (*Ledger, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return New(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	stored := file{Ledger: *New()}
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, fmt.Errorf("ledger %s is damaged: %w; restore it from a backup, or remove it to start anew (claims are then settled by age)", path, err)
	}
	if stored.Version != version {
		return nil, fmt.Errorf("ledger %s has version %d, this lockstep reads version %d; run the lockstep that wrote it, or remove the file to start anew", path, stored.Version, version)
	}
	if stored.Claims == nil { // null in the file
		stored.Claims = map[string]string{}
	}
	if stored.Services == nil {
		stored.Services = map[string]Service{}
	}
	if stored.Drains == nil {
		stored.Drains = map[string]Drain{}
	}
	if stored.Ports == nil {
		stored.Ports = map[string]Port{}
	}
	if stored.Pauses == nil {
		stored.Pauses = map[string]Pause{}
	}
	if stored.Pins == nil {
		stored.Pins = map[string]Pin{}
	}
	return &stored.Ledger, nil
}

// Path returns where the ledger of a state directory stands.
func Path(dir string) string { return filepath.Join(dir, ledgerFile) }

// Save replaces the stored ledger in one step; a crash leaves the old or the new.
func (s *Store) Save(l *Ledger) error {
	text, err := json.Marshal(file{Version: version, Ledger: *l})
	if err != nil {
		return fmt.Errorf("encode ledger: %w", err)
	}
	if err := replace(Path(s.dir), text); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// Close lets go of the directory.
func (s *Store) Close() error { return s.lock.Close() }

// replace writes a file beside path and renames it over path.
func replace(path string, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(text)
	if err == nil {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
