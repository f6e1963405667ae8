package fakekong

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// faults holds the hook that stands and the faults that wait for one request each.
type faults struct {
	mu   sync.Mutex
	hook Hook
	once []pending
}

// pending is a fault for the next request that matches.
type pending struct {
	match func(*http.Request) bool
	fault Fault
}

// Hook lets h look at every request to the Admin API from now on. Nil ends it.
func (k *Kong) Hook(h Hook) {
	k.faults.mu.Lock()
	defer k.faults.mu.Unlock()
	k.faults.hook = h
}

// FailNext lets the next request to the Admin API that matches go wrong; a nil match
// takes any. Called several times, the faults wait in line. They go before the hook.
func (k *Kong) FailNext(match func(*http.Request) bool, f Fault) {
	k.faults.mu.Lock()
	defer k.faults.mu.Unlock()
	k.faults.once = append(k.faults.once, pending{match, f})
}

// Writing matches the requests that may change something, for FailNext.
func Writing(r *http.Request) bool { return Request{Method: r.Method}.Writes() }

// take says what goes wrong with a request.
func (f *faults) take(r *http.Request) Fault {
	f.mu.Lock()
	for i, p := range f.once {
		if p.match == nil || p.match(r) {
			f.once = append(f.once[:i:i], f.once[i+1:]...)
			f.mu.Unlock()
			return p.fault
		}
	}
	hook := f.hook
	f.mu.Unlock()
	if hook == nil {
		return Fault{}
	}
	return hook(r)
}

// wait passes the delay of a fault; false: the client or the gateway went.
func (f Fault) wait(r *http.Request, down <-chan struct{}) bool {
	if f.Delay <= 0 && !f.Hang {
		return true
	}
	var over <-chan time.Time
	if !f.Hang {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-over:
		return true
	case <-r.Context().Done():
	case <-down:
	}
	return false
}

// cut closes the connection after an answer's first half; with a nil answer at once.
// It reports false where the connection can't be had.
func cut(w http.ResponseWriter, a *answer) bool {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if a == nil {
		return true
	}
	body := a.bytes()
	_, _ = fmt.Fprintf(buf, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	if len(body) > 0 {
		_ = a.headers(len(body)).Write(buf)
		_, _ = fmt.Fprintf(buf, "\r\n%s", body[:len(body)/2])
	}
	_ = buf.Flush()
	return true
}
