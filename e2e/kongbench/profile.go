package main

import (
	"context"
	"errors"
	"os"
	"runtime/pprof"
	"syscall"
	"time"
)

// startProfile writes a CPU profile of the run until it is ended; "" writes none. What
// is measured bears the label "what" there: go tool pprof -tagfocus.
func startProfile(path string) (end func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return file.Close()
	}, nil
}

// cost is how long something took, and how much of the processors this process had.
type cost struct{ took, cpu time.Duration }

// timed measures what is done, under a name for the profile.
func timed(ctx context.Context, name string, do func(context.Context) error) (c cost, err error) {
	before, began := processor(), time.Now()
	pprof.Do(ctx, pprof.Labels("what", name), func(ctx context.Context) { err = do(ctx) })
	return cost{time.Since(began), processor() - before}, err
}

// processor is the time of processors that this process has had.
func processor() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0 // it never fails for oneself
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
