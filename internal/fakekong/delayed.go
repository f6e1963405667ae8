package fakekong

import (
	"slices"
	"sync"
	"time"
)

// delayed is what the proxy goes by: it follows the entities at once, or after a delay.
// What counts is found out when it is asked for, by the clock alone: no timer can be late.
type delayed[T any] struct {
	delay time.Duration

	mu      sync.Mutex
	value   T
	stale   func() T    // makes the value anew; nil: it is up to date
	waiting []change[T] // in the order in which they were told
}

// change is a value that counts from a moment on.
type change[T any] struct {
	value T
	from  time.Time
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
		d.stale, d.waiting = make, nil
		return
	}
	d.advance()
	d.waiting = append(d.waiting, change[T]{make(), time.Now().Add(d.delay)})
}

// reset lets a value count at once, whatever waits.
func (d *delayed[T]) reset(value T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.value, d.stale, d.waiting = value, nil, nil
}

// get returns the value that counts now. The caller holds the lock of the node.
func (d *delayed[T]) get() T {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.advance()
	if d.stale != nil {
		d.value, d.stale = d.stale(), nil
	}
	return d.value
}

// advance takes up the latest change whose time has come, and with it all before it.
func (d *delayed[T]) advance() {
	now := time.Now()
	for i, c := range slices.Backward(d.waiting) {
		if !now.Before(c.from) {
			d.value, d.stale = c.value, nil
			d.waiting = slices.Clone(d.waiting[i+1:])
			return
		}
	}
}
