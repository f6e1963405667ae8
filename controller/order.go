package controller

import (
	"context"
	"errors"
	"time"
)

// errDry is the answer of a daemon that changes nothing.
var errDry = errors.New("this daemon only says what it would do (--dry-run), and takes no orders")

// errEarly is the answer before anything is known.
var errEarly = errors.New("what runs is not known yet; ask again")

// errUnsaved is the answer to an order that holds only as long as the daemon runs.
var errUnsaved = errors.New("it is done, but could not be saved: a restart of the daemon would forget it; " +
	"see in the daemon's log why the ledger can't be saved, mend that, and ask again")

// order is what somebody asks for, on its way to the loop.
type order struct {
	do     func(now time.Time) error
	answer chan<- error
}

// order has the loop do something between two rounds, and returns when the round
// after it has been done, so that it is in the ledger.
func (c *Controller) order(ctx context.Context, do func(now time.Time) error) error {
	if c.options.DryRun {
		return errDry
	}
	return c.between(ctx, do)
}

// between has the loop do something between two rounds, and returns when the round after it
// has been done.
func (c *Controller) between(ctx context.Context, do func(now time.Time) error) error {
	answer := make(chan error, 1)
	select {
	case c.orders <- order{do, answer}:
		return <-answer // the loop answers what it has taken
	case <-ctx.Done():
		return ctx.Err()
	}
}

// obey carries an order out. It returns how long the loop may sleep.
func (c *Controller) obey(o order) time.Duration {
	err := o.do(time.Now())
	wake := c.round(time.Now())
	if err == nil && c.unsaved {
		err = errUnsaved
	}
	o.answer <- err
	return wake
}

// question has the loop answer between two rounds; it changes nothing. The error is that of
// ctx, when that ended before; the question may be answered all the same.
func (c *Controller) question(ctx context.Context, answer func()) error {
	done := make(chan struct{})
	select {
	case c.questions <- func() { defer close(done); answer() }:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
