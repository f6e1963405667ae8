package server

import (
	"context"
	"net/http"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// Rendered is what a gateway is to hold, in its own words.
type Rendered struct {
	Gateway v1.Gateway `json:"gateway"` // which one
	// Files hold no secrets; in the order in which the gateway reads them.
	Files []reconcilers.File `json:"files"`
	// Problems are what can't be said in them.
	Problems []v1.Problem `json:"problems,omitempty"`
	// Error says why there are no files; "" when there are.
	Error string `json:"error,omitempty"`
}

// NewRender returns the handler of GET /render, with gateway=NAME once for each that is
// asked for, all without; for the control socket: the text shows more of what is served than
// the rest of the interface.
func NewRender(render func(ctx context.Context, gateways []v1.Gateway) ([]Rendered, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var gateways []v1.Gateway
		for _, name := range req.URL.Query()["gateway"] {
			gateways = append(gateways, v1.Gateway(name))
		}
		rendered, err := render(req.Context(), gateways)
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, http.StatusOK, rendered)
	})
}
