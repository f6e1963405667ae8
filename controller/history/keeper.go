package history

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

const (
	// settle is how long what changes together may take, to be one generation.
	settle = time.Second
	// again is when what could not be written is tried again; ever later, up to
	// seldom.
	again  = 10 * time.Second
	seldom = time.Minute
)

// ErrNone is the answer of a daemon that keeps no history.
var ErrNone = errors.New("this daemon keeps no history")

// Keeper writes behind, and reads. It opens the file when that is first needed, for Open looks
// at every record, and no start shall wait for that. Its methods may be called from any
// goroutine.
type Keeper struct {
	open  func() (*Store, error)
	write func(*Store, time.Time, map[string]*State, bool) (Generation, bool, error) // Append
	log   *slog.Logger
	told  func(error)
	poke  chan struct{}

	opening sync.Mutex
	store   *Store // nil: none, or not yet
	failed  error  // why it could not be opened; nil: it was, or nobody has tried
	closed  bool

	mu      sync.Mutex
	pending map[string]*State // by service; nil: gone
	whole   bool              // they are all that there are
	since   time.Time         // when the first of them was noted
}

// NewKeeper returns a Keeper that has not begun. open is called until it succeeds once; what it
// returns is the Keeper's. told is called with what came of each writing, nil when it went well;
// it may be nil.
func NewKeeper(open func() (*Store, error), log *slog.Logger, told func(error)) *Keeper {
	if told == nil {
		told = func(error) {}
	}
	return &Keeper{open: open, write: (*Store).Append, log: log, told: told, poke: make(chan struct{}, 1), pending: map[string]*State{}}
}

// history returns the store, or ErrNone. Where it could not be opened, only anew opens it
// again: a question waits for none but the first try.
func (k *Keeper) history(anew bool) (*Store, error) {
	k.opening.Lock()
	defer k.opening.Unlock()
	if k.store == nil && !k.closed && (k.failed == nil || anew) {
		var err error
		if k.store, err = k.open(); err != nil {
			k.store = nil
		}
		k.failed = err
	}
	switch {
	case k.store != nil:
		return k.store, nil
	case k.failed != nil:
		return nil, fmt.Errorf("%w: %w", ErrNone, k.failed)
	}
	return nil, ErrNone
}

// List is Store.List.
func (k *Keeper) List(service string, limit int) ([]Generation, error) {
	store, err := k.history(false)
	if err != nil {
		return nil, err
	}
	return store.List(service, limit)
}

// Get is Store.Get.
func (k *Keeper) Get(number uint64) (Generation, error) {
	store, err := k.history(false)
	if err != nil {
		return Generation{}, err
	}
	return store.Get(number)
}

// At is Store.At.
func (k *Keeper) At(number uint64) (map[string]*v1.Service, error) {
	store, err := k.history(false)
	if err != nil {
		return nil, err
	}
	return store.At(number)
}

// Close lets go of the file, if it was opened. Nothing may be asked of the Keeper afterwards.
func (k *Keeper) Close() error {
	k.opening.Lock()
	defer k.opening.Unlock()
	k.closed = true
	if k.store == nil {
		return nil
	}
	return k.store.Close()
}

// Note says what is declared of some services from now on, or of all that there are;
// nil: gone. It waits for nothing. The states are the Keeper's from now on.
func (k *Keeper) Note(now time.Time, states map[string]*State, whole bool) {
	if len(states) == 0 && !whole {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.since.IsZero() {
		k.since = now
	}
	if whole {
		k.pending, k.whole = maps.Clone(states), true
	}
	for name, state := range states {
		k.pending[name] = state.after(k.pending[name])
	}
	select {
	case k.poke <- struct{}{}:
	default:
	}
}

// after returns the state as it follows an earlier one that was not written: who let
// go of the service, a moment ago, still did.
func (s *State) after(earlier *State) *State {
	if s != nil && earlier != nil && s.By == "" && s.Pin == earlier.Pin {
		s.By = earlier.By
	}
	return s
}

// Run writes what is noted, a moment later, until ctx ends, and what is left then.
// It always returns nil: what can't be written is logged, and tried again.
func (k *Keeper) Run(ctx context.Context) error {
	var failing error
	var wait time.Duration
	for ctx.Err() == nil {
		wait = min(max(again, 2*wait), seldom)
		if failing == nil {
			wait = settle
			select {
			case <-k.poke:
			case <-ctx.Done():
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		err := k.flush()
		k.tell(failing, err)
		failing = err
	}
	k.tell(failing, k.flush()) // what came in at the end
	return nil
}

// tell logs when writing fails, once, and when it goes on.
func (k *Keeper) tell(before, now error) {
	switch {
	case now != nil && before == nil:
		k.log.Warn("history can't be written; the daemon goes on without, and tries again", "error", now)
	case now == nil && before != nil:
		k.log.Info("history is written again")
	}
}

// flush writes what is noted. What can't be written stays noted, beneath what has
// been noted since.
func (k *Keeper) flush() error {
	k.mu.Lock()
	states, whole, since := k.pending, k.whole, k.since
	k.pending, k.whole, k.since = map[string]*State{}, false, time.Time{}
	k.mu.Unlock()
	if len(states) == 0 && !whole {
		return nil
	}
	err := k.record(since, states, whole)
	k.told(err)
	if err == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.whole {
		for name, state := range k.pending {
			states[name] = state.after(states[name])
		}
		k.pending, k.whole = states, whole
	}
	k.since = since
	return err
}

// record appends what was noted.
func (k *Keeper) record(since time.Time, states map[string]*State, whole bool) error {
	store, err := k.history(true)
	if err != nil {
		return err
	}
	generation, made, err := k.write(store, since, states, whole)
	if made && err == nil {
		k.log.Debug("generation is kept", "generation", generation.Number, "services", len(generation.Changes))
	}
	return err
}
