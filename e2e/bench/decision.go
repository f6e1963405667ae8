package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// neighbours is how many services stand beside those that are measured.
const neighbours = 100

// withGate runs a measurement beside so many services.
func withGate(ctx context.Context, services int, measure func(*gate) error) (err error) {
	g, err := openGate()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	g.fleet(services)
	if err := g.apply(ctx); err != nil {
		return err
	}
	return measure(g)
}

// timed does something while it asks, and returns how long after its beginning
// the wanted answer came.
func (g *gate) timed(ctx context.Context, host, body string, do func() error) (time.Duration, error) {
	began, failed := time.Now(), make(chan error, 1)
	go func() { failed <- do() }()
	at, err := g.answered(ctx, host, body)
	return at.Sub(began), errors.Join(err, <-failed)
}

// decisions measures from the decision to the first answer: of another copy and of
// a brand-new service, at runtime and with a reload. The floor of the first two is
// the same by bare commands on the socket, that of the last a bare reload.
func decisions(ctx context.Context, b *bench) error {
	return withGate(ctx, neighbours, func(g *gate) error {
		one, err := g.origin("one")
		if err != nil {
			return err
		}
		two, err := g.origin("two")
		if err != nil {
			return err
		}
		g.serve("shop", true, one)
		if err := g.apply(ctx, "shop"); err != nil {
			return err
		}
		var copies, news, reloads, floor, bare []time.Duration
		for i := range b.runs {
			now := []v1.Endpoint{two, one}[i%2]
			g.serve("shop", true)
			if err := g.apply(ctx, "shop"); err != nil {
				return err
			}
			g.serve("shop", true, now)
			took, err := g.timed(ctx, "shop.test", now.ID, func() error { return g.apply(ctx, "shop") })
			if err != nil {
				return err
			}
			copies = append(copies, took)
			// The floor each time beside it, since the machine's load comes and goes.
			for _, part := range []struct {
				into *[]time.Duration
				run  func() (time.Duration, error)
			}{
				{&floor, func() (time.Duration, error) { return g.rawCopy(ctx, now, i) }},
				{&news, func() (time.Duration, error) { return g.brandNew(ctx, fmt.Sprintf("new%d", i), false, one) }},
				{&reloads, func() (time.Duration, error) { return g.brandNew(ctx, fmt.Sprintf("slow%d", i), true, one) }},
				{&bare, func() (time.Duration, error) { return g.bareReload(ctx) }},
			} {
				took, err := part.run()
				if err != nil {
					return err
				}
				*part.into = append(*part.into, took)
			}
		}
		beside := fmt.Sprintf(", %d backends", neighbours)
		b.table.addBeside("decision → first 200, another copy"+beside, copies, floor, 3*time.Millisecond)
		b.table.addBeside("decision → first 200, brand-new service", news, floor, 3*time.Millisecond)
		b.table.addBeside("decision → first 200, with a reload", reloads, bare, 100*time.Millisecond)
		return nil
	})
}

// rawCopy does by bare commands what another copy takes: a server for the service
// "raw" that was not there. It is removed again, out of time.
func (g *gate) rawCopy(ctx context.Context, e v1.Endpoint, i int) (time.Duration, error) {
	if g.set["raw"] == nil {
		g.serve("raw", true)
		if err := g.apply(ctx, "raw"); err != nil {
			return 0, err
		}
	}
	name := fmt.Sprintf("bench:raw/r%d", i)
	took, err := g.timed(ctx, "raw.test", e.ID, func() error {
		answer, err := g.raw(ctx, "stats.sock", "add server "+name+" "+e.Address.String(), "set server "+name+" state ready")
		if err == nil && !strings.HasPrefix(answer, "New server registered") {
			err = errors.New(answer)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	_, err = g.raw(ctx, "stats.sock", "set server "+name+" state maint", "shutdown sessions server "+name, "del server "+name)
	return took, err
}

// brandNew has a service served that was not there, and removes it out of time.
func (g *gate) brandNew(ctx context.Context, name string, slow bool, e v1.Endpoint) (time.Duration, error) {
	g.serve(name, slow, e)
	took, err := g.timed(ctx, name+".test", e.ID, func() error { return g.apply(ctx, name) })
	delete(g.set, name)
	return took, errors.Join(err, g.apply(ctx, name))
}

// bareReload tells the master to reload, and waits until another worker answers.
func (g *gate) bareReload(ctx context.Context) (time.Duration, error) {
	before, err := g.worker(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if _, err := g.raw(ctx, "master.sock", "reload"); err != nil {
		return 0, err
	}
	for now := before; now == before; {
		if next, err := g.worker(ctx); err == nil {
			now = next
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	took := time.Since(began)
	_, err = g.r.Observe(ctx, reconcilers.Scope{Fresh: true}) // which learns of the new worker
	return took, err
}

// thousand changes the weights of 1,000 servers in one round; the floor are the
// same commands on the socket, in lines of fifty.
func thousand(ctx context.Context, b *bench) error {
	const servers, line = 1_000, 50
	return withGate(ctx, servers/4, func(g *gate) error {
		var took, floor []time.Duration
		for i := range b.runs {
			weight := 50 + i%2
			for name, s := range g.set {
				next := *s
				next.Endpoints = slices.Clone(s.Endpoints)
				for j := range next.Endpoints {
					next.Endpoints[j].Weight = weight
				}
				g.set[name] = &next
			}
			began := time.Now()
			if err := g.apply(ctx); err != nil {
				return err
			}
			took = append(took, time.Since(began))
			var commands []string
			for name, s := range g.set {
				for _, e := range s.Endpoints {
					server := "bench:" + name + "/" + e.ID
					commands = append(commands, fmt.Sprintf("set server %s weight %d", server, weight), "set server "+server+" state ready")
				}
			}
			began = time.Now()
			for part := range slices.Chunk(commands, 2*line) {
				if answer, err := g.raw(ctx, "stats.sock", part...); err != nil || strings.Trim(answer, "\n") != "" {
					return errors.Join(errors.New(answer), err)
				}
			}
			floor = append(floor, time.Since(began))
		}
		b.table.addBeside("1,000 servers changed in one round, files included", took, floor, 100*time.Millisecond)
		return nil
	})
}
