package haproxy

import (
	"fmt"
	"strconv"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// server adds a server, or changes one. What needs one order only is returned, to
// be given together with others.
func (rt *runtime) server(s *step) (order, bool) {
	after, ok := s.change.After.Native.(config.Place)
	if !ok {
		return order{}, false
	}
	if err := checkPlace(after); err != nil {
		s.fail(v1.GatewayRejected, err.Error(), "")
		return order{}, false
	}
	name := rt.nameOf(after)
	have, there := rt.r.model.Server(after)
	ends := rt.endCommands(name, after.Server, have.Overdue)
	var err error
	switch _, goes := rt.r.leaving[after.String()]; {
	case there && have.Address == after.Server.Address:
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

// nameOf returns what the socket calls the server.
func (rt *runtime) nameOf(p config.Place) string {
	return routemap.Backend(rt.r.o.Owner, rt.r.model.Live(p.Backend)) + "/" + p.Server.Name
}

func checkPlace(p config.Place) error {
	if err := charset.Backend.Check(p.Backend); err != nil {
		return err
	}
	if err := charset.Server.Check(p.Server.Name); err != nil {
		return err
	}
	return charset.Address.Check(p.Server.Address)
}

// add returns what registers a server and puts it into service, and how to read
// the answers.
func (rt *runtime) add(name string, p config.Place) (commands []string, read func([]string) error) {
	b := rt.backend(p)
	commands = []string{"add server " + name + " " + p.Server.Address + " weight " + strconv.Itoa(p.Server.Weight) + b.Options(&p.Server)}
	if b.Check.Kind != "" {
		commands = append(commands, "enable health "+name)
	}
	if b.Sticky != "" { // only this gives a server that comes at runtime its cookie
		commands = append(commands, "set dynamic-cookie-key backend "+routemap.Backend(rt.r.o.Owner, b.Live())+" "+b.Key)
	}
	return append(commands, stateCommand(b, name, p.Server)), func(answers []string) error {
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
func (rt *runtime) backend(p config.Place) *config.Backend {
	if b := rt.r.model.Backend(p.Backend); b != nil {
		return b
	}
	return &config.Backend{Service: config.ServiceOf(p.Backend), Settings: setting.Default}
}

// move gives a server its address, and only then what else it should be. Requests
// under way to an old address end there; no idle connection to it is used again.
func (rt *runtime) move(name string, p config.Place, have config.Server) error {
	move, err := addressCommand(name, p.Server)
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
func (rt *runtime) setCommands(name string, p config.Place, have config.Server) []string {
	commands := []string{weightCommand(name, p.Server), stateCommand(rt.backend(p), name, p.Server)}
	if have.MaxConn != p.Server.MaxConn {
		commands = append(commands, "set maxconn server "+name+" "+strconv.Itoa(p.Server.MaxConn))
	}
	return commands
}

// moved reports whether a server has its address now. That it had it before is
// said in other words from 2.7 on.
func moved(answer string) bool {
	return strings.Contains(answer, "changed from") || strings.HasPrefix(answer, "no need to change") || strings.HasPrefix(answer, "nothing changed")
}

func addressCommand(name string, s config.Server) (string, error) {
	host, port, err := splitAddress(s.Address)
	if err != nil {
		return "", err
	}
	return "set server " + name + " addr " + host + " port " + port, nil
}

func weightCommand(name string, s config.Server) string {
	return "set server " + name + " weight " + strconv.Itoa(s.Weight)
}

// stateCommand sets the state of a server. One that drains still gets the
// requests of those who bear its cookie, for good. So where there is a cookie it is
// put into maintenance: what it has begun it finishes, and its clients go elsewhere.
func stateCommand(b *config.Backend, name string, s config.Server) string {
	switch {
	case s.Drain && b.Sticky != "":
		return "set server " + name + " state maint"
	case s.Drain:
		return "set server " + name + " state drain"
	}
	return "set server " + name + " state ready"
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
