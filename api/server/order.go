package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// maxOrder bounds the body of an order, which may name many services.
const maxOrder = 1 << 20

// maxBy is the most that an order may say of who asks, for it is remembered and shown.
const maxBy = 64

func checkBy(by string) error {
	if len(by) > maxBy {
		return fmt.Errorf("by has more than %d characters", maxBy)
	}
	return nil
}

// order answers a request that changes something: 400 for a body that can't be taken,
// 404 for what nobody knows, 503 for what could not be done.
func order[Request, Done any](check func(*Request) error, do func(context.Context, Request) (Done, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request Request
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&request)
		if err == nil {
			err = check(&request)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		done, err := do(r.Context(), request)
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
