package haproxy

import (
	"fmt"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// leaving is a server that is out of service and was not deleted yet, because
// requests are still under way to it: those that have not reached it are sent
// elsewhere, but not if their session were ended.
type leaving struct {
	next     time.Time // when to try again
	tries    int
	deadline time.Time // when its sessions are ended
}

const (
	// leaveLimit is how long a request to a server that is gone may go on.
	leaveLimit = 30 * time.Second
	// streamLeave is the same for a stream, which has no end of its own: its clients
	// would wait for one who is no more. Those that are only about to be connected are
	// sent elsewhere meanwhile.
	streamLeave = 5 * time.Second
	// leaveRetry is the time to the second try to delete a server; it doubles.
	leaveRetry = 500 * time.Millisecond
)

// revive takes a server that was about to be deleted into service again.
func (rt *runtime) revive(name string, p config.Place) error {
	delete(rt.r.leaving, p.String())
	err := rt.move(name, p, config.Server{MaxConn: -1}) // whatever it was
	if err == nil || !strings.Contains(err.Error(), noSuchServer) {
		return err
	}
	commands, read := rt.add(name, p)
	answers, err := rt.command(commands...)
	if err != nil {
		return err
	}
	return read(answers)
}

const noSuchServer = "No such server"

// removeServer takes a server out of service at once: whoever is behind its
// address now must not get what was meant for it. It is deleted as soon as no
// request is under way to it.
func (rt *runtime) removeServer(s *step) (order, bool) {
	before, ok := s.change.Before.Native.(config.Place)
	if !ok || rt.r.condition.process != processRuns || !rt.r.backends[rt.r.model.Live(before.Backend)] {
		return order{}, false
	}
	if err := checkPlace(before); err != nil {
		s.fail(v1.GatewayRejected, err.Error(), "")
		return order{}, false
	}
	_, s.again = rt.r.leaving[before.String()]
	commands, read := rt.remove(before)
	return order{s, commands, read}, true
}

func (rt *runtime) remove(p config.Place) (commands []string, read func([]string) error) {
	name, now := rt.nameOf(p), time.Now()
	l, known := rt.r.leaving[p.String()]
	if !known {
		l.deadline = now.Add(rt.r.patience(p.Backend))
		if until := p.Server.Until; !until.IsZero() && until.Before(l.deadline) {
			l.deadline = until
		}
	}
	commands = []string{"set server " + name + " state maint"}
	if !now.Before(l.deadline) {
		commands = append(commands, "shutdown sessions server "+name)
	}
	return append(commands, "del server "+name), func(answers []string) error {
		last := answers[len(answers)-1]
		switch {
		case strings.HasPrefix(last, "Server deleted"), strings.HasPrefix(last, noSuchServer), strings.HasPrefix(last, "No such backend"):
			delete(rt.r.leaving, p.String())
			return nil
		case strings.Contains(last, "still has connections"):
			wait := leaveRetry << min(l.tries, 6)
			if left := l.deadline.Sub(now); left > 0 {
				wait = min(wait, left)
			}
			l.tries++
			l.next = now.Add(wait)
			rt.r.leaving[p.String()] = l
			rt.r.watched.later(wait)
			return nil
		}
		rt.broken = true
		return fmt.Errorf("HAProxy keeps server %s, out of service: %s", name, socket.FirstLine(last))
	}
}

// patience is how long what is under way to a server of a backend that is gone may
// go on.
func (r *Reconciler) patience(backend string) time.Duration {
	if b := r.model.Backend(backend); b != nil && b.Mode == setting.ModeTCP {
		return r.streamLeave
	}
	return leaveLimit
}
