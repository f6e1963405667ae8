package cmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/manifests"
)

// outcome is what became of a daemon that ran until everything was up to date, or until its
// time was up.
type outcome struct {
	report    status.Report
	confirmed []string // what the guard held back and was let go
	missing   []string // what was not done in time
}

// applyOnce is the daemon until every gateway holds what is desired, and says what became of
// it. Nobody is there afterwards to whom a mistake would show: so anything wrong is an error,
// and while a manifest is wrong nothing is changed, or its service could go for a typo.
func applyOnce(c *cobra.Command, version string, s *settings, m manner, out *output[applied]) error {
	if err := refuseWrong(c, s, m.timeout, out); err != nil {
		return err
	}
	var became outcome
	m.outcome = &became
	if err := begin(c, version, s, m); err != nil {
		return err
	}
	report := became.report
	answer := applied{Result: "up to date", Confirmed: became.confirmed, Missing: became.missing, Problems: problemLines(report)}
	for i, line := range answer.Problems {
		answer.Problems[i] = strings.ReplaceAll(line, status.LetGo, letGoOnce)
	}
	var failed error
	switch {
	case len(became.missing) > 0:
		failed = fmt.Errorf("not done after %s: %s", m.timeout, strings.Join(became.missing, "; "))
	case isWrong(report):
		failed = errors.New("not everything is served as asked: see the problems")
	}
	if failed != nil {
		answer.Result = "incomplete"
	}
	return errors.Join(out.print(c, answer, func(p *printer) { printOutcome(p, report, answer) }), failed)
}

// refuseWrong returns an error, and says where, when anything in the folders of manifests is
// wrong, also beside what the repository declares. Of a repository itself, a wrong commit is not
// taken where an earlier one counts; where none does, what is wrong in the first is not served,
// as with a daemon.
func refuseWrong(c *cobra.Command, s *settings, timeout time.Duration, out *output[applied]) error {
	v := validation{settings: *s, served: true}
	report, texts, err := v.validate(c.Context(), s.manifests)
	if err != nil {
		return fmt.Errorf("--manifests: %w", err)
	}
	if len(report.Problems) > 0 && s.git.named() {
		log, err := newLogger(c.ErrOrStderr(), s.logFormat, s.logLevel)
		if err != nil {
			return err
		}
		ctx := c.Context()
		if timeout > 0 {
			limited, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			ctx = limited
		}
		if err := besideRepository(ctx, s, log, &report, texts); err != nil {
			return err
		}
	}
	if len(report.Problems) == 0 {
		return nil
	}
	answer := applied{Result: "refused"}
	for _, problem := range report.Problems {
		answer.Problems = append(answer.Problems, problem.Error())
	}
	report.Hints = nil
	err = out.print(c, answer, func(p *printer) { printValidation(p, report, texts) })
	return errors.Join(err, errors.New("nothing is applied while manifests are wrong"))
}

// besideRepository leaves out of a report what is wrong with files of folders by themselves
// alone: what they refer to may stand in the repository.
func besideRepository(ctx context.Context, s *settings, log *slog.Logger, report *manifests.Report, texts map[string][]byte) error {
	tree, err := firstTree(ctx, s, log)
	if err != nil {
		return fmt.Errorf("whether manifests are wrong is not known without the repository: %w", err)
	}
	all := maps.Clone(texts)
	for _, leaf := range tree.Leaves {
		all[tree.Commit+":"+leaf.Path] = leaf.Text
	}
	alone, beside := places(manifests.Validate(texts, nil)), places(manifests.Validate(all, nil))
	report.Problems = slices.DeleteFunc(report.Problems, func(p v1.Problem) bool { return alone[p.Origin] && !beside[p.Origin] })
	return nil
}

// places are where something is wrong.
func places(report manifests.Report) map[v1.Origin]bool {
	wrong := map[v1.Origin]bool{}
	for _, problem := range report.Problems {
		wrong[problem.Origin] = true
	}
	return wrong
}

// printOutcome prints what was done, and what is wrong.
func printOutcome(p *printer, report status.Report, answer applied) {
	printSources(p, report.Sources)
	for _, g := range report.Gateways {
		if g.Reason == v1.Serving {
			p.line("%s is up to date: %s", g.Name, count(g.Changes, "change"))
		}
	}
	if len(answer.Confirmed) > 0 {
		p.line("let go, as --confirm says, what the guard held back:")
	}
	for _, removal := range answer.Confirmed {
		p.painted(red, "  - %s", removal)
	}
	listProblems(p, answer.Problems)
}

// letGoOnce is status.LetGo where there is no daemon.
const letGoOnce = "lockstep apply --once --confirm"

