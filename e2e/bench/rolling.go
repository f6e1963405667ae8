package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lockstep/lockstep/e2e/harness"
)

const (
	rollingCopies  = 4
	rollingTurns   = 8
	rollingClients = 16
)

// rolling replaces copies one after the other with docker stop, while clients
// ask without a pause, and counts what they lose. The sample exits at once on
// SIGTERM, as most programs do that know nothing of it.
func rolling(ctx context.Context, b *bench) error {
	return b.play(ctx, func(w *harness.World) error {
		var names []string
		for i := range rollingCopies {
			name := fmt.Sprintf("web-%d", i)
			if err := w.Stage.Run(ctx, b.copyOf(w, "web", name, "web.test", "ON_TERM=exit")); err != nil {
				return err
			}
			names = append(names, name)
		}
		if err := eventually(ctx, w, "web.test", names...); err != nil {
			return err
		}
		load := harness.StartLoad(ctx, harness.LoadOptions{Address: w.Proxies.HAProxy, Host: "web.test", Clients: rollingClients})
		for turn := range rollingTurns {
			name := fmt.Sprintf("web-%d", rollingCopies+turn)
			if err := b.replace(ctx, w, names[turn], name); err != nil {
				return errors.Join(err, load.Stop())
			}
			names = append(names, name)
		}
		if err := load.Stop(); err != nil {
			return err
		}
		what := fmt.Sprintf("requests lost, %d replacements by docker stop", rollingTurns)
		b.table.add(what, fmt.Sprintf("%d of %d", load.Failed(), load.Sent()), "0", "–", "0", load.Failed() == 0)
		if load.Failed() > 0 {
			b.table.add("  the first of them", load.First(), "", "", "", false)
		}
		return nil
	})
}

// replace starts a copy, waits until it answers, and stops another.
func (b *bench) replace(ctx context.Context, w *harness.World, old, name string) error {
	if err := w.Stage.Run(ctx, b.copyOf(w, "web", name, "web.test", "ON_TERM=exit")); err != nil {
		return err
	}
	addr, err := w.Stage.Address(ctx, name)
	if err != nil {
		return err
	}
	ready, cancel := context.WithTimeout(ctx, harness.Patience)
	defer cancel()
	if _, err := probeUntil(ready, "http://"+addr.String()+":8080/", "", name); err != nil {
		return err
	}
	return w.Stage.Stop(ctx, old, 10*time.Second)
}
