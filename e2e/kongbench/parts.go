package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// targets is how many each service has.
const targets = 4

// whole is a full look at Kong.
var whole = reconcilers.Scope{Fresh: true}

// set is what Kong is to hold.
func (b *bench) set() v1.Set {
	set := v1.Set{}
	for i := range b.services {
		name := fmt.Sprintf("s%d", i)
		s := &v1.Service{
			Name: name, ConnectTimeout: 5 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute,
			Routes: []v1.Route{{Name: name + ".default", Hosts: []string{name + ".bench.test"}, PreserveHost: true}},
		}
		for j := range targets {
			s.Endpoints = append(s.Endpoints, v1.Endpoint{
				ID: fmt.Sprintf("%06d%d", i, j), Weight: 100,
				Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), byte(j)}), 80),
			})
		}
		set[name] = s
	}
	return set
}

// record takes a first round and returns its writes.
func (b *bench) record(ctx context.Context) (writes []call, err error) {
	var t tape
	r, err := b.gateway.open(t.over)
	if err != nil {
		return nil, err
	}
	defer closed(r, &err)
	if _, err := round(ctx, r, whole, b.set()); err != nil {
		return nil, err
	}
	_, writes = t.take()
	if want := b.services*(3+targets) + 2; len(writes) != want {
		return nil, fmt.Errorf("%d writes from nothing, want %d", len(writes), want)
	}
	return writes, nil
}

// fromNothing measures everything that a daemon does on an empty Kong.
func (b *bench) fromNothing(ctx context.Context, writes []call) error {
	floor := levels(writes)
	return b.inTurns(ctx, part{
		what: "all from nothing", how: fmt.Sprintf("%d writes", len(writes)), limit: 1.3,
		before: b.gateway.clear,
		do:     func(ctx context.Context) error { return b.anew(ctx) },
		floor:  func(ctx context.Context) error { return bare(ctx, floor...) },
	})
}

// anew takes a round as a daemon that has just been started.
func (b *bench) anew(ctx context.Context) (err error) {
	r, err := b.gateway.open(nil)
	if err != nil {
		return err
	}
	defer closed(r, &err)
	_, err = round(ctx, r, whole, b.set())
	return err
}

// unchanged measures the comparison of the whole with what Kong holds, in a daemon
// that runs, and in one that has just been started.
func (b *bench) unchanged(ctx context.Context) (err error) {
	set := b.set()
	var t tape
	r, err := b.gateway.open(t.over)
	if err != nil {
		return err
	}
	defer closed(r, &err)
	if _, err := round(ctx, r, whole, set); err != nil {
		return err
	}
	t.take()
	compare := func(ctx context.Context) error {
		p, err := round(ctx, r, whole, set)
		if err == nil && !p.Empty() {
			err = fmt.Errorf("%s is to be done, though nothing changed", p.Changes[0].Sentence())
		}
		return err
	}
	if err := compare(ctx); err != nil {
		return err
	}
	reads, writes := t.take()
	if len(writes) > 0 {
		return fmt.Errorf("%d writes, though nothing changed", len(writes))
	}
	floor := func(ctx context.Context) error { return bare(ctx, reads) }
	if err := b.inTurns(ctx, part{
		what: "nothing changed", how: fmt.Sprintf("%d reads, 0 writes", len(reads)), limit: 1.3, do: compare, floor: floor,
	}); err != nil {
		return err
	}
	return b.inTurns(ctx, part{what: "the same after a start", how: "the same, and schemas", do: b.anew, floor: floor})
}

// oneTarget measures a round over one service of which one target changes.
func (b *bench) oneTarget(ctx context.Context) (err error) {
	set := b.set()
	var t tape
	r, err := b.gateway.open(t.over)
	if err != nil {
		return err
	}
	defer closed(r, &err)
	if _, err := round(ctx, r, whole, set); err != nil {
		return err
	}
	client := &http.Client{Transport: transport()}
	defer client.CloseIdleConnections()
	one := set["s7"]
	scope, narrow := reconcilers.Scope{Services: []string{one.Name}}, v1.Set{one.Name: one}
	var ours, floors []cost
	for i := range 20 * b.runs {
		one.Endpoints[0].Weight = 50 + i%2
		t.take()
		spent, err := timed(ctx, "one target changed", func(ctx context.Context) error {
			_, err := round(ctx, r, scope, narrow)
			return err
		})
		if err != nil {
			return err
		}
		reads, writes := t.take()
		if len(writes) != 1 || len(reads) > 1 {
			return fmt.Errorf("one changed target takes %d writes and %d reads", len(writes), len(reads))
		}
		floor, err := timed(ctx, "floor", func(ctx context.Context) error { return send(ctx, client, reads, writes) })
		if err != nil {
			return err
		}
		ours, floors = append(ours, spent), append(floors, floor)
	}
	b.table.addBeyond("one target changed", "1 write", ours, floors, 20*time.Millisecond)
	return nil
}

// part is something that is measured beside its floor.
type part struct {
	what, how string
	limit     float64 // for the ratio of their medians; 0: none
	before    func(context.Context) error
	do, floor func(context.Context) error
}

// inTurns measures a part and its floor, one after the other, now the one first and now
// the other.
func (b *bench) inTurns(ctx context.Context, p part) error {
	var ours, floors []cost
	for i := range 2 * b.runs {
		if p.before != nil {
			if err := p.before(ctx); err != nil {
				return err
			}
		}
		if (i+i/2)%2 == 0 {
			spent, err := timed(ctx, p.what, p.do)
			if err != nil {
				return err
			}
			ours = append(ours, spent)
			continue
		}
		spent, err := timed(ctx, "floor", p.floor)
		if err != nil {
			return err
		}
		floors = append(floors, spent)
	}
	b.table.addRatio(p.what, p.how, ours, floors, p.limit)
	return nil
}
