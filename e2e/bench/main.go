// Command bench measures Lockstep where its users feel it, on a real Docker
// Engine and a real HAProxy: how soon a container serves, how many requests a
// rolling replacement loses, and what ten thousand containers cost. Every
// figure stands beside its floor, what the same takes without Lockstep, and its goal.
//
// Load goes to loopback listeners only, and is bounded in number and time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/stage"
)

// bench is what all measurements share.
type bench struct {
	options harness.Options
	runs    int
	table   table
}

// part is one measurement with a World of its own.
type part struct {
	name string
	run  func(context.Context, *bench) error
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	binary := flag.String("binary", "bin/lockstep", "the lockstep to measure")
	runs := flag.Int("runs", 20, "how often each latency is measured")
	only := flag.String("only", "", "run the parts whose name contains this")
	flag.Parse()
	parts := []part{
		{"decision", decisions},
		{"thousand", thousand},
		{"routes", routes},
		{"latency-copy", latencyOfCopy},
		{"latency-new", latencyOfNewService},
		{"burst-copies", burstOfCopies},
		{"burst-new", burstOfNewServices},
		{"stream-new", streamOfNewServices},
		{"rolling", rolling},
		{"fleet", fleet},
		{"manifests", manifestsInFiles},
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	b := &bench{options: harness.Options{Binary: path}, runs: *runs}
	clean, err := b.image(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, p := range parts {
		if !strings.Contains(p.name, *only) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring %s …\n", p.name)
		if err := p.run(ctx, b); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	b.table.print(os.Stdout)
	return errors.Join(append(problems, clean())...)
}

// image builds the sample service and its image, and returns what removes them.
func (b *bench) image(ctx context.Context) (clean func() error, err error) {
	dir, err := os.MkdirTemp("", "lockstep-bench")
	if err != nil {
		return nil, err
	}
	sample := filepath.Join(dir, "sample")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", sample, "github.com/lockstep/lockstep/internal/sampleapp/sample")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the sample service: %w\n%s", err, out)
	}
	s, err := stage.Open(ctx, "", "lockstep-bench")
	if err != nil {
		return nil, err
	}
	b.options.Image = fmt.Sprintf("lockstep-bench:%d", os.Getpid())
	if err := s.Image(ctx, b.options.Image, sample); err != nil {
		return nil, err
	}
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return errors.Join(s.RemoveImage(ctx, b.options.Image), s.Close(), os.RemoveAll(dir))
	}, nil
}

// play runs one measurement in a World of its own with a daemon that is up.
func (b *bench) play(ctx context.Context, measure func(*harness.World) error) error {
	w, err := harness.New(ctx, b.options)
	if err == nil {
		err = w.Up(ctx, "--log-level", "warn")
	}
	if err == nil {
		err = measure(w)
	}
	return errors.Join(err, w.Close())
}

// copyOf describes a copy of a service; without a service it is one of its own.
func (b *bench) copyOf(w *harness.World, service, name, host string, env ...string) stage.Container {
	labels := map[string]string{w.Prefix() + "enable": "true", w.Prefix() + "hosts": host}
	if service != "" {
		labels[w.Prefix()+"service"] = service
	}
	return stage.Container{Name: name, Image: b.options.Image, Ports: []uint16{8080}, Labels: labels, Env: env}
}
