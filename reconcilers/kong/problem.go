package kong

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
)

// conflict is a name or place that somebody else holds.
type conflict struct{ message, fix string }

func (c *conflict) Error() string { return c.message + "; " + c.fix }

// moved says that Kong does not hold what it held when it was last read; the
// next round reads it again.
type moved struct{ err error }

func (m *moved) Error() string {
	return fmt.Sprintf("kong's entities changed while they were being written: %v", m.err)
}

func (m *moved) Unwrap() error { return m.err }

// problemOf sorts an error about one change.
func problemOf(err error) *v1.Problem {
	if err == nil {
		return nil
	}
	p := &v1.Problem{Gateway: v1.Kong, Reason: v1.GatewayUnreachable, Message: err.Error(), Fix: "it is tried again by itself"}
	var (
		known  v1.Problem
		held   *conflict
		said   *admin.Refusal
		moving *moved
	)
	switch {
	case errors.As(err, &known):
		p.Reason, p.Message, p.Fix = known.Reason, known.Message, known.Fix
	case errors.As(err, &moving):
	case errors.As(err, &held):
		p.Reason, p.Message, p.Fix = v1.Conflict, held.message, held.fix
	case errors.As(err, &said):
		if said.Status == http.StatusUnauthorized || said.Status == http.StatusForbidden {
			p.Fix = "let the Admin API accept Lockstep's requests: check the token and its permissions"
			break
		}
		p.Reason, p.Message, p.Fix = v1.GatewayRejected, "kong refuses it: "+said.Words(), "correct the value that kong names"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p.Message = "it was not tried: the round was ended before"
	}
	return p
}

// explain makes an error about Kong as a whole from one of a request.
func explain(err error) error {
	var (
		known  v1.Problem
		none   *admin.Unreachable
		moving *moved
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &moving):
		return admin.Problem(v1.GatewayUnreachable, err.Error(), "it is tried again by itself")
	case admin.IsStatus(err, http.StatusUnauthorized), admin.IsStatus(err, http.StatusForbidden):
		return admin.Problem(v1.GatewayUnreachable, err.Error(), "let the Admin API accept Lockstep's requests: check the token and its permissions")
	case errors.As(err, &none) && !none.Answered:
		return admin.Problem(v1.GatewayUnreachable, err.Error(), "is Kong's Admin API reachable there? start Kong, or set --kong-admin-url")
	case errors.As(err, &none):
		return admin.Problem(v1.GatewayUnreachable, err.Error(), "see Kong's error log; is its database up?")
	}
	return admin.Problem(v1.GatewayUnreachable, err.Error(), "does --kong-admin-url name Kong's Admin API, not its proxy?")
}
