package server

import (
	"encoding/json"
	"fmt"
	"net/http"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// PauseRequest is the body of POST /pause.
type PauseRequest struct {
	// Gateways are those that are meant; none means all that are configured.
	Gateways []v1.Gateway `json:"gateways,omitempty"`
	// Resume lets them follow again.
	Resume bool `json:"resume,omitempty"`
	// By is who asks, for people.
	By string `json:"by,omitempty"`
}

// pause answers POST /pause.
func pause(a Actions) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request PauseRequest
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&request)
		if err == nil && len(request.By) > maxBy {
			err = fmt.Errorf("by has more than %d characters", maxBy)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		paused, err := a.Pause(r.Context(), request)
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, http.StatusOK, paused)
	}
}
