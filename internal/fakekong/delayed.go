package fakekong

import (
	"sync"
	"time"
)

// delayed is what the proxy goes by: it follows the entities at once, or after a delay.
type delayed[T any] struct {
	delay time.Duration

	mu      sync.Mutex
	value   T
	stale   func() T // makes the value anew; nil: it is up to date
	pending map[*time.Timer]bool
	told    uint64 // how often something has changed
	taken   uint64 // which of these was taken up last
}

// late has changes from now on wait that long.
func (d *delayed[T]) late(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delay = delay
}

// lateness is how long changes wait now.
func (d *delayed[T]) lateness() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.delay
}

// set tells that the entities have changed. make is called when the value is needed
// next, or now where the change waits: it then shows what was at this moment.
func (d *delayed[T]) set(make func() T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.delay <= 0 {
		d.stale = make
		return
	}
	now := make()
	d.told++
	number := d.told
	var t *time.Timer
	t = time.AfterFunc(d.delay, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.pending[t] && number > d.taken { // two that end at once may come in any order
			d.stale, d.taken = func() T { return now }, number
		}
		delete(d.pending, t)
	})
	if d.pending == nil {
		d.pending = map[*time.Timer]bool{}
	}
	d.pending[t] = true
}

// reset lets a value count at once, whatever waits.
func (d *delayed[T]) reset(value T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop()
	d.value, d.stale = value, nil
}

// stop ends what waits.
func (d *delayed[T]) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop()
}

func (d *delayed[T]) drop() {
	for t := range d.pending {
		t.Stop()
	}
	clear(d.pending)
}

// get returns the value that counts now. The caller holds the lock of the node.
func (d *delayed[T]) get() T {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stale != nil {
		d.value, d.stale = d.stale(), nil
	}
	return d.value
}
