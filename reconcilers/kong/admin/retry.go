package admin

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The longest waits between two tries: our own, and what Kong may ask for.
const (
	maxPause      = 2 * time.Second
	maxRetryAfter = 30 * time.Second
)

// patience says how often a request is tried, and how far apart.
type patience struct {
	attempts int
	pause    time.Duration
}

// wait waits before the next try: what Kong asked for, or else a pause that
// doubles, less up to half at random so that parallel requests spread out. It
// returns at once when ctx ends.
func (p patience) wait(ctx context.Context, try int, asked time.Duration) {
	pause := min(p.pause<<min(try, 10), maxPause)
	if half := int64(pause / 2); half > 0 {
		pause -= time.Duration(rand.Int64N(half))
	}
	timer := time.NewTimer(max(asked, pause))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// retryAfter reads how long Kong asks to wait: seconds, or a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	// Kong itself tells parts of a second as well: what is left of a lock.
	if n, err := strconv.ParseFloat(text, 64); err == nil && !math.IsNaN(n) {
		return time.Duration(min(max(n, 0), maxRetryAfter.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxRetryAfter)
	}
	return 0
}
