package fakedocker

import "net/http"

// The calls that can be made to fail or be held.
const (
	Ping     = "GET /_ping"
	List     = "GET /containers/json"
	Inspect  = "GET /containers/{id}/json"
	Events   = "GET /events"
	Networks = "GET /networks"
)

// faults are what is wrong with the Engine at the moment.
type faults struct {
	fail  map[string]failure
	hold  map[string]*hold
	cut   int    // list answers to cut in the middle
	lose  int    // events to lose
	words string // what a failure says
}

type failure struct{ left, status int }

func newFaults() faults {
	return faults{fail: map[string]failure{}, hold: map[string]*hold{}, words: "something is wrong"}
}

// Fail answers the next n calls of a kind with a status; n below 0 means all.
func (e *Engine) Fail(call string, n, status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults.fail[call] = failure{n, status}
}

// Say makes failures say something else than they do.
func (e *Engine) Say(words string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults.words = words
}

// CutLists ends the next n list answers in the middle.
func (e *Engine) CutLists(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults.cut = n
}

// LoseEvents lets the next n events happen without anyone being told, ever.
func (e *Engine) LoseEvents(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults.lose = n
}

// FreezeList makes lists answer what is true now, whatever happens later, as
// the Engine's own lists lag behind its events. ThawList ends it.
func (e *Engine) FreezeList() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frozen = e.listAll(filterSet{})
}

// ThawList makes lists tell the truth again.
func (e *Engine) ThawList() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.frozen = nil
}

// DropStreams ends every event stream.
func (e *Engine) DropStreams() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		close(s.cut)
		delete(e.streams, s)
	}
}

// Hang makes the Engine silent: streams stay open and tell nothing, and no
// request is answered. Wake ends it; what was not told stays untold.
func (e *Engine) Hang() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.silent() {
		e.awake = make(chan struct{})
	}
}

// Wake makes the Engine answer again.
func (e *Engine) Wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.silent() {
		close(e.awake)
	}
}

func (e *Engine) silent() bool {
	select {
	case <-e.awake:
		return false
	default:
		return true
	}
}

// suffer applies the faults to a request. It reports false when the request
// has been answered, or its client has gone.
func (e *Engine) suffer(w http.ResponseWriter, r *http.Request, call string) bool {
	e.mu.Lock()
	awake, words := e.awake, e.faults.words
	f := e.faults.fail[call]
	if f.left != 0 {
		f.left--
		e.faults.fail[call] = f
	} else {
		f.status = 0
	}
	e.mu.Unlock()
	select {
	case <-awake:
	case <-r.Context().Done():
		return false
	}
	if f.status != 0 {
		refuse(w, f.status, words)
		return false
	}
	return true
}
