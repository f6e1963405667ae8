package fakedocker

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// apiVersion is the highest version of the API that the Engine speaks.
const apiVersion = "1.41"

// TB is the part of testing.TB through which misuse of the fake is reported.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Engine is one fake Docker Engine. Make it with New; all methods may be
// called from anywhere at any time.
type Engine struct {
	tb TB

	mu         sync.Mutex
	containers map[string]*instance // by id
	networks   []*vnet              // in the order of their making
	serial     uint32
	events     ring
	streams    map[*stream]struct{}
	faults     faults
	requests   map[string]int
	violations []string
	clock      int64         // of the last event, so that no two have the same time
	frozen     []byte        // what lists answer instead of the truth
	awake      chan struct{} // closed while the Engine is not silent
}

// New returns an Engine with the networks bridge, host and none, and no
// container.
func New(tb TB) *Engine {
	e := &Engine{
		tb:         tb,
		containers: map[string]*instance{},
		streams:    map[*stream]struct{}{},
		faults:     newFaults(),
		requests:   map[string]int{},
		awake:      make(chan struct{}),
	}
	close(e.awake)
	e.AddNetwork(Network{Name: "bridge", Driver: "bridge"})
	e.AddNetwork(Network{Name: "host", Driver: "host"})
	e.AddNetwork(Network{Name: "none", Driver: "null"})
	return e
}

// Listen serves the Engine on a loopback port until the test ends and returns
// its address in DOCKER_HOST's syntax.
func (e *Engine) Listen() string {
	e.tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.tb.Fatalf("fakedocker: listen: %v", err)
	}
	e.serve(l)
	return "tcp://" + l.Addr().String()
}

// ListenUnix serves the Engine on a socket file until the test ends and returns
// its address in DOCKER_HOST's syntax.
func (e *Engine) ListenUnix(path string) string {
	e.tb.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		e.tb.Fatalf("fakedocker: listen: %v", err)
	}
	e.serve(l)
	return "unix://" + path
}

func (e *Engine) serve(l net.Listener) {
	server := &http.Server{Handler: e, ReadHeaderTimeout: time.Minute}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // always ErrServerClosed: the cleanup below ends it
	}()
	e.tb.Cleanup(func() {
		_ = server.Close() // streams are meant to be cut
		<-done
	})
}

// Requests returns how often each request came in, by method and path
// template: "GET /containers/{id}/json".
func (e *Engine) Requests() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.requests)
}

// ResetRequests forgets what was counted so far.
func (e *Engine) ResetRequests() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.requests)
}

// Violations returns the requests that a read-only client must not send.
func (e *Engine) Violations() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.violations)
}

// Streams returns how many event streams are open.
func (e *Engine) Streams() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.streams)
}

// newID makes the next id; e.mu is held. Ids look random and are the same in every run.
func (e *Engine) newID() string {
	e.serial++
	var b [32]byte
	x := uint64(e.serial) * 0x9e3779b97f4a7c15
	for i := 0; i < len(b); i += 8 {
		x ^= x >> 29
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 32
		binary.BigEndian.PutUint64(b[i:], x)
	}
	return hex.EncodeToString(b[:])
}

// find returns a container by id, name or the beginning of an id; e.mu is held.
func (e *Engine) find(ref string) (*instance, error) {
	if c := e.containers[ref]; c != nil {
		return c, nil
	}
	for _, c := range e.containers {
		if c.name == ref {
			return c, nil
		}
	}
	var hit *instance
	for _, c := range e.containers {
		if len(ref) > 0 && len(c.id) > len(ref) && c.id[:len(ref)] == ref {
			if hit != nil {
				return nil, fmt.Errorf("multiple IDs found with provided prefix: %s", ref)
			}
			hit = c
		}
	}
	if hit == nil {
		return nil, fmt.Errorf("No such container: %s", ref) //nolint:staticcheck // the Engine's own words
	}
	return hit, nil
}

// with runs f on a container and reports misuse.
func (e *Engine) with(ref string, f func(c *instance) error) {
	e.tb.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.find(ref)
	if err == nil {
		err = f(c)
	}
	if err != nil {
		e.tb.Fatalf("fakedocker: %v", err)
	}
}
