package history

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// file is the store's file in the state directory.
const file = "history.db"

// The bounds of what is kept. The newest generation is always.
const (
	maxGenerations = 1000
	maxBytes       = 16 << 20 // of the generations; what is declared now comes on top
)

// patience is how long to wait for whoever else has the file open.
const patience = time.Second

// The buckets, and what they map.
var (
	bucketNow         = []byte("now")         // service name -> State
	bucketGenerations = []byte("generations") // number, big endian -> record
	bucketFormat      = []byte("format")      // "version" -> "1"
	keyVersion        = []byte("version")
	version           = []byte("1")
)

// record is a Generation with what it takes to undo it.
type record struct {
	Generation
	// Before are the states that its changes replaced, in their order; nil: none.
	Before []*State `json:"before"`
}

// Store is the file. One goroutine may write while others read.
type Store struct {
	db          *bolt.DB
	generations int // the bounds
	bytes       int
	used        int // bytes of the generations
	broken      atomic.Bool
}

// Open opens the history of a state directory, made when it is missing. A file that
// somebody else has open, or that is damaged, is an error that says what to do.
func Open(dir string) (*Store, error) {
	path := filepath.Join(dir, file)
	s := &Store{generations: maxGenerations, bytes: maxBytes}
	err := s.sound(func() (err error) {
		if s.db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: patience}); err != nil {
			return err
		}
		text, err := os.ReadFile(path) // it is ours alone now
		if err != nil {
			return err
		}
		if err = checkPages(text); err != nil {
			return err
		}
		if err = s.prepare(); err != nil {
			return err
		}
		return s.db.View(s.inspect)
	})
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, berrors.ErrTimeout):
		err = fmt.Errorf("%s is open in another program; end that", path)
	case isDisk(err):
		err = fmt.Errorf("%s can't be used: %w", path, err)
	default:
		err = fmt.Errorf("%s can't be used: %w; remove the file to begin a new history", path, err)
	}
	if s.db != nil {
		err = errors.Join(err, s.Close())
	}
	return nil, err
}

// isDisk reports whether the disk refused something, rather than the file itself.
func isDisk(err error) bool {
	_, path := errors.AsType[*fs.PathError](err)
	_, number := errors.AsType[syscall.Errno](err)
	return path || number
}

// prepare makes the buckets of a new file, and holds an old one against what this
// program reads.
func (s *Store) prepare() error {
	empty := true
	err := s.db.View(func(tx *bolt.Tx) error {
		format := tx.Bucket(bucketFormat)
		if empty = format == nil; empty {
			return nil
		}
		if have := format.Get(keyVersion); !bytes.Equal(have, version) {
			return fmt.Errorf("it has version %.16q, this lockstep reads version %s", have, version)
		}
		if tx.Bucket(bucketNow) == nil || tx.Bucket(bucketGenerations) == nil {
			return errors.New("parts of it are missing")
		}
		return nil
	})
	if err != nil || !empty {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketNow, bucketGenerations, bucketFormat} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketFormat).Put(keyVersion, version)
	})
}

// inspect looks at every record once, so that damage shows at the start and not when
// somebody needs to go back.
func (s *Store) inspect(tx *bolt.Tx) error {
	s.used = 0
	err := tx.Bucket(bucketGenerations).ForEach(func(key, value []byte) error {
		s.used += len(value)
		_, err := decodeRecord(key, value)
		return err
	})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketNow).ForEach(func(name, value []byte) error {
		_, err := decodeState(name, value)
		return err
	})
}

// Close lets go of the file. One that broke stays open until the program ends:
// bbolt may never give its locks back.
func (s *Store) Close() error {
	if s.broken.Load() {
		return nil
	}
	return s.sound(s.db.Close)
}

