package history

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// ErrUnknown is returned for a generation that is not kept.
var ErrUnknown = errors.New("no such generation")

// List returns the newest generations, at most limit, newest first. service, when it
// is not "", leaves those out that did not change it, and of others' changes all but its own.
func (s *Store) List(service string, limit int) ([]Generation, error) {
	out := []Generation{}
	err := s.view(func(generations *bolt.Bucket) error {
		c := generations.Cursor()
		for number, value := c.Last(); number != nil && len(out) < limit; number, value = c.Prev() {
			r, err := decodeRecord(number, value)
			if err != nil {
				return err
			}
			if r.only(service) {
				out = append(out, r.Generation)
			}
		}
		return nil
	})
	return out, err
}

// only leaves one service's changes, and reports whether any is left.
func (g *Generation) only(service string) bool {
	if service == "" {
		return true
	}
	for i := range g.Changes {
		if g.Changes[i].Service == service {
			g.Changes = g.Changes[i : i+1]
			return true
		}
	}
	return false
}

// Get returns one generation. The error is ErrUnknown where it is not kept.
func (s *Store) Get(number uint64) (Generation, error) {
	var out Generation
	err := s.view(func(generations *bolt.Bucket) error {
		value := generations.Get(key(number))
		if value == nil {
			return unknown(generations, number)
		}
		r, err := decodeRecord(key(number), value)
		out = r.Generation
		return err
	})
	return out, err
}

// At returns what was declared at a generation, by service, without secrets. The
// error is ErrUnknown where it is not kept.
func (s *Store) At(number uint64) (map[string]*v1.Service, error) {
	out := map[string]*v1.Service{}
	err := s.sound(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			generations := tx.Bucket(bucketGenerations)
			if generations.Get(key(number)) == nil {
				return unknown(generations, number)
			}
			err := tx.Bucket(bucketNow).ForEach(func(name, value []byte) error {
				state, err := decodeState(name, value)
				if err == nil {
					out[string(name)] = state.Settings
				}
				return err
			})
			c := generations.Cursor()
			for at, value := c.Last(); err == nil && binary.BigEndian.Uint64(at) > number; at, value = c.Prev() {
				var r record
				if r, err = decodeRecord(at, value); err == nil {
					r.undo(out)
				}
			}
			return err
		})
	})
	if err != nil {
		return nil, read(err)
	}
	return out, nil
}

// undo turns what was declared at a generation into what was before it.
func (r *record) undo(states map[string]*v1.Service) {
	for i, c := range r.Changes {
		if r.Before[i] == nil {
			delete(states, c.Service)
		} else {
			states[c.Service] = r.Before[i].Settings
		}
	}
}

// view reads from the generations.
func (s *Store) view(do func(*bolt.Bucket) error) error {
	return read(s.sound(func() error {
		return s.db.View(func(tx *bolt.Tx) error { return do(tx.Bucket(bucketGenerations)) })
	}))
}

func read(err error) error {
	if err == nil || errors.Is(err, ErrUnknown) {
		return err
	}
	return fmt.Errorf("read history: %w", err)
}

// unknown says which generations there are instead.
func unknown(generations *bolt.Bucket, number uint64) error {
	first, _ := generations.Cursor().First()
	last, _ := generations.Cursor().Last()
	if first == nil {
		return fmt.Errorf("%w: %d; none is kept yet", ErrUnknown, number)
	}
	return fmt.Errorf("%w: %d; those from %d to %d are kept", ErrUnknown, number, binary.BigEndian.Uint64(first), binary.BigEndian.Uint64(last))
}

func decodeRecord(number, value []byte) (record, error) {
	var r record
	if len(number) != 8 {
		return r, fmt.Errorf("a generation has the key %.32q", number)
	}
	n := binary.BigEndian.Uint64(number)
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("generation %d: %w", n, err)
	}
	if r.Number != n || len(r.Before) != len(r.Changes) {
		return r, fmt.Errorf("generation %d contradicts itself", n)
	}
	for _, before := range r.Before {
		if before != nil && before.Settings == nil {
			return r, fmt.Errorf("generation %d lacks settings", n)
		}
	}
	return r, nil
}

func decodeState(name, value []byte) (*State, error) {
	var s State
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, fmt.Errorf("service %.64q: %w", name, err)
	}
	if s.Settings == nil {
		return nil, fmt.Errorf("service %.64q lacks settings", name)
	}
	return &s, nil
}
