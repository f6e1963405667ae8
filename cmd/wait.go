package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/controller/status"
)

// How often wait asks again for what is no change of the status (sessions that end, a
// check of HAProxy's own), and how often at most for what is.
const (
	askAgain = 250 * time.Millisecond
	askRest  = 20 * time.Millisecond
)

// Of what was not come to while others were waited for it is asked once even so: it may be
// there, or be wrong for good.
const (
	notAsked = "the time was up before it was asked about"
	lastWord = 2 * time.Second
)

// waited is what became of one wait, in the form in which it is printed as JSON.
type waited struct {
	Subject string      `json:"subject"` // the container or service that was waited for
	Goal    status.Goal `json:"goal"`    // what was waited for
	Reached bool        `json:"reached"` // whether it came to that in time
	// Missing says what was still missing when the time was up.
	Missing string `json:"missing,omitempty"`
}

func newWait() *cobra.Command {
	var r reach
	var out output[[]waited]
	var goal string
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "wait CONTAINER|SERVICE...",
		Short: "Wait until containers are in service, or have finished",
		Long: "Wait returns when each container or service is in service on every gateway that is to\n" +
			"serve it, or, with --for drained, when no gateway gives it anything new and its\n" +
			"sessions on HAProxy have ended (those on Kong can't be counted). What comes up\n" +
			"only later is waited for as well. Of a service, copies that leave don't count as long as\n" +
			"others are there; name the containers to wait for just these:\n" +
			"  lockstep wait $(docker compose ps -q shop)\n" +
			"On Kong that is asked at its proxy (--kong-proxy-url of the daemon); without that, what\n" +
			"its Admin API has accepted counts as in service.\n" +
			"While it waits it says on a terminal what is missing; if that comes too late, the error does.\n\n" +
			"Exit codes: 0 reached, 1 not reached in time, or an error.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			w := waiting{reach: &r, goal: status.Goal(goal), line: progressOn(c.ErrOrStderr())}
			defer w.line.say("")
			if w.goal != status.GoalServing && w.goal != status.GoalDrained {
				return fmt.Errorf("unknown goal %q for --for; use serving or drained", goal)
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			var all []waited
			var failed error
			for _, subject := range args {
				done, err := w.until(ctx, subject)
				if err == nil && done.Missing == notAsked {
					err = w.once(c.Context(), &done)
				}
				if err != nil {
					return err
				}
				all = append(all, done)
				if !done.Reached {
					failed = errors.Join(failed, fmt.Errorf("%s is not %s after %s: %s", subject, goal, timeout, done.Missing))
				}
			}
			w.line.say("")
			return errors.Join(out.print(c, all, func(p *printer) { printWaited(p, all) }), failed)
		},
	}
	c.ValidArgsFunction = func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return r.subjects(c.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	r.bindReach(c.Flags())
	c.Flags().StringVar(&goal, "for", string(status.GoalServing), "`what` to wait for: serving or drained")
	complete(c, "for", string(status.GoalServing), string(status.GoalDrained))
	c.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait for all of them together")
	out.bind(c)
	return withEnvironment(c)
}

func printWaited(p *printer, all []waited) {
	for _, w := range all {
		if w.Reached {
			p.line("%s is %s", w.Subject, w.Goal)
		}
	}
}

// waiting is one run of the command.
type waiting struct {
	*reach
	goal status.Goal
	line *lastLine
}

// until waits for one subject until ctx ends. A daemon that does not answer, or not
// yet, is waited for as well; its last word is then what is missing.
func (w *waiting) until(ctx context.Context, subject string) (waited, error) {
	out := waited{Subject: subject, Goal: w.goal, Missing: notAsked}
	if _, port := status.PortOf(subject); port || status.IsURL(subject) {
		return out, fmt.Errorf("%q is an address; wait takes containers and services", subject)
	}
	query, known := url.Values{"subject": {subject}}, false
	for {
		var explanation status.Explanation
		err := w.get(ctx, "/explain", query, &explanation)
		refused, isRefused := errors.AsType[refusedError](err)
		switch {
		case ctx.Err() != nil:
			return out, out.ended(ctx)
		case isRefused && refused.code == http.StatusNotFound && known && w.goal == status.GoalDrained:
			out.Reached, out.Missing = true, ""
			return out, nil
		case isRefused && refused.code == http.StatusNotFound && w.goal == status.GoalDrained, isRefused && refused.code == http.StatusBadRequest:
			return out, err
		case err != nil:
			out.Missing = err.Error()
		default:
			known = true
			if out.Reached, out.Missing = explanation.Reaches(w.goal); out.Reached {
				return out, nil
			}
		}
		w.line.say("waiting for " + subject + ": " + out.Missing)
		rest := askAgain
		query.Del("after")
		if explanation.Revision != 0 {
			rest = askRest
			query.Set("after", strconv.FormatUint(explanation.Revision, 10))
			query.Set("within", askAgain.String())
		}
		select {
		case <-ctx.Done():
			return out, out.ended(ctx)
		case <-time.After(rest):
		}
	}
}

// once asks about a subject though the time is up.
func (w *waiting) once(ctx context.Context, out *waited) error {
	limited, cancel := context.WithTimeout(ctx, lastWord)
	defer cancel()
	var explanation status.Explanation
	err := w.get(limited, "/explain", url.Values{"subject": {out.Subject}}, &explanation)
	switch refused, isRefused := errors.AsType[refusedError](err); {
	case ctx.Err() != nil:
		return out.ended(ctx)
	case isRefused && (refused.code == http.StatusBadRequest || refused.code == http.StatusNotFound && w.goal == status.GoalDrained):
		return err
	case limited.Err() != nil: // that it was not asked about stands
	case err != nil:
		out.Missing = err.Error()
	default:
		out.Reached, out.Missing = explanation.Reaches(w.goal)
	}
	return nil
}

// ended is nil when the time is up, which is an answer, and the error of a wait
// that was broken off.
func (w *waited) ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil
	}
	return fmt.Errorf("broken off: %s was not %s yet: %s", w.Subject, w.Goal, w.Missing)
}
