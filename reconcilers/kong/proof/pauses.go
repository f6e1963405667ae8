package proof

import (
	"time"
)

// pauses grow from 20 ms to half a second, for as long as Kong takes, and then to half a
// minute. The zero value begins.
type pauses struct {
	last time.Duration
	sum  time.Duration
}

const (
	firstPause = 20 * time.Millisecond
	quickPause = 500 * time.Millisecond
	quickTime  = 20 * time.Second
	longPause  = 30 * time.Second
)

func (p *pauses) next() time.Duration {
	longest := quickPause
	if p.sum > quickTime {
		longest = longPause
	}
	p.last = min(max(firstPause, p.last*3/2), longest)
	p.sum += p.last
	return p.last
}
