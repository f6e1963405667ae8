package docker

import "time"

// stop is the mark of a container whose end was seen to begin.
type stop struct {
	signal string
	began  time.Time
	until  time.Time // when the mark falls if the container still runs; zero: never
}

// stops are the marks by container id. They belong to the source, not to a
// session: a lost connection doesn't unmark anyone.
type stops map[string]stop

// mark notes that a stop began; a second signal keeps the first one's name and
// gives the container its time anew.
func (m stops) mark(id, signal string, began time.Time, lasts time.Duration) {
	if old, ok := m[id]; ok {
		signal = old.signal
	}
	m[id] = stop{signal: signal, began: began, until: deadline(began, lasts)}
}

// time corrects how long the mark lasts, once the container's stop timeout is known.
func (m stops) time(id string, lasts time.Duration) {
	if s, ok := m[id]; ok {
		s.until = deadline(s.began, lasts)
		m[id] = s
	}
}

// due removes and returns the ids whose mark falls, and says when the next one will.
func (m stops) due(now time.Time) (ids []string, next time.Time) {
	for id, s := range m {
		switch {
		case s.until.IsZero():
		case !now.Before(s.until):
			ids = append(ids, id)
			delete(m, id)
		case next.IsZero() || s.until.Before(next):
			next = s.until
		}
	}
	return ids, next
}

func deadline(began time.Time, lasts time.Duration) time.Time {
	if lasts < 0 {
		return time.Time{}
	}
	return began.Add(lasts)
}
