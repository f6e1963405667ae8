package fakekong

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/internal/port"
)

// front is the two listeners: that of the Admin API and that of the proxy.
type front struct {
	addresses [2]string // to listen on; "" until one is lent
	handlers  [2]http.Handler
	none      bool   // no listeners at all
	idle      func() // closes connections to upstreams that nobody uses
	leases    []*port.Lease

	mu      sync.Mutex
	servers []*http.Server
	down    chan struct{} // closed by Stop; nil before the first Start
	serving sync.WaitGroup
	asked   sync.RWMutex // held for reading by each request to the Admin API that is being served
}

// downKey is where a request finds the down of its own time: one that lingers over a
// Stop and a Start must not be served by then.
type downKey struct{}

// reserve finds addresses where none are given. They stay the gateway's own while it is down.
func (f *front) reserve() error {
	for i, address := range f.addresses {
		if address != "" || f.none {
			continue
		}
		lease, err := port.Take()
		if err != nil {
			return err
		}
		f.leases, f.addresses[i] = append(f.leases, lease), lease.Address
	}
	return nil
}

// release gives them back. It may be called again.
func (f *front) release() error {
	var problems []error
	for _, lease := range f.leases {
		problems = append(problems, lease.Release())
	}
	f.leases = nil
	return errors.Join(problems...)
}

// Start opens the gateway after a Stop, on the same addresses. While it is open Start does nothing.
func (k *Kong) Start() error {
	f := &k.front
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open() {
		return nil
	}
	if f.none {
		f.down = make(chan struct{})
		return nil
	}
	var listeners [2]net.Listener
	for i, door := range []string{"Admin API", "proxy"} {
		l, err := listen(f.addresses[i])
		if err != nil {
			if i == 1 {
				err = errors.Join(err, listeners[0].Close())
			}
			return fmt.Errorf("listen for the %s on %s: %w", door, f.addresses[i], err)
		}
		listeners[i], f.addresses[i] = l, l.Addr().String()
	}
	f.down = make(chan struct{})
	base := context.WithValue(context.Background(), downKey{}, f.down)
	for i, l := range listeners {
		s := &http.Server{Handler: f.handlers[i], ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return base }}
		f.servers = append(f.servers, s)
		f.serving.Go(func() { _ = s.Serve(l) })
	}
	return nil
}

// Stop takes the gateway down: connections are closed, requests under way break off,
// new ones are refused. Entities stay, and nothing changes them when Stop has returned.
// It may be called again.
func (k *Kong) Stop() {
	f := &k.front
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.open() {
		return
	}
	close(f.down)
	for _, s := range f.servers {
		_ = s.Close()
	}
	f.serving.Wait()
	f.asked.Lock() // when the last of them has ended
	f.servers = nil
	f.asked.Unlock()
	f.idle()
}

// open reports whether the gateway is up. The caller holds the lock of the front.
func (f *front) open() bool { return f.down != nil && !closed(f.down) }

// closing is closed when the gateway goes down that the request came to.
func (f *front) closing(r *http.Request) <-chan struct{} {
	if down, ok := r.Context().Value(downKey{}).(chan struct{}); ok {
		return down
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.down
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// listen opens an address. It is patient with one that is in use: the port of a
// listener that has just been closed may be taken for a moment.
func listen(address string) (net.Listener, error) {
	deadline := time.Now().Add(2 * time.Second)
	for {
		l, err := net.Listen("tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return l, err
		}
		<-time.After(10 * time.Millisecond)
	}
}
