package cmd

import (
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"
)

// look wires a daemon that only looks, at Docker and the gateways themselves, and has
// ask question it. It is for commands where no daemon runs, or none is to be asked.
func look(ctx context.Context, version string, s *settings, ask func(context.Context, *daemon) error) error {
	log, err := newLogger(io.Discard, s.logFormat, s.logLevel)
	if err != nil {
		return err
	}
	d, err := newDaemon(version, s, mode{look: true}, log)
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
