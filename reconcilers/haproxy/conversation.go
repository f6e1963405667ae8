package haproxy

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// runtime is one conversation with the worker that we know. It begins when there
// is something to say.
type runtime struct {
	r       *Reconciler
	ctx     context.Context
	session *socket.Session
	broken  bool  // the process may be in another state than we think
	err     error // why no conversation is possible
}

// open starts the conversation when there is something to say, and makes sure
// that the worker is the one whose state we know.
func (rt *runtime) open() error {
	if rt.session != nil || rt.err != nil {
		return rt.err
	}
	rt.session, rt.err = socket.Dial(rt.ctx, rt.r.o.StatsSocket, rt.r.o.Timeout)
	if rt.err == nil {
		var id identity
		id, rt.err = rt.r.identify(rt.session)
		if rt.err == nil && id != rt.r.live {
			rt.err = fmt.Errorf("HAProxy was reloaded or restarted by somebody else (pid %d, was %d); looking at it afresh", id.pid, rt.r.live.pid)
		}
	}
	if rt.err != nil {
		rt.broken = true
	}
	return rt.err
}

func (rt *runtime) close() {
	if rt.session != nil {
		rt.session.Close()
	}
}

// command sends commands that change something, and counts them.
func (rt *runtime) command(commands ...string) ([]string, error) {
	if err := rt.allowed(commands[0]); err != nil {
		return nil, err
	}
	return rt.say(commands)
}

// allowed opens the conversation, and asks the tests whether something may be said.
func (rt *runtime) allowed(first string) error {
	err := rt.ctx.Err()
	if err == nil {
		err = rt.open()
	}
	if err == nil {
		err = rt.r.before(socket.FirstLine(first))
	}
	if err != nil {
		rt.broken = true
	}
	return err
}

func (rt *runtime) say(commands []string) ([]string, error) {
	for _, command := range commands {
		words := strings.Fields(command)
		rt.r.metrics.commands.WithLabelValues(words[0] + " " + words[1]).Inc()
	}
	answers, err := rt.session.Send(commands)
	if err != nil {
		rt.broken = true
	}
	return answers, err
}

// order is what HAProxy is to be told for one step, without waiting in between,
// and how to read its answers.
type order struct {
	step     *step
	commands []string
	read     func(answers []string) error
}

// give makes the orders of many steps out and gives all of them in one go, so that
// a thousand cost little more than HAProxy's own time. Each stands for itself: one
// that is refused fails its step alone; where the conversation breaks off, those
// fail whose answers have not all arrived.
func (rt *runtime) give(steps []*step, make func(*step) (order, bool)) {
	var orders []order
	var commands []string
	var broken error
	for _, s := range steps {
		o, ok := make(s)
		if !ok {
			continue
		}
		if broken == nil {
			broken = rt.allowed(o.commands[0])
		}
		if orders = append(orders, o); broken == nil {
			commands = append(commands, o.commands...)
		}
	}
	var answers []string
	if len(commands) > 0 {
		var err error
		if answers, err = rt.say(commands); err != nil {
			broken = err
		}
	}
	for _, o := range orders {
		n := len(o.commands)
		err := broken
		if n <= len(answers) {
			err = o.read(answers[:n])
		}
		answers = answers[min(n, len(answers)):]
		if err != nil {
			o.step.fail(v1.GatewayUnreachable, err.Error(), "")
		}
	}
}
