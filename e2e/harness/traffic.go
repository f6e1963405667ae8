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

	mu     sync.Mutex
	sent   int
	failed int
	first  string // what the first failure was
}

// StartTraffic begins to send requests for host and path to a gateway, each
// over a new connection.
func (w *World) StartTraffic(gateway, host, path string) error {
	if w.Traffic != nil {
		return fmt.Errorf("there is traffic already")
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &Traffic{cancel: cancel}
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
	t.sent++
	if err == nil && answer.Status == 200 {
		return
	}
	t.failed++
	if t.first == "" {
		t.first = fmt.Sprintf("request %d: %d %s %v", t.sent, answer.Status, answer.Body, err)
	}
}

// StopTraffic ends the traffic and returns how many requests were sent, how many
// failed, and what the first failure was.
func (w *World) StopTraffic() (sent, failed int, first string) {
	t := w.Traffic
	w.Traffic = nil
	t.cancel()
	t.ended.Wait()
	return t.sent, t.failed, t.first
}
