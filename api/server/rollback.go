package server

import "errors"

// RollbackRequest is the body of POST /rollback.
type RollbackRequest struct {
	// Generation is the one to go back to; from 1, and 0 with Release alone.
	Generation uint64 `json:"generation,omitempty"`
	// Services are those that are meant; none means all that it concerns.
	Services []string `json:"services,omitempty"`
	// Release lets them follow what is declared again.
	Release bool `json:"release,omitempty"`
	// Preview says what would become of it, and changes nothing.
	Preview bool `json:"preview,omitempty"`
	// By is who asks, for people.
	By string `json:"by,omitempty"`
}

func (r *RollbackRequest) check() error {
	if r.Release == (r.Generation != 0) {
		return errors.New("the body says either generation, from 1, or release")
	}
	return checkBy(r.By)
}
