package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/e2e/harness"
)

const (
	fewRoutes  = 10
	manyRoutes = 100_000
	// Each turn asks for a while, in turns with the other, since the machine's load comes and goes.
	routeTurns   = 3
	routeTime    = 3 * time.Second
	routeClients = 8
)

// routes measures what 100,000 prefixes cost: each request, HAProxy's start and
// memory, and an event that adds or removes one more. HAProxy itself answers (503),
// so that nothing but it is measured; the floor is the same with ten.
func routes(ctx context.Context, b *bench) error {
	few, err := b.routed(ctx, fewRoutes)
	if err != nil {
		return errors.Join(err, few.close())
	}
	many, err := b.routed(ctx, manyRoutes)
	if err != nil {
		return errors.Join(err, few.close(), many.close())
	}
	err = b.requests(ctx, few, many)
	if err == nil {
		err = b.routeEvents(ctx, few, many)
	}
	return errors.Join(err, few.close(), many.close())
}

// routed is a gate with so many prefixes.
type routed struct {
	*gate
	routes int
	start  time.Duration // of HAProxy, from our files
}

func (r *routed) close() error {
	if r.gate == nil {
		return nil
	}
	return r.gate.close()
}

func (b *bench) routed(ctx context.Context, routes int) (*routed, error) {
	g, err := openGate()
	if err != nil {
		return &routed{}, err
	}
	r := &routed{gate: g, routes: routes}
	g.serve("all", false)
	g.set["all"].Routes = nil
	for i := 0; i < routes; i += 10 {
		route := v1.Route{Name: fmt.Sprintf("all.r%d", i), Hosts: []string{fmt.Sprintf("h%d.test", i%1000/10)}, PreserveHost: true}
		for j := range 10 {
			route.Paths = append(route.Paths, fmt.Sprintf("/path-%d/%d", i, j))
		}
		g.set["all"].Routes = append(g.set["all"].Routes, route)
	}
	g.serve("one", false)
	if err := g.apply(ctx); err != nil {
		return r, err
	}
	r.start, err = g.bareReload(ctx)
	return r, err
}

// requests compares requests per second, and HAProxy's own time for each, which no
// other load on the machine disturbs.
func (b *bench) requests(ctx context.Context, few, many *routed) error {
	var rates, costs [2][]time.Duration // a rate is kept as the time for each request
	for range routeTurns {
		for i, r := range []*routed{few, many} {
			each, cost, err := r.flood(ctx)
			if err != nil {
				return err
			}
			rates[i], costs[i] = append(rates[i], each), append(costs[i], cost)
		}
	}
	rate := func(i int) float64 { return float64(time.Second) / float64(percentile(rates[i], 0.5)) }
	cost := func(i int) time.Duration { return percentile(costs[i], 0.5) }
	b.table.add(fmt.Sprintf("requests per second, %d prefixes (floor: %d)", many.routes, few.routes),
		fmt.Sprintf("%.0f", rate(1)), fmt.Sprintf("%.0f", rate(0)), fmt.Sprintf("%.2f×", rate(1)/rate(0)), "≥ 0.85×", rate(1) >= 0.85*rate(0))
	micros := func(d time.Duration) string { return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond)) }
	b.table.add("  … HAProxy's own time for a request", micros(cost(1)), micros(cost(0)), times(cost(1), cost(0)), "≤ 1.2×", float64(cost(1)) <= 1.2*float64(cost(0)))
	b.table.add("  … reload → the next worker answers", millis(many.start), millis(few.start), times(many.start, few.start), "–", true)
	var memory [2]float64
	for i, r := range []*routed{few, many} {
		pid, err := r.worker(ctx)
		if err != nil {
			return err
		}
		if memory[i], err = harness.Resident(pid); err != nil {
			return err
		}
	}
	b.table.add("  … HAProxy's resident memory", fmt.Sprintf("%.0f MB", memory[1]), fmt.Sprintf("%.0f MB", memory[0]), fmt.Sprintf("%.1f×", memory[1]/memory[0]), "–", true)
	return nil
}

// flood asks over kept connections for a while, and returns the time for each
// request, on the clock and of HAProxy's processor.
func (r *routed) flood(ctx context.Context) (each, cost time.Duration, err error) {
	pid, err := r.worker(ctx)
	if err != nil {
		return 0, 0, err
	}
	before, err := spent(pid)
	if err != nil {
		return 0, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, routeTime)
	defer cancel()
	began := time.Now()
	counts := make([]int, routeClients)
	var clients errgroup.Group
	for i := range routeClients {
		clients.Go(func() error {
			last := r.routes - 10
			request := fmt.Sprintf("GET /path-%d/7/x HTTP/1.1\r\nHost: h%d.test\r\n\r\n", last, last%1000/10)
			counts[i], err = converse(ctx, r.lease.Address, request)
			return err
		})
	}
	if err := clients.Wait(); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	after, err := spent(pid)
	n := 0
	for _, count := range counts {
		n += count
	}
	if n == 0 {
		return 0, 0, errors.New("nothing was answered")
	}
	return took / time.Duration(n), (after - before) / time.Duration(n), err
}

// converse sends a request again and again until ctx ends. Each must find its
// route, whose service has nobody: 503.
func converse(ctx context.Context, address, request string) (count int, err error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for ; ctx.Err() == nil; count++ {
		if _, err := io.WriteString(conn, request); err != nil {
			return count, err
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return count, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusServiceUnavailable {
			return count, errors.Join(fmt.Errorf("%s, not 503", response.Status), err)
		}
		if response.Close {
			conn.Close()
			if conn, err = net.Dial("tcp", address); err != nil {
				return count, err
			}
			reader.Reset(conn)
		}
	}
	return count, nil
}

// spent is the processor's time that a process has used.
func spent(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	const user, system, tick = 11, 12, 10 * time.Millisecond // after the name
	_, rest, _ := strings.Cut(string(text), ") ")
	fields, total := strings.Fields(rest), 0
	if len(fields) <= system {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	for _, field := range []string{fields[user], fields[system]} {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return time.Duration(total) * tick, nil
}

// routeEvents gives a service one host more and takes it away again: one entry of
// the map that comes and one that goes.
func (b *bench) routeEvents(ctx context.Context, few, many *routed) error {
	var comes, goes [2][]time.Duration
	for i := range b.runs {
		for which, r := range []*routed{few, many} {
			for _, c := range []struct {
				into  *[]time.Duration
				hosts []string
			}{
				{&comes[which], []string{"one.test", fmt.Sprintf("more%d.test", i)}},
				{&goes[which], []string{"one.test"}},
			} {
				s := *r.set["one"]
				s.Routes = []v1.Route{{Name: "one.default", Hosts: c.hosts, PreserveHost: true}}
				r.set["one"] = &s
				began := time.Now()
				if err := r.apply(ctx, "one"); err != nil {
					return err
				}
				*c.into = append(*c.into, time.Since(began))
			}
		}
	}
	b.table.addBeside("  … one event: a host comes, files included", comes[1], comes[0], 0)
	b.table.addBeside("  … one event: a host goes, files included", goes[1], goes[0], 0)
	return nil
}
