package desired

import (
	"fmt"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/instant"
)

// When an instance counts as flapping, and for how long it is then held out.
const (
	flapWindow  = time.Minute
	flapTurns   = 5 // more turns than these within the window
	flapDelay   = 10 * time.Second
	flapLongest = 5 * time.Minute
)

// flapping holds out instances that turn between ready and not ready too
// often, so that a crash loop does not move traffic back and forth. What it
// remembers is a timer, not a fact: it is not in the ledger, and is over when
// the instance has been quiet.
type flapping struct {
	records map[string]*flapRecord // by container id
	held    map[string]time.Time   // containers that are held out, and until when
	swept   time.Time              // when old records were last forgotten
}

// flapRecord is the recent past of one container.
type flapRecord struct {
	ready bool
	turns []time.Time // within the window, oldest first
	delay time.Duration
	last  time.Time // of the last turn or the end of the last hold
}

func newFlapping() flapping {
	return flapping{records: map[string]*flapRecord{}, held: map[string]time.Time{}}
}

// note takes in whether a container is ready, counts a turn when that is new,
// and holds the container out when there were too many.
func (f *flapping) note(now time.Time, id string, ready bool) {
	record, known := f.records[id]
	if !known {
		f.records[id] = &flapRecord{ready: ready, last: now}
		return
	}
	if record.ready == ready {
		return
	}
	record.ready, record.last = ready, now
	recent := record.turns[:0]
	for _, at := range record.turns {
		if now.Sub(at) < flapWindow {
			recent = append(recent, at)
		}
	}
	record.turns = append(recent, now)
	if len(record.turns) > flapTurns {
		record.delay = min(max(2*record.delay, flapDelay), flapLongest)
		record.turns = nil
		f.held[id] = now.Add(record.delay)
		record.last = f.held[id]
	}
}

// due returns the containers whose hold has ended, and forgets the holds.
func (f *flapping) due(now time.Time) []string {
	var ids []string
	for id, until := range f.held {
		if !until.After(now) {
			delete(f.held, id)
			ids = append(ids, id)
		}
	}
	f.sweep(now)
	return ids
}

// sweep forgets, once in a window, containers that are gone and were quiet;
// one that is quiet for twice its last hold begins with a clean slate.
func (f *flapping) sweep(now time.Time) {
	if now.Sub(f.swept) < flapWindow {
		return
	}
	f.swept = now
	for id, record := range f.records {
		if now.Sub(record.last) < max(flapWindow, 2*record.delay) {
			continue
		}
		if !record.ready {
			delete(f.records, id)
			continue
		}
		record.turns, record.delay = nil, 0
	}
}

// forget forgets a container that is no instance any more, though it runs.
func (f *flapping) forget(id string) {
	delete(f.records, id)
	delete(f.held, id)
}

// hold turns a ready container that is held out into one that drains.
func (f *flapping) hold(c *container) {
	until, held := f.held[c.instance.ID]
	if !held || c.life != LifeReady {
		return
	}
	c.life, c.reason = LifeDraining, v1.Flapping
	c.message = fmt.Sprintf("it turned between ready and not ready more than %d times within a minute and is held out until %s",
		flapTurns, instant.Text(until))
}
