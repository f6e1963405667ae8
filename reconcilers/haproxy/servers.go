package haproxy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
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

// server adds a server, or changes one. What needs one order only is returned, to
// be given together with others.
func (rt *runtime) server(s *step) (order, bool) {
	after, ok := s.change.After.Native.(place)
	if !ok {
		return order{}, false
	}
	if err := checkPlace(after); err != nil {
		s.fail(v1.GatewayRejected, err.Error(), "")
		return order{}, false
	}
	name := rt.nameOf(after)
	have, there := rt.r.model.server(after)
	ends := rt.endCommands(name, after.server, have.overdue)
	var err error
	switch _, goes := rt.r.leaving[after.String()]; {
	case there && have.address == after.server.address:
		return order{s, append(rt.setCommands(name, after, have), ends...), refused}, true
	case there:
		err = rt.move(name, after, have)
	case goes:
		err = rt.revive(name, after)
	default:
		commands, read := rt.add(name, after)
		return order{s, append(commands, ends...), read}, true
	}
	if err != nil {
		s.fail(v1.GatewayUnreachable, err.Error(), "")
	}
	if err != nil || len(ends) == 0 {
		return order{}, false
	}
	return order{s, ends, refused}, true
}

// String returns "backend/server" as it stands in a server's key.
func (p place) String() string { return p.backend + "/" + p.server.name }

// nameOf returns what the socket calls the server.
func (rt *runtime) nameOf(p place) string {
	return backendName(rt.r.o.Owner, rt.r.model.live(p.backend)) + "/" + p.server.name
}

// server returns a server as the model knows it to run.
func (m *model) server(p place) (server, bool) {
	b := m.backendOf(p.backend)
	if b == nil {
		return server{}, false
	}
	i, there := b.find(p.server.name)
	if !there {
		return server{}, false
	}
	return b.servers[i], true
}

func checkPlace(p place) error {
	if err := charset.Backend.Check(p.backend); err != nil {
		return err
	}
	if err := charset.Server.Check(p.server.name); err != nil {
		return err
	}
	return charset.Address.Check(p.server.address)
}

// add returns what registers a server and puts it into service, and how to read
// the answers.
func (rt *runtime) add(name string, p place) (commands []string, read func([]string) error) {
	b := rt.backend(p)
	commands = []string{"add server " + name + " " + p.server.address + " weight " + strconv.Itoa(p.server.weight) + b.options(&p.server)}
	if b.Check.Kind != "" {
		commands = append(commands, "enable health "+name)
	}
	if b.Sticky != "" { // only this gives a server that comes at runtime its cookie
		commands = append(commands, "set dynamic-cookie-key backend "+backendName(rt.r.o.Owner, b.live())+" "+b.Key)
	}
	return append(commands, b.stateCommand(name, p.server)), func(answers []string) error {
		switch {
		case strings.HasPrefix(answers[0], "New server registered"):
			return refused(answers[1:])
		case strings.HasPrefix(answers[0], "Already exists"):
			rt.broken = true // it was not known to be there: its address may be another
			return fmt.Errorf("HAProxy has a server %s already; looking at it afresh", name)
		}
		return refused(answers)
	}
}

// backend returns the backend of a server, as the process has it.
func (rt *runtime) backend(p place) *backend {
	if b := rt.r.model.backendOf(p.backend); b != nil {
		return b
	}
	return &backend{service: serviceOf(p.backend), Settings: setting.Default}
}

// move gives a server its address, and only then what else it should be. Requests
// under way to an old address end there; no idle connection to it is used again.
func (rt *runtime) move(name string, p place, have server) error {
	move, err := addressCommand(name, p.server)
	if err != nil {
		return err
	}
	answers, err := rt.command(move)
	if err != nil {
		return err
	}
	if !moved(answers[0]) {
		return refused(answers)
	}
	if answers, err = rt.command(rt.setCommands(name, p, have)...); err != nil {
		return err
	}
	return refused(answers)
}

// setCommands bring a server that has its address from what it is to what it should be.
func (rt *runtime) setCommands(name string, p place, have server) []string {
	commands := []string{weightCommand(name, p.server), rt.backend(p).stateCommand(name, p.server)}
	if have.maxconn != p.server.maxconn {
		commands = append(commands, "set maxconn server "+name+" "+strconv.Itoa(p.server.maxconn))
	}
	return commands
}

// moved reports whether a server has its address now. That it had it before is
// said in other words from 2.7 on.
func moved(answer string) bool {
	return strings.Contains(answer, "changed from") || strings.HasPrefix(answer, "no need to change") || strings.HasPrefix(answer, "nothing changed")
}

func addressCommand(name string, s server) (string, error) {
	host, port, err := splitAddress(s.address)
	if err != nil {
		return "", err
	}
	return "set server " + name + " addr " + host + " port " + port, nil
}

func weightCommand(name string, s server) string {
	return "set server " + name + " weight " + strconv.Itoa(s.weight)
}

// stateCommand sets the state of a server. One that drains still gets the
// requests of those who bear its cookie, for good. So where there is a cookie it is
// put into maintenance: what it has begun it finishes, and its clients go elsewhere.
func (b *backend) stateCommand(name string, s server) string {
	switch {
	case s.drain && b.Sticky != "":
		return "set server " + name + " state maint"
	case s.drain:
		return "set server " + name + " state drain"
	}
	return "set server " + name + " state ready"
}

// revive takes a server that was about to be deleted into service again.
func (rt *runtime) revive(name string, p place) error {
	delete(rt.r.leaving, p.String())
	err := rt.move(name, p, server{maxconn: -1}) // whatever it was
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
	before, ok := s.change.Before.Native.(place)
	if !ok || rt.r.condition.process != processRuns || !rt.r.backends[rt.r.model.live(before.backend)] {
		return order{}, false
	}
	if err := checkPlace(before); err != nil {
		s.fail(v1.GatewayRejected, err.Error(), "")
		return order{}, false
	}
	commands, read := rt.remove(before)
	return order{s, commands, read}, true
}

func (rt *runtime) remove(p place) (commands []string, read func([]string) error) {
	name, now := rt.nameOf(p), time.Now()
	l, known := rt.r.leaving[p.String()]
	if !known {
		l.deadline = now.Add(rt.r.patience(p.backend))
		if until := p.server.until; !until.IsZero() && until.Before(l.deadline) {
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
	if b := r.model.backendOf(backend); b != nil && b.Mode == setting.ModeTCP {
		return r.streamLeave
	}
	return leaveLimit
}

// refused returns the first answer that is an error. Success is silence.
func refused(answers []string) error {
	for _, answer := range answers {
		if answer != "" {
			return fmt.Errorf("HAProxy refused: %s", socket.FirstLine(answer))
		}
	}
	return nil
}
