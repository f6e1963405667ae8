package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"github.com/lockstep/lockstep/internal/journal"
)

// Files in the state directory. They are separate because they change for different
// reasons: the identity never, the ledger with the services.
const (
	identityFile = "instance-id"
	lockFile     = "lock"
)

// Store keeps a Ledger in a state directory, which it holds alone. The ledger and the
// manifests are saved by one goroutine each.
type Store struct {
	dir  string
	lock *os.File

	ledger *journal.Journal // nil before Load and Save
	saved  *Ledger          // that it says, but for what changed since; nil before Load and Save

	manifests *journal.Journal    // nil before LoadManifests and SaveManifests
	texts     journal.Map[string] // that it says, by path
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
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errors.New("it is in use by another lockstep; stop it or name another with --state-dir")
		}
		return nil, errors.Join(fmt.Errorf("state directory %s: %w", dir, err), lock.Close())
	}
	store := &Store{dir: dir, lock: lock}
	if err := store.sweep(); err != nil {
		return nil, errors.Join(fmt.Errorf("state directory: %w", err), lock.Close())
	}
	return store, nil
}

// sweep removes what a daemon left that died while it wrote.
func (s *Store) sweep() error {
	for _, name := range []string{ledgerFile, journal.LogPath(ledgerFile), identityFile, sealFile, hopFile, manifestFile, journal.LogPath(manifestFile), treeFile, NoteOfGuard + "*.json", NoteOfDrift + "*.json"} {
		left, err := filepath.Glob(journal.Leftovers(filepath.Join(s.dir, name)))
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
	if err := journal.Replace(filepath.Join(s.dir, identityFile), []byte(id+"\n")); err != nil {
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

// Close lets go of the directory.
func (s *Store) Close() error {
	var errs []error
	for _, open := range []*journal.Journal{s.ledger, s.manifests} {
		if open != nil {
			errs = append(errs, open.Close())
		}
	}
	return errors.Join(append(errs, s.lock.Close())...)
}
