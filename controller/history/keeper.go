package history

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"
)

const (
	// settle is how long what changes together may take, to be one generation.
	settle = time.Second
	// again is when what could not be written is tried again.
	again = 10 * time.Second
)

// Keeper writes behind. Note may be called from any goroutine.
type Keeper struct {
	*Store
	write func(time.Time, map[string]*State, bool) (Generation, bool, error) // Append
	log   *slog.Logger
	poke  chan struct{}

	mu      sync.Mutex
	pending map[string]*State // by service; nil: gone
	whole   bool              // they are all that there are
	since   time.Time         // when the first of them was noted
}

// NewKeeper returns a Keeper that has not begun.
func NewKeeper(store *Store, log *slog.Logger) *Keeper {
	return &Keeper{Store: store, write: store.Append, log: log, poke: make(chan struct{}, 1), pending: map[string]*State{}}
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
	for ctx.Err() == nil {
		wait := again
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
		k.log.Warn("history can't be written; the daemon goes on without", "error", now)
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
	generation, made, err := k.write(since, states, whole)
	if err == nil {
		if made {
			k.log.Debug("generation is kept", "generation", generation.Number, "services", len(generation.Changes))
		}
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
