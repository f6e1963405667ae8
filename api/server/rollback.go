package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

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
	switch {
	case r.Release == (r.Generation != 0):
		return errors.New("the body says either generation, from 1, or release")
	case len(r.By) > maxBy:
		return fmt.Errorf("by has more than %d characters", maxBy)
	}
	return nil
}

// rollback answers POST /rollback.
func rollback(a Actions) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request RollbackRequest
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&request)
		if err == nil {
			err = request.check()
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		done, err := a.Rollback(r.Context(), request)
		switch {
		case errors.Is(err, ErrUnknown):
			refuse(w, http.StatusNotFound, err)
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, err)
		default:
			answer(w, http.StatusOK, done)
		}
	}
}