// Append compares states with what is declared so far and writes what differs as one
// generation; false: nothing does. nil is a service that is gone, and so is, where
// states are the whole, one that they lack.
func (s *Store) Append(at time.Time, states map[string]*State, whole bool) (Generation, bool, error) {
	var made record
	used := s.used
	err := s.sound(func() error {
		next, err := s.compare(states, whole)
		if err != nil || len(next) == 0 {
			return err
		}
		return s.db.Update(func(tx *bolt.Tx) error {
			used = s.used
			made = record{Generation: Generation{Time: at.UTC()}}
			return s.write(tx, &made, next, &used)
		})
	})
	if err != nil {
		return Generation{}, false, fmt.Errorf("write history: %w", err)
	}
	s.used = used
	return made.Generation, len(made.Changes) > 0, nil
}

// step is one service's way from one state to the next; nil: not there.
type step struct {
	before, after *State
	change        Change
}

// compare returns what differs from what is declared so far, by service.
func (s *Store) compare(states map[string]*State, whole bool) (map[string]step, error) {
	next := map[string]step{}
	err := s.db.View(func(tx *bolt.Tx) error {
		now := tx.Bucket(bucketNow)
		consider := func(name string, after *State) error {
			var before *State
			if value := now.Get([]byte(name)); value != nil {
				known, err := decodeState([]byte(name), value)
				if err != nil {
					return err
				}
				before = known
			}
			if c, differs := change(name, before, after); differs {
				next[name] = step{before: before, after: after, change: c}
			}
			return nil
		}
		for name, state := range states {
			if err := consider(name, state.kept()); err != nil {
				return err
			}
		}
		if !whole {
			return nil
		}
		return now.ForEach(func(name, _ []byte) error {
			if _, has := states[string(name)]; has {
				return nil
			}
			return consider(string(name), nil)
		})
	})
	return next, err
}

// kept returns a state as it may be kept: without secrets.
func (s *State) kept() *State {
	if s == nil {
		return nil
	}
	out := *s
	settings := s.Settings.WithoutSecrets()
	out.Settings = &settings
	return &out
}

// write writes one generation, and drops the oldest ones beyond the bounds.
func (s *Store) write(tx *bolt.Tx, made *record, next map[string]step, used *int) error {
	now, generations := tx.Bucket(bucketNow), tx.Bucket(bucketGenerations)
	for _, name := range slices.Sorted(maps.Keys(next)) {
		n := next[name]
		made.Changes = append(made.Changes, n.change)
		made.Before = append(made.Before, n.before)
		if n.after == nil {
			if err := now.Delete([]byte(name)); err != nil {
				return err
			}
			continue
		}
		encoded, err := json.Marshal(n.after)
		if err != nil {
			return err
		}
		if err := now.Put([]byte(name), encoded); err != nil {
			return err
		}
	}
	number, err := generations.NextSequence()
	if err != nil {
		return err
	}
	made.Number = number
	encoded, err := json.Marshal(made)
	if err != nil {
		return err
	}
	*used += len(encoded)
	if err := generations.Put(key(number), encoded); err != nil {
		return err
	}
	for {
		oldest, value := generations.Cursor().First()
		first := binary.BigEndian.Uint64(oldest)
		if first == number || number-first < uint64(s.generations) && *used <= s.bytes {
			return nil
		}
		*used -= len(value)
		if err := generations.Delete(oldest); err != nil {
			return err
		}
	}
}

func key(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// errBroken is the answer of a history that was damaged while it was in use.
var errBroken = errors.New("the file was damaged while it was in use; remove it and restart the daemon to begin a new history")

// sound turns what bbolt does about a file that changed beneath it, panics and
// faults of memory, into an error: history is never worth the daemon. Afterwards the
// file is not used again.
func (s *Store) sound(do func() error) (err error) {
	if s.broken.Load() {
		return errBroken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if wrong := recover(); wrong != nil {
			s.broken.Store(true)
			err = fmt.Errorf("%w (%v)", errBroken, wrong)
		}
	}()
	return do()
}
