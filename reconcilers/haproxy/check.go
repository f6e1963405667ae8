package haproxy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/program"
)

// conflicts finds binds that we are about to add and somebody else has.
func (r *Reconciler) conflicts(want *config.Model) error {
	had, own := r.bound(), sync.OnceValue(r.ownPorts)
	for _, text := range bind.Lines(want.Base()) {
		if had[text] {
			continue
		}
		b, err := bind.Parse(text)
		if err != nil {
			return err
		}
		for _, theirs := range r.user.Binds {
			if b.Overlaps(theirs.Address) {
				return conflict(fmt.Sprintf("bind %s is also that of %s", text, theirs.Place), "give one of them another port (--haproxy-bind)")
			}
		}
		if err := b.Probe(); err != nil && !own()[b.Port] {
			return conflict("bind "+text+": "+err.Error(), r.o.bindRemedy(b, err))
		}
	}
	return nil
}

// ownPorts returns the ports on which our process itself listens: the running one
// from a configuration that we no longer know, or one that is about to be replaced.
func (r *Reconciler) ownPorts() map[int]bool {
	switch r.condition.process {
	case processRuns:
		return bind.Ports(func(pid int) bool { return pid == r.live.pid })
	case processDeaf:
		return bind.Ports(r.process.Owns)
	}
	return nil
}

func conflict(message, fix string) error {
	return v1.Problem{Reason: v1.Conflict, Gateway: v1.HAProxy, Object: baseKey, Message: message, Fix: fix}
}

// check asks HAProxy itself about the whole set of files. A set that is wrong
// without ours is tried again later; one that ours makes wrong waits for a
// change of what is asked.
func (r *Reconciler) check(ctx context.Context, s disk.Staged) error {
	if r.program == "" {
		if err := r.askProgram(ctx); err != nil {
			return err
		}
	}
	files, err := r.dir.Configs(s)
	if err != nil {
		return err
	}
	message, err := program.Check(ctx, r.o.Binary, slices.Concat(r.o.ConfigFiles, files))
	if err != nil || message == "" {
		return err
	}
	for name, path := range s {
		if path != "" {
			message = strings.ReplaceAll(message, path, r.dir.File(name))
		}
	}
	strangers, err := r.dir.Strangers()
	if err != nil {
		return err
	}
	theirs := slices.Concat(r.o.ConfigFiles, strangers)
	wrong, err := program.Check(ctx, r.o.Binary, theirs)
	if err != nil {
		return err
	}
	if wrong != "" {
		return fmt.Errorf("HAProxy refuses the configuration files that are not ours (%s): %s; correct them, then it goes on by itself", strings.Join(theirs, ", "), wrong)
	}
	return v1.Problem{
		Reason: v1.GatewayRejected, Gateway: v1.HAProxy, Object: baseKey,
		Message: "HAProxy refuses the configuration: " + message, Fix: "run haproxy -c over the same files to see more",
	}
}
