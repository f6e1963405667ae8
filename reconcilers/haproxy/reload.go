package haproxy

import (
	"context"
	"errors"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// harden makes the changes for which HAProxy must load the files: it checks
// the whole set with `haproxy -c`, writes, reloads or starts, and waits until
// the new worker answers.
func (r *Reconciler) harden(ctx context.Context, steps []*step) {
	if r.reloads.Tokens() < 1 {
		r.watched.later(r.o.ReloadEvery)
		for _, s := range steps {
			s.fail(v1.Starting, "waits for the next reload of HAProxy, of which there is one every "+r.o.ReloadEvery.String(), "")
		}
		return
	}
	want, table, steps := r.fitting(steps)
	if len(steps) == 0 {
		return
	}
	staged, err := r.stage(ctx, want, table)
	for err != nil && (r.blameCertificates(steps, err) || r.blameSections(ctx, steps, err)) {
		if want, table, steps = r.fitting(pending(steps)); len(steps) == 0 {
			return
		}
		staged, err = r.stage(ctx, want, table)
	}
	if err != nil {
		failAll(steps, err)
		return
	}
	err = r.dir.CommitAll(staged)
	if err == nil {
		err = r.writeMaps(want, table)
	}
	if err != nil {
		failAll(steps, err)
		return
	}
	// From here on the files are ahead of the process until it has loaded them.
	r.model, r.table, r.known = want, table, false
	r.reloads.Allow() // takes one: only we do, so it is there
	reason := reasonOf(steps)
	if r.condition.process == processRuns {
		r.o.Log.Info("reloading haproxy", "reason", reason, "changes", len(steps))
	}
	r.metrics.reloads.WithLabelValues(reason).Inc()
	err = r.load(ctx, want.Generation())
	if err == nil {
		err = r.sweepPages()
	}
	if err == nil {
		err = r.sweepAuthorities()
	}
	if err != nil {
		failAll(steps, err)
		return
	}
	r.behind.certs = true
}

// fitting returns what the files are to say, with the steps that it comes from: less those
// that failed because of addresses that somebody else has, and those that must not be
// made without them.
func (r *Reconciler) fitting(steps []*step) (want *config.Model, table *routemap.Table, left []*step) {
	for len(steps) > 0 {
		want, table = r.wanted(steps)
		if err := r.conflicts(want); err != nil {
			// A running HAProxy keeps its binds, and takes the services nevertheless.
			r.refuseBase(steps, err)
		}
		if len(pending(steps)) == len(steps) && !r.blameBinds(steps, want) && !r.restrain(steps, want) && !r.awaitPorts(steps, want) {
			r.shed(steps, want)
			break
		}
		steps = pending(steps)
	}
	return want, table, steps
}

// stage writes the files that are to change beside the real ones and has them
// checked. Maps that are missing must be there for it: HAProxy refuses to start
// without them.
func (r *Reconciler) stage(ctx context.Context, want *config.Model, table *routemap.Table) (disk.Staged, error) {
	r.behind.certs = true // until they are live, and those that go are gone
	if err := crt.Write(r.dir, want.Certs); err != nil {
		return nil, err
	}
	for _, name := range []string{disk.Routes, disk.Patterns} {
		have, err := r.dir.Read(name)
		if err == nil && have == nil {
			err = r.writeMaps(want, table)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := r.writePages(); err != nil {
		return nil, err
	}
	if err := r.writeAuthorities(want); err != nil {
		return nil, err
	}
	staged, err := r.dir.StageAll(want.Content())
	if err != nil {
		return nil, err
	}
	if err := r.check(ctx, staged); err != nil {
		r.dir.DiscardAll(staged)
		return nil, err
	}
	return staged, nil
}

func isBase(s *step) bool {
	_, ok := s.change.Object().Native.(condition)
	return ok
}

// refuseBase fails the step about HAProxy's own sections, or all of them when
// HAProxy can't go on with those that it has.
func (r *Reconciler) refuseBase(steps []*step, err error) {
	goesOn := r.condition.process == processRuns && r.condition.loaded == "yes" && r.model.Base() != ""
	for _, s := range steps {
		if !goesOn || isBase(s) {
			failAll([]*step{s}, err)
		}
	}
}

// reasonOf says in one word why HAProxy must load its files.
func reasonOf(steps []*step) string {
	reason := "service"
	for _, s := range steps {
		switch of := s.change.Object().Native.(type) {
		case condition:
			before, _ := beforeCondition(s.change)
			if before.process != of.process {
				return "start"
			}
			reason = "sections"
		case *native.Section, *frontend.Opening, *routemap.Restriction:
			reason = "sections"
		case *config.Backend, config.Place:
			if s.change.Before != nil && reason == "service" {
				reason = "options"
			}
		}
	}
	return reason
}

// load makes HAProxy take over the files and waits until it has.
func (r *Reconciler) load(ctx context.Context, generation string) error {
	if err := r.before("load"); err != nil {
		return err
	}
	l, can := &loading{r: r, generation: generation}, r.can()
	starts := r.condition.process != processRuns
	if !starts {
		l.old, r.live = r.live, identity{} // whoever comes next is of our making
		if err := l.reload(ctx); err != nil {
			return err
		}
	} else {
		if r.process == nil {
			return errors.New("HAProxy is not running; start it")
		}
		if r.condition.process == processDeaf {
			if err := r.giveWay(ctx); err != nil {
				return err
			}
		}
		if err := r.process.Start(ctx); err != nil {
			return err
		}
	}
	id, err := l.await(ctx)
	if err != nil {
		return err
	}
	if starts {
		r.o.Log.Info("haproxy was started", "pid", r.process.PID(), "version", r.version)
	}
	r.loaded(id)
	r.handover(ctx)
	if r.can() != can { // the program was replaced meanwhile: what was asked for may mean something else now
		r.watched.later(0)
	}
	return nil
}

// loaded notes that the process runs exactly what the model says.
func (r *Reconciler) loaded(id identity) {
	r.live = id
	r.leaving = map[string]leaving{}
	r.running, r.patterns = r.table.All(), r.table.Patterns()
	r.certs = r.model.LiveCertificates()
	r.backends = map[string]bool{":hold": true}
	for b := range r.model.Backends() {
		r.backends[b.Live()] = true
	}
	if r.hosts != nil {
		r.hosts = routemap.Hosts(r.model.Routes())
	}
	r.condition = condition{text: digest.Of(r.model.Base()), process: processRuns, loaded: "yes", files: "current", routes: "current"}
	r.known, r.behind = true, behind{}
	r.see(id)
}

// peek asks who answers on the stats socket.
func (r *Reconciler) peek(ctx context.Context) (identity, error) {
	s, err := socket.Dial(ctx, r.o.StatsSocket, r.o.Timeout)
	if err != nil {
		return identity{}, err
	}
	defer s.Close()
	return r.identify(s)
}
