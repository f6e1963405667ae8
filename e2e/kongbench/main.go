// Command kongbench measures what Lockstep costs at Kong's Admin API, beside a floor
// of the same run: the same requests, sent bare over as many connections. By default
// Kong is the stand-in, in a process of its own; with KONG_ADMIN_URL it is the Kong
// there, which must have a database, and which is left as it was.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// measured is how many answers a second a Kong 3.9.1 with two workers on two cores gave,
// writes and reads alike, over 32 connections: what the goals are about.
const measured = 875

// bench is what all measurements share.
type bench struct {
	gateway  *gateway
	services int
	runs     int
	table    table
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kongbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	b := &bench{}
	flag.IntVar(&b.services, "services", 1000, "how many services, each with a route, an upstream and four targets")
	flag.IntVar(&b.runs, "runs", 5, "how often each is measured, in turns with its floor")
	pace := flag.Float64("pace", measured, "how many answers a second the stand-in gives at most; 0: as quick as it can be")
	profile := flag.String("cpuprofile", "", "write a profile to this file, in which what is measured bears a label")
	flag.Parse()
	end, err := startProfile(*profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	b.gateway, err = openGateway(ctx, *pace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.gateway.close()) }()
	if err := b.measure(ctx); err != nil {
		return err
	}
	fmt.Printf("%s, %d services, %d connections, medians of %d runs\n\n", b.gateway.about, b.services, connections, b.runs)
	b.table.print(os.Stdout)
	return nil
}

// measure takes all measurements, each in turns with its floor, and ends where it began.
func (b *bench) measure(ctx context.Context) (err error) {
	defer func() {
		tidy, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, b.gateway.clear(tidy))
	}()
	first, err := b.record(ctx)
	if err != nil {
		return err
	}
	if err := b.fromNothing(ctx, first); err != nil {
		return fmt.Errorf("from nothing: %w", err)
	}
	if err := b.unchanged(ctx); err != nil {
		return fmt.Errorf("unchanged: %w", err)
	}
	if err := b.oneTarget(ctx); err != nil {
		return fmt.Errorf("one target: %w", err)
	}
	return nil
}
