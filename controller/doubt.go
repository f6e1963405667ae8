package controller

import "time"

// setDoubt notes whether every source is there to say what it wants.
func (w *worker) setDoubt(doubt bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if doubt || w.doubt {
		w.doubted = now
	}
	w.doubt = doubt
}

// inDoubt reports whether a source is not there to say what it wants.
func (w *worker) inDoubt() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.doubt
}

// doubtedUntil returns until when some source was not there, as far as is known now: also one that
// was back before the gateway was looked at.
func (w *worker) doubtedUntil(now time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doubt {
		return now
	}
	return w.doubted
}
