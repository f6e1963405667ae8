package e2e

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/e2e/harness"
)

// haproxy kill | gone | holds N PATTERN | tap | told-nothing | equal | signal SIGNAL
// master|worker | reload N | storm RATE DURATION | bounded PROCESSES MB
func haproxy(ctx context.Context, s story, verb string, args []string) error {
	switch verb {
	case "kill":
		return s.KillHAProxy()
	case "gone":
		return harness.Until(ctx, func() error {
			pids, err := s.HAProxyPIDs()
			if err == nil && len(pids) > 0 {
				err = fmt.Errorf("haproxy still runs: %v", pids)
			}
			return err
		})
	case "holds":
		return holds(ctx, args, s.HAProxyFiles)
	case "equal":
		return harness.Until(ctx, func() error { return s.EqualsWorld(ctx) })
	case "signal":
		return signal(ctx, s, args)
	case "reload", "storm":
		return reloads(ctx, s, verb, args)
	case "bounded":
		return bounded(ctx, s, args)
	case "tap":
		return s.Tap()
	case "told-nothing":
		if told := s.Told(); len(told) > 0 {
			return fmt.Errorf("haproxy was told %q", told)
		}
		return nil
	}
	return errUnknown("verb", "haproxy "+verb)
}

// signals are those that a story can send. A process that was stopped is asked
// nothing any more, so CONT goes to the one that STOP went to.
var signals = map[string]syscall.Signal{
	"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
	"STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
}

func signal(ctx context.Context, s story, args []string) error {
	if len(args) != 2 || signals[args[0]] == 0 {
		return errors.New("usage: haproxy signal SIGNAL master|worker")
	}
	pid, err := strconv.Atoi(s.Getenv("STOPPED"))
	if args[0] != "CONT" {
		err = harness.Until(ctx, func() (err error) { // it may be busy, or just be replaced
			pid, err = s.HAProxyPID(ctx, args[1])
			return err
		})
	}
	if err != nil {
		return err
	}
	s.Setenv("STOPPED", strconv.Itoa(pid))
	return syscall.Kill(pid, signals[args[0]])
}

// kong down | up | empty | slow/late DURATION | written N | put PATH BODY | holds N PATTERN | mark | unchanged
func kong(ctx context.Context, s story, verb string, args []string) error {
	switch {
	case verb == "down":
		return s.Kong.Down()
	case verb == "up":
		return s.Kong.Up()
	case verb == "empty":
		return s.Kong.Empty()
	case (verb == "slow" || verb == "late") && len(args) == 1:
		delay, err := time.ParseDuration(args[0])
		if err != nil {
			return err
		}
		if verb == "late" {
			return s.Kong.Late(delay)
		}
		return s.Kong.Slow(delay)
	case verb == "written" && len(args) == 1:
		return written(ctx, s, args[0])
	case verb == "put" && len(args) == 2:
		return s.Kong.Put(ctx, args[0], args[1])
	case verb == "holds":
		return holds(ctx, args, s.Kong.World)
	case verb == "mark" || verb == "unchanged":
		writes, err := s.Kong.Writes()
		if err != nil {
			return err
		}
		return unchanged(s, "KONG_MARK", verb, fmt.Sprintf("%d writes at Kong", writes))
	}
	return errUnknown("verb", "kong "+verb)
}

// written waits until Kong got that many writes since it was slowed down.
func written(ctx context.Context, s story, count string) error {
	want, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	return harness.Until(ctx, func() error {
		got, err := s.Kong.WrittenSlowly()
		if err == nil && got < want {
			err = fmt.Errorf("kong got %d of %d writes", got, want)
		}
		return err
	})
}

// holds waits until a text has exactly N matches of a pattern.
func holds(ctx context.Context, args []string, read func() (string, error)) error {
	if len(args) != 2 {
		return errors.New("usage: holds N PATTERN")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	if err != nil {
		return err
	}
	return harness.Until(ctx, func() error {
		text, err := read()
		if got := len(pattern.FindAllString(text, -1)); err == nil && got != want {
			err = fmt.Errorf("%d matches of %q, not %d, in:\n%s", got, args[1], want, text)
		}
		return err
	})
}

// gateways mark | unchanged: nothing was written to Kong, no file of HAProxy's
// was touched, and HAProxy was neither reloaded nor restarted, since the mark.
func gateways(ctx context.Context, s story, verb string, _ []string) error {
	if verb == "mark" { // a worker of before the last reload ends when it is done
		if err := harness.Until(ctx, s.OneWorker); err != nil {
			return err
		}
	}
	files, err := s.HAProxyMark()
	if err != nil {
		return err
	}
	writes, err := s.Kong.Writes()
	if err != nil {
		return err
	}
	return unchanged(s, "MARK", verb, fmt.Sprintf("%d writes at Kong\n%s", writes, files))
}

// unchanged keeps a text under a name at "mark", and holds it against the one
// that is kept at "unchanged".
func unchanged(s story, name, verb, now string) error {
	switch verb {
	case "mark":
		s.Setenv(name, now)
		return nil
	case "unchanged":
		if before := s.Getenv(name); now != before {
			return fmt.Errorf("the gateways were touched; before:\n%s\nnow:\n%s", before, now)
		}
		return nil
	}
	return errUnknown("verb", verb)
}
