// Package demo shows Lockstep at work in half a minute: real containers on the
// real Docker Engine, a real HAProxy that Lockstep starts, and a Kong, which is
// the stand-in unless Options name a real one. It drives the lockstep binary as
// a user would, tells what it does as it does it, and clears away everything.
//
//	demo.go   the order of events
//	set.go    what the show needs: containers, Kong, the daemon
//	scenes.go what is shown
//	voice.go  how it is told
//	claim.go  one demo at a time
package demo

import (
	"context"
	"errors"
	"io"
	"time"
)

// Prefix begins the demo's labels. It is not the product's own, so that no other
// container on this machine takes part, and no other Lockstep serves the demo's.
const Prefix = "demo."

// Options say how the demo is given.
type Options struct {
	Binary string    // the static lockstep binary; it is also put into the containers
	Serve  []string  // the binary's arguments that make it the sample service
	Out    io.Writer // where the demo speaks
	Color  bool
	Keep   bool // leave everything running until ctx ends

	// KongAdminURL and KongProxyURL name a real Kong; "" takes the stand-in.
	KongAdminURL, KongProxyURL string
	DockerHost                 string

	// Pause is the time between two scenes; default two seconds.
	Pause time.Duration
}

// Run gives the demo, and clears everything away when it ends or ctx does. The
// end of ctx is somebody's wish and no error. While another demo is up, Run
// refuses, because both would clear away the other's.
func Run(ctx context.Context, o Options) (err error) {
	if o.Pause == 0 {
		o.Pause = 2 * time.Second
	}
	claimed, err := claim(ctx, claimName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, claimed.Close()) }()
	s, err := newSet(ctx, o)
	defer func() {
		if ctx.Err() != nil {
			err = nil // what was begun was cut off, as was asked for
		}
		err = errors.Join(err, s.strike())
		if err == nil {
			s.voice.say("Everything is cleared away.")
		}
	}()
	if err != nil {
		return err
	}
	for _, scene := range []func(context.Context, *set) error{
		curtain, prepared, planned, started, roundRobin, scaledUp, stopped, mistyped, summed,
	} {
		if err := scene(ctx, s); err != nil {
			return err
		}
		if err := pause(ctx, o.Pause); err != nil {
			return err
		}
	}
	if o.Keep {
		s.invite()
		<-ctx.Done()
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
