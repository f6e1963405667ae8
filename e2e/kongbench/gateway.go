package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/google/uuid"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong/program"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// connections is how many Lockstep opens, and the floor as well.
const connections = 32

// gateway is the Kong that is measured, and the owner's name under which it is used.
type gateway struct {
	url, about string
	owner      string

	standIn *program.Kong // nil for a real Kong
}

// openGateway finds the Kong at KONG_ADMIN_URL, or starts the stand-in.
func openGateway(ctx context.Context, pace float64) (*gateway, error) {
	g := &gateway{owner: "bench-" + uuid.NewString()[:8], url: os.Getenv("KONG_ADMIN_URL")}
	if g.url != "" {
		g.about = "the Kong at KONG_ADMIN_URL"
		return g, nil
	}
	g.about = "the stand-in for Kong, as quick as it can be"
	if pace > 0 {
		g.about = fmt.Sprintf("the stand-in for Kong, with at most %.0f answers a second", pace)
	}
	k, err := program.Start(ctx, "-pace", strconv.FormatFloat(pace, 'g', -1, 64))
	if err != nil {
		return nil, err
	}
	g.standIn, g.url = k, k.AdminURL
	return g, nil
}

// close ends the stand-in.
func (g *gateway) close() error {
	if g.standIn == nil {
		return nil
	}
	return g.standIn.Close()
}

// open returns a reconciler as the daemon has it, over a transport that may watch.
func (g *gateway) open(watch func(http.RoundTripper) http.RoundTripper) (*kong.Reconciler, error) {
	o := kong.Options{AdminURLs: []string{g.url}, Owner: g.owner, Writer: "bench", Concurrency: connections}
	if watch != nil {
		o.Transport = watch(transport())
	}
	return kong.New(o)
}

// closed ends a reconciler; what goes wrong with that is joined to an error.
func closed(r *kong.Reconciler, err *error) { *err = errors.Join(*err, r.Close()) }

// transport is one with kept connections.
func transport() *http.Transport {
	return &http.Transport{MaxIdleConns: 2 * connections, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}
}

// round takes one round, over one service if one is named, in which everything must work.
func round(ctx context.Context, r *kong.Reconciler, scope reconcilers.Scope, set v1.Set) (plan.Plan, error) {
	observed, err := r.Observe(ctx, scope)
	if err != nil {
		return plan.Plan{}, err
	}
	desired, problems := r.Compile(scope, set, v1.Shared{})
	if len(problems) > 0 {
		return plan.Plan{}, problems[0]
	}
	p := plan.Diff(observed, desired)
	return p, applied(ctx, r, p)
}

// applied makes a plan true.
func applied(ctx context.Context, r *kong.Reconciler, p plan.Plan) error {
	outcomes, err := r.Apply(ctx, p)
	if err != nil {
		return err
	}
	for _, outcome := range outcomes {
		if outcome.Problem != nil {
			return outcome.Problem
		}
	}
	return nil
}

// clear removes everything of the owner's.
func (g *gateway) clear(ctx context.Context) (err error) {
	r, err := g.open(nil)
	if err != nil {
		return err
	}
	defer closed(r, &err)
	observed, err := r.Observe(ctx, reconcilers.Scope{Fresh: true})
	if err == nil {
		err = applied(ctx, r, plan.Diff(observed, plan.State{}))
	}
	if err != nil {
		return fmt.Errorf("clear away: %w", err)
	}
	return nil
}
