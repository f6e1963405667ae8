package cmd

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/controller/ledger"
)

// look wires a daemon that only looks, at Docker and the gateways themselves, and has
// ask question it. It is for commands where no daemon runs, or none is to be asked. Where this
// machine has no state directory, it looks for the daemon that answers at --listen.
func look(ctx context.Context, version string, s *settings, ask func(context.Context, *daemon) error) error {
	log, err := newLogger(io.Discard, s.logFormat, s.logLevel)
	if err != nil {
		return err
	}
	d, err := newDaemon(version, s, mode{look: true, writer: s.writerAsked(ctx)}, log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.controller.Run(ctx) })
	group.Go(func() error {
		defer stop()
		return ask(ctx, d)
	})
	return errors.Join(group.Wait(), d.close())
}

// writerPatience is how long a daemon is waited for that is only asked who it is.
const writerPatience = 3 * time.Second

// writerAsked returns the id by which gateways know the daemon that answers at --listen; "" where
// the state directory says who writes, or where none of this owner answers.
func (s *settings) writerAsked(ctx context.Context) string {
	if id, err := ledger.Identity(s.stateDir); id != "" || err != nil {
		return "" // whoever reads it again says so
	}
	ctx, cancel := context.WithTimeout(ctx, writerPatience)
	defer cancel()
	var report struct{ Owner, Writer string }
	if err := s.get(ctx, "/status", nil, &report); err != nil || report.Owner != s.owner {
		return "" // then nobody is known, and gateways say who writes
	}
	return report.Writer
}
