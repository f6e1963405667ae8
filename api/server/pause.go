package server

import v1 "github.com/lockstep/lockstep/api/v1"

// PauseRequest is the body of POST /pause.
type PauseRequest struct {
	// Gateways are those that are meant; none means all that are configured.
	Gateways []v1.Gateway `json:"gateways,omitempty"`
	// Resume lets them follow again.
	Resume bool `json:"resume,omitempty"`
	// By is who asks, for people.
	By string `json:"by,omitempty"`
}

func (r *PauseRequest) check() error {
	return checkBy(r.By)
}