// once returns when every gateway holds what is desired, or the time is up, and says in the
// log what it waits for. It is an error to be broken off before.
func (d *daemon) once(ctx context.Context, m manner, log *slog.Logger) error {
	var saying sync.WaitGroup
	defer saying.Wait()
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	if m.timeout > 0 {
		log = log.With("at_most", m.timeout)
		var end context.CancelFunc
		limited, end = context.WithTimeout(limited, m.timeout)
		defer end()
	}
	saying.Go(func() { d.sayMissing(limited, log) })
	done := d.untilSettled(limited, m.dryRun)
	var confirmed, missing []string
	if done && m.confirm {
		confirmed, done = d.letGo(limited, log)
	}
	if !done {
		for _, one := range d.status.Missing() {
			missing = append(missing, one.Text)
		}
		if m.confirm {
			for _, removal := range slices.Sorted(maps.Keys(d.held())) {
				missing = append(missing, removal+": still kept back")
			}
		}
		if len(missing) == 0 { // it was all but done
			missing = []string{"what was found on the way is not applied yet"}
		}
	}
	if !done && ctx.Err() != nil {
		return fmt.Errorf("broken off before everything was applied: %s", strings.Join(missing, "; "))
	}
	if m.outcome != nil {
		*m.outcome = outcome{report: d.status.Report(), confirmed: confirmed, missing: missing}
	}
	return nil
}

// letGo has everything go that guards hold back, and returns that; false when ctx ended before.
func (d *daemon) letGo(ctx context.Context, log *slog.Logger) (gone []string, done bool) {
	for {
		held := d.held()
		if len(held) == 0 {
			return gone, true
		}
		var news []string
		for removal := range held {
			if !slices.Contains(gone, removal) {
				news = append(news, removal)
			}
		}
		slices.Sort(news)
		gone = append(gone, news...)
		log.Info("let go what was held back", "held", len(held), "first", gone[0])
		d.controller.Confirm()
		d.until(ctx, func() bool {
			still := d.held()
			maps.DeleteFunc(still, func(removal string, _ bool) bool { return !held[removal] })
			return len(still) == 0
		})
		if !d.untilSettled(ctx, false) {
			return gone, false
		}
	}
}

// held returns what guards hold back, each with its gateway.
func (d *daemon) held() map[string]bool {
	held := map[string]bool{}
	for _, g := range d.status.Report().Gateways {
		for _, h := range g.Held {
			held[string(g.Name)+": "+h.Sentence] = true
		}
	}
	return held
}

// sayMissing says in the log what fails and is waited for, whenever that is something else,
// until ctx ends.
func (d *daemon) sayMissing(ctx context.Context, log *slog.Logger) {
	var said []string
	d.until(ctx, func() bool {
		var failing []string
		for _, one := range d.status.Missing() {
			if one.Failing {
				failing = append(failing, one.Text)
			}
		}
		if len(failing) > 0 && !slices.Equal(failing, said) {
			log.Info("waiting", "for", strings.Join(failing, "; "))
			said = failing
		}
		return false
	})
}

// isWrong reports whether something that was asked for is wrong, or is not served for another
// reason than that containers are not there or not ready.
func isWrong(report status.Report) bool {
	for _, g := range report.Gateways {
		if g.Error != "" || len(g.Held) > 0 || anyFault(g.Problems) {
			return true
		}
	}
	for _, service := range report.Services {
		for _, route := range service.Routes {
			if slices.ContainsFunc(route.Verdicts, func(v desired.Verdict) bool { return isFault(v.Reason) }) {
				return true
			}
		}
		if anyFault(service.Problems) {
			return true
		}
	}
	return slices.ContainsFunc(report.Refused, func(r status.Refused) bool { return anyFault(r.Problems) }) ||
		slices.ContainsFunc(report.Sources, func(s source.State) bool {
			return s.Error != "" || s.Refused != "" || len(s.Problems) > 0
		})
}

// anyFault reports whether one of some problems is a fault.
func anyFault(problems []v1.Problem) bool {
	return slices.ContainsFunc(problems, func(p v1.Problem) bool { return isFault(p.Reason) })
}

// isFault reports whether a reason is a mistake or a refusal, and not how containers are just
// now, or what somebody else did on purpose.
func isFault(reason v1.Reason) bool {
	switch reason {
	case v1.InvalidLabel, v1.InvalidManifest, v1.NoPort, v1.NoSharedNetwork, v1.Conflict, v1.PolicyDenied,
		v1.NotExpressible, v1.GatewayRejected, v1.GatewayUnreachable, v1.GatewayUnwritable, v1.HeldByGuard:
		return true
	}
	return false
}
