package fakedocker

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
)

// hold keeps answers back.
type hold struct {
	kept     chan struct{} // one for each answer that is ready
	released chan struct{} // closed when they may go
}

// Hold answers calls of a kind with what is true when they come, and keeps the
// answers back until release is called. kept tells of each answer that is ready. A
// later Hold takes the calls that come after it.
func (e *Engine) Hold(call string) (kept <-chan struct{}, release func()) {
	h := &hold{kept: make(chan struct{}, 256), released: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.faults.hold[call] = h
	return h.kept, sync.OnceFunc(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.faults.hold[call] == h {
			delete(e.faults.hold, call)
		}
		close(h.released)
	})
}

// answer lets serve answer, at once unless calls of that kind are held.
func (e *Engine) answer(w http.ResponseWriter, r *http.Request, call string, serve http.HandlerFunc) {
	e.mu.Lock()
	h := e.faults.hold[call]
	e.mu.Unlock()
	if h == nil {
		serve(w, r)
		return
	}
	answer := httptest.NewRecorder()
	serve(answer, r)
	h.kept <- struct{}{}
	select {
	case <-h.released:
	case <-r.Context().Done():
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
