package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lockstep/lockstep/e2e/harness"
	"github.com/lockstep/lockstep/internal/stage"
)

// traffic start GATEWAY HOST/PATH | stop: no request may have failed.
func traffic(_ context.Context, s story, verb string, args []string) error {
	switch {
	case verb == "start" && len(args) == 2:
		host, path := split(args[1])
		return s.StartTraffic(args[0], host, path)
	case verb == "stop" && s.Traffic != nil:
		sent, failed, first := s.StopTraffic()
		if failed > 0 || sent == 0 {
			return fmt.Errorf("%d of %d requests failed; %s", failed, sent, first)
		}
		s.Logf("%d requests, none failed", sent)
		return nil
	}
	return errUnknown("verb", "traffic "+verb)
}

// load start [-post] GATEWAY HOST CLIENTS | stop: as traffic, by clients that ask
// almost without a pause over connections that they keep. Several may be started.
func load(ctx context.Context, s story, verb string, args []string) error {
	if verb == "stop" {
		return stopLoads(s)
	}
	o := harness.LoadOptions{Method: http.MethodGet, Pace: pace}
	flags := flag.NewFlagSet("load start", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.BoolFunc("post", "", func(string) error { o.Method = http.MethodPost; return nil })
	err := flags.Parse(args)
	if err != nil || verb != "start" || flags.NArg() != 3 {
		return errors.Join(errUnknown("verb", "load "+verb), err)
	}
	if o.Address, err = s.Address(flags.Arg(0)); err != nil {
		return err
	}
	o.Host = flags.Arg(1)
	if o.Clients, err = strconv.Atoi(flags.Arg(2)); err != nil {
		return err
	}
	s.Loads = append(s.Loads, harness.StartLoad(ctx, o))
	return nil
}

// pace leaves other stories that run at the same time something of the machine.
const pace = 2 * time.Millisecond

// fewest is how many requests make a load that proves anything.
const fewest = 200

func stopLoads(s story) error {
	if len(s.Loads) == 0 {
		return errors.New("there is no load")
	}
	var problems []error
	for _, l := range s.Loads {
		problems = append(problems, l.Stop())
		if l.Failed() > 0 || l.Sent() < fewest {
			problems = append(problems, fmt.Errorf("%d of %d requests failed; %s", l.Failed(), l.Sent(), l.First()))
		}
		s.Logf("%d requests, %d failed", l.Sent(), l.Failed())
	}
	s.Loads = nil
	return errors.Join(problems...)
}

// containers run N [FLAG…] NAME LABEL… | rm N NAME | roll … | churn …:
// NAME-1 to NAME-N, all at once.
func containers(ctx context.Context, s story, verb string, args []string) error {
	switch verb {
	case "roll":
		return roll(ctx, s, args)
	case "churn":
		return churn(ctx, s, args)
	}
	if len(args) < 2 {
		return errors.New("usage: containers run|rm N NAME …")
	}
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	c := stage.Container{Name: args[1]}
	if verb == "run" {
		if c, err = cast(ctx, s, args[1:]); err != nil {
			return err
		}
	}
	var all errgroup.Group
	for i := 1; i <= n; i++ {
		one := c
		one.Name = fmt.Sprintf("%s-%d", c.Name, i)
		all.Go(func() error {
			if verb == "run" {
				return s.Stage.Run(ctx, one)
			}
			return container(ctx, s, verb, []string{one.Name})
		})
	}
	return all.Wait()
}

// roll TURNS HOST/PATH [FLAG…] NAME LABEL…: so many times another copy is started,
// and when it answers through HAProxy, the oldest is stopped and removed.
func roll(ctx context.Context, s story, args []string) error {
	if len(args) < 3 {
		return errors.New("usage: containers roll TURNS HOST/PATH [FLAG…] NAME LABEL…")
	}
	turns, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	c, err := cast(ctx, s, args[2:])
	if err != nil {
		return err
	}
	copies, err := numbered(ctx, s, c.Name)
	if err != nil {
		return err
	}
	name := c.Name
	host, path := split(args[1])
	var leaving errgroup.Group
	leaving.SetLimit(2)
	for range turns {
		c.Name = fmt.Sprintf("%s-%d", name, copies[len(copies)-1]+1)
		if err := s.Stage.Run(ctx, c); err != nil {
			return errors.Join(err, leaving.Wait())
		}
		if err := s.Reaches(ctx, "haproxy", host, path, c.Name); err != nil {
			return errors.Join(err, leaving.Wait())
		}
		old := fmt.Sprintf("%s-%d", name, copies[0])
		copies = append(copies[1:], copies[len(copies)-1]+1)
		leaving.Go(func() error {
			if err := s.Stage.Stop(ctx, old, 10*time.Second); err != nil {
				return err
			}
			return s.Stage.Remove(ctx, old)
		})
	}
	return leaving.Wait()
}

// numbered returns the numbers of the containers NAME-1, NAME-2 and so on that run.
func numbered(ctx context.Context, s story, name string) ([]int, error) {
	running, err := s.Stage.Running(ctx, "")
	if err != nil {
		return nil, err
	}
	var numbers []int
	for full := range running {
		if rest, ok := strings.CutPrefix(full, name+"-"); ok {
			if n, err := strconv.Atoi(rest); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("no %s-1 runs", name)
	}
	slices.Sort(numbers)
	return numbers, nil
}

// churn SEED TIMES|DURATION COUNT SERVICES [FLAG…] NAME LABEL…: NAME-1 to NAME-COUNT
// start and stop at random, so many times or for a while. # in a label stands for
// one of the numbers of so many services.
func churn(ctx context.Context, s story, args []string) error {
	if len(args) < 5 {
		return errors.New("usage: containers churn SEED TIMES|DURATION COUNT SERVICES [FLAG…] NAME LABEL…")
	}
	times, err := strconv.ParseInt(args[1], 10, 64)
	var duration time.Duration
	if err != nil {
		duration, err = time.ParseDuration(args[1])
	}
	if err != nil {
		return err
	}
	var numbers [3]int
	for i, text := range []string{args[0], args[2], args[3]} {
		if numbers[i], err = strconv.Atoi(text); err != nil {
			return err
		}
	}
	c, err := cast(ctx, s, args[4:])
	if err != nil {
		return err
	}
	all := make([]stage.Container, numbers[1])
	for i := range all {
		all[i] = c
		all[i].Name = fmt.Sprintf("%s-%d", c.Name, i+1)
		all[i].Labels = map[string]string{}
		for key, value := range c.Labels {
			all[i].Labels[key] = strings.ReplaceAll(value, "#", strconv.Itoa(i%numbers[2]))
		}
	}
	began := time.Now()
	done, err := s.Churn(ctx, uint64(numbers[0]), times, duration, all) //nolint:gosec // a seed
	s.Logf("%d containers started or stopped %d times within %s", len(all), done, time.Since(began).Round(time.Second))
	return err
}

// bounded PROCESSES MB waits until HAProxy is no more processes than that, old
// workers included, and neither they together nor the daemon hold more memory.
func bounded(ctx context.Context, s story, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: haproxy bounded PROCESSES MB")
	}
	limit, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	most, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return err
	}
	return harness.Until(ctx, func() error {
		processes, memory, err := s.HAProxyCost()
		if err != nil {
			return err
		}
		own, err := harness.Resident(s.PID())
		if err != nil {
			return err
		}
		text := fmt.Sprintf("haproxy: %d processes with %.0f MB; lockstep: %.0f MB", processes, memory, own)
		if processes > limit || memory > most || own > most {
			return errors.New(text)
		}
		s.Logf("%s", text)
		return nil
	})
}

// reloads N | storm RATE DURATION: HAProxy is reloaded by somebody else, one after
// the other, or is asked so often each second, whether it has done the last or not.
func reloads(ctx context.Context, s story, verb string, args []string) error {
	if verb == "reload" && len(args) == 1 {
		n, err := strconv.Atoi(args[0])
		for i := 0; i < n && err == nil; i++ {
			err = s.Reload(ctx)
		}
		return err
	}
	if verb != "storm" || len(args) != 2 {
		return errors.New("usage: haproxy reload N | storm RATE DURATION")
	}
	rate, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	return s.Storm(ctx, rate, d)
}

// changed MATCH METRIC waits until a metric of the daemon's matches.
func metric(ctx context.Context, s story, name string, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: metric NAME PATTERN")
	}
	pattern, err := regexp.Compile("^(" + args[0] + ")$")
	if err != nil {
		return err
	}
	return harness.Until(ctx, func() error {
		all, err := s.Metrics(ctx)
		if err != nil {
			return err
		}
		if value := strconv.FormatFloat(all[name], 'f', -1, 64); !pattern.MatchString(value) {
			return fmt.Errorf("metric %s is %s, not %s", name, value, args[0])
		}
		return nil
	})
}
