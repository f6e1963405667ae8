package kong

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/plan"
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

// placePlugin says of a plugin's problem what is not served because of it, and
// finds the label of the field that Kong names.
func placePlugin(outcome *plan.Outcome) {
	rec, ok := outcome.Change.Object().Native.(*entity.Record)
	if ok && rec.Declared && outcome.Problem != nil {
		outcome.Problem = placed(rec, *outcome.Problem)
		return
	}
	if !ok || rec.Row.Kind != v1.KindPlugin || outcome.Problem == nil {
		return
	}
	p := *outcome.Problem
	p.Object = v1.Key{Kind: v1.KindService, Name: rec.Service}
	if route := rec.ParentKeys["route"]; route != "" {
		p.Object = v1.Key{Kind: v1.KindRoute, Name: route}
	}
	for _, path := range slices.Sorted(maps.Keys(rec.Origins)) {
		if strings.Contains(p.Message, path+":") {
			p.Origin = rec.Origins[path]
		}
	}
	outcome.Problem = &p
}

// placed says of a problem of what is declared in Kong's own words at which field it is.
func placed(r *entity.Record, p v1.Problem) *v1.Problem {
	p.Object = v1.Key{Kind: v1.KindEntity, Name: string(r.Row.Kind) + "/" + r.Title()}
	if r.Manifest == nil {
		return &p
	}
	p.Origin = r.Manifest.Origin
	best := 0
	for path, at := range r.Manifest.Places {
		if len(path) > best && strings.Contains(p.Message, path+": ") {
			best, p.Origin = len(path), at
		}
	}
	return &p
}

// waiting is the problem of a route whose plugin is not there.
func waiting(need v1.Key, cause *v1.Problem) v1.Problem {
	if cause == nil {
		return v1.Problem{
			Reason: v1.GatewayRejected, Gateway: v1.Kong,
			Message: fmt.Sprintf("it waits for its plugin %s, which kong does not hold; without it the route would be more open than asked, so it answers 503", base(need)),
			Fix:     "see what is said about the plugin",
		}
	}
	p := *cause
	p.Object = v1.Key{}
	p.Message = fmt.Sprintf("it waits for its plugin %s, which could not be made, and answers 503: %s", base(need), cause.Message)
	return p
}

// base is the name of the plugin that has a key.
func base(key v1.Key) string { return key.Name[strings.LastIndexByte(key.Name, '/')+1:] }

// untried reports every change as not tried, because of an error about Kong as a whole.
func (r *Reconciler) untried(p plan.Plan, err error) ([]plan.Outcome, error) {
	err = explain(fmt.Errorf("change kong: %w", err))
	about := problemOf(err)
	outcomes := make([]plan.Outcome, len(p.Changes))
	for i, change := range p.Changes {
		outcomes[i] = plan.Outcome{Change: change, Problem: about}
	}
	return outcomes, err
}

// about is the problem of one node among several.
func (r *Reconciler) about(err error) v1.Problem {
	problem := *problemOf(err)
	problem.Object = v1.Key{Kind: v1.KindEntity, Name: "node/" + r.client.Where()}
	if problem.Fix == "" {
		problem.Fix = "it is tried again by itself"
	}
	return problem
}
