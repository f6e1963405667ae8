package server

import (
	"context"
	"errors"
	"net/http"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Rendered is what a gateway is to hold, in its own words.
type Rendered struct {
	Gateway v1.Gateway `json:"gateway"`
	// Text holds no secrets.
	Text string `json:"text"`
	// Problems are what can't be said in it.
	Problems []v1.Problem `json:"problems,omitempty"`
}

// NewRender returns the handler of GET /render?gateway=NAME, for the control socket:
// the text shows more of what is served than the rest of the interface.
func NewRender(render func(ctx context.Context, gateway v1.Gateway) (Rendered, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		gateway := req.URL.Query().Get("gateway")
		if gateway == "" {
			refuse(w, http.StatusBadRequest, errors.New("the query lacks gateway"))
			return
		}
		rendered, err := render(req.Context(), v1.Gateway(gateway))
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, http.StatusOK, rendered)
	})
}
