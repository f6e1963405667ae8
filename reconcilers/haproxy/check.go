package haproxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// conflicts finds binds that we are about to add and somebody else has.
func (r *Reconciler) conflicts(want *model) error {
	had, own := r.bound(), sync.OnceValue(r.ownPorts)
	for _, text := range bind.Lines(want.base) {
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
		master := r.process.master()
		return bind.Ports(func(pid int) bool { return pid == master || parentOf(pid) == master })
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
	message, err := r.ask(ctx, slices.Concat(r.o.ConfigFiles, files))
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
	wrong, err := r.ask(ctx, theirs)
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

// noListener is the code with which HAProxy finds no error and nothing to do.
const noListener = 2

// ask runs `haproxy -c` over files, in HAProxy's order, and returns its
// complaint; "" when all is well.
func (r *Reconciler) ask(ctx context.Context, files []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if len(files) == 0 {
		return "", nil
	}
	arguments := []string{"-W", "-c"}
	for _, file := range files {
		arguments = append(arguments, "-f", file)
	}
	output, err := exec.CommandContext(ctx, r.o.Binary, arguments...).CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil, errors.As(err, &exit) && exit.ExitCode() == noListener:
		return "", nil
	case errors.As(err, &exit) && ctx.Err() == nil:
		return complaint(output), nil
	}
	return "", binaryTrouble(r.o.Binary, err)
}

func binaryTrouble(binary string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("HAProxy's program %q is not here: install HAProxy 2.6 or newer (Debian: apt-get install haproxy), or name it with --haproxy-binary: %w", binary, err)
	}
	return fmt.Errorf("run %s: %w", binary, err)
}

// complaint picks the alerts out of HAProxy's output.
func complaint(output []byte) string {
	var alerts []string
	for line := range bytes.Lines(output) {
		text := strings.TrimSpace(string(line))
		if _, message, ok := strings.Cut(text, "[ALERT]"); ok {
			_, message, _ = strings.Cut(message, ": ")
			message = strings.TrimPrefix(strings.TrimSpace(message), "config : ")
			if !strings.HasPrefix(message, "Error(s) found in") && !strings.HasPrefix(message, "Fatal errors found") {
				alerts = append(alerts, message)
			}
		}
	}
	if len(alerts) > 3 {
		alerts = append(alerts[:3], "…")
	}
	if len(alerts) == 0 {
		return strings.TrimSpace(string(output))
	}
	return strings.Join(alerts, "; ")
}
