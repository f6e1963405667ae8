package fakekong

import (
	"slices"
	"sync"
)

// Limits of what the journal keeps, so that a long-lived fake doesn't grow.
const (
	journalSize = 100_000   // requests; the oldest go first
	journalBody = 64 * 1024 // bytes of a body
)

// journal is the log of requests to the Admin API.
type journal struct {
	mu     sync.Mutex
	log    []Request
	writes int
	count  int
}

// add logs one request that has been answered.
func (j *journal) add(r Request) {
	if len(r.Body) > journalBody {
		r.Body = r.Body[:journalBody]
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.log) == journalSize {
		j.log = slices.Delete(j.log, 0, journalSize/2)
	}
	j.log = append(j.log, r)
	j.count++
	if r.Writes() {
		j.writes++
	}
}

func (j *journal) total() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

// Requests returns the requests that the Admin API got since the start or the last
// Forget, in the order in which they were answered. Of a very long log the beginning is dropped.
func (k *Kong) Requests() []Request {
	k.journal.mu.Lock()
	defer k.journal.mu.Unlock()
	return slices.Clone(k.journal.log)
}

// Writes returns how many writing requests the Admin API got since the start or
// the last Forget, whatever became of them.
func (k *Kong) Writes() int {
	k.journal.mu.Lock()
	defer k.journal.mu.Unlock()
	return k.journal.writes
}

// Forget empties the log of requests and sets the count of writes to zero.
func (k *Kong) Forget() {
	k.journal.mu.Lock()
	defer k.journal.mu.Unlock()
	k.journal.log, k.journal.writes = nil, 0
}
