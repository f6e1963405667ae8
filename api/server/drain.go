package server

import (
	"errors"
	"fmt"
	"time"
)

// DrainRequest is the body of POST /drain.
type DrainRequest struct {
	// Container is its name, its id, or the beginning of its id.
	Container string `json:"container"`
	// Undo puts it back into service.
	Undo bool `json:"undo,omitempty"`
	// For is how long its sessions may go on, as "5m"; "" leaves that to its field drain.
	For string `json:"for,omitempty"`
	// By is who asks, for people.
	By string `json:"by,omitempty"`
}

// maxDrain is the most that For may be, as it is of the field drain.
const maxDrain = 24 * time.Hour

// Limit returns For as a duration; 0 when it is not given.
func (r *DrainRequest) Limit() (time.Duration, error) {
	if r.For == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(r.For)
	if err != nil || d < time.Second || d > maxDrain {
		return 0, fmt.Errorf("%q is no time from 1s to 24h, for example 5m", r.For)
	}
	return d, nil
}

func (r *DrainRequest) check() error {
	if _, err := r.Limit(); err != nil {
		return err
	}
	if r.Container == "" {
		return errors.New("the body lacks container, its name or id")
	}
	return checkBy(r.By)
}
