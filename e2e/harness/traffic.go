package harness

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Traffic sends one request after the other, at most a hundred a second, while
// something happens to the gateways, and counts what fails.
type Traffic struct {
	cancel context.CancelFunc
	ended  sync.WaitGroup
	enough chan struct{} // closed after the first few requests

	mu     sync.Mutex
	sent   int
	failed int
	first  string // what the first failure was
}

// few is how many requests make traffic that proves anything.
const few = 20

// StartTraffic begins to send requests for host and path to a gateway, each
// over a new connection.
func (w *World) StartTraffic(gateway, host, path string) error {
	if w.Traffic != nil {
		return fmt.Errorf("there is traffic already")
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Traffic{cancel: cancel, enough: make(chan struct{})}
	w.Traffic = t
	t.ended.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			answer, err := w.Ask(ctx, gateway, host, path)
			if ctx.Err() != nil {
				return
			}
			t.note(answer, err)
		}
	})
	return nil
}

func (t *Traffic) note(answer Answer, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent++; t.sent == few {
		close(t.enough)
	}
	if err == nil && answer.Status == 200 {
		return
	}
	t.failed++
	if t.first == "" {
		t.first = fmt.Sprintf("request %d: %d %s %v", t.sent, answer.Status, answer.Body, err)
	}
}

// StopTraffic ends the traffic, after a few requests at the soonest, and returns how many requests were sent, how many
// failed, and what the first failure was.
func (w *World) StopTraffic() (sent, failed int, first string) {
	t := w.Traffic
	w.Traffic = nil
	select {
	case <-t.enough:
	case <-time.After(Patience):
	}
	t.cancel()
	t.ended.Wait()
	return t.sent, t.failed, t.first
}
