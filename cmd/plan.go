package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/forecast"
)

func newPlan(version string) *cobra.Command {
	var s settings
	var out output[[]server.GatewayPlan]
	var forecasts output[forecast.Report]
	var composed []string
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change",
		Long: "Plan compares the gateways afresh with what they should hold and changes\n" +
			"nothing. It asks the running daemon; without one it looks at Docker and the\n" +
			"gateways itself, with the flags of run. With flags other than those by which the\n" +
			"daemon is found, here or in the file that --config names here, it does that as well:\n" +
			"from these flags alone, which it says where a daemon answers that has its own.\n\n" +
			"Below the changes stands what will not be served as asked, and why: manifests that are\n" +
			"wrong, with their place, and else what lockstep status lists. Of a file that is wrong\n" +
			"the last version that was good stays where a daemon has had one, and nothing elsewhere.\n\n" +
			"With --compose it says what the labels of a Compose file would ask for before it is\n" +
			"deployed, together with --manifests, and needs neither daemon nor Docker nor gateway;\n" +
			"which gateways there are, and what they may do, the other flags say, and the files\n" +
			"that these name; whether Kong has a database, what a daemon on --state-dir has found\n" +
			"out. It then ends with 1 when something would not be served as asked.\n\n" +
			"Exit codes: 0 nothing would change, 2 something would, 1 error, also when a manifest is\n" +
			"wrong; the plan is shown nevertheless.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if len(composed) > 0 {
				return planCompose(c, &s, composed, &forecasts)
			}
			plans, err := plans(c, version, &s)
			if err != nil {
				return err
			}
			out.also("markdown", func(p *printer) { writePlans(p, plans) })
			if err := out.print(c, plans, func(p *printer) { printPlans(p, plans) }); err != nil {
				return err
			}
			return verdictOf(plans)
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().StringSliceVar(&composed, "compose", nil, "`file` of Docker Compose: say what its labels would ask for, and ask nobody; repeatable")
	out.bind(c, "markdown")
	forecasts.share(out.format)
	completeDaemon(c)
	return withEnvironment(c)
}

// asksOtherwise reports whether a flag on the command line, or the file that --config names
// there, says something of what a daemon would do: one that runs has its own, so it is not the
// one to ask.
func asksOtherwise(f *pflag.FlagSet) bool {
	otherwise, known := false, daemonFlags()
	config := f.Lookup(configFlag)
	given := config != nil && config.Changed && len(config.Annotations[fromVariable]) == 0
	f.VisitAll(func(flag *pflag.Flag) {
		finds := slices.Contains([]string{"listen", "state-dir", "control-socket", configFlag, "log-level", "log-format"}, flag.Name)
		if !flag.Changed || finds || known.Lookup(flag.Name) == nil { // or says how to ask, and nothing of the daemon
			return
		}
		setBy := flag.Annotations[fromVariable]
		variable := len(setBy) > 0 && setBy[0] == variableOf(flag.Name)
		otherwise = otherwise || len(setBy) == 0 || given && !variable
	})
	return otherwise
}

// plans asks the daemon, or works from the sources when there is none, which it says, or when
// it is not to be asked.
func plans(c *cobra.Command, version string, s *settings) ([]server.GatewayPlan, error) {
	var answer []server.GatewayPlan
	alone := asksOtherwise(c.Flags())
	if !alone {
		if err := s.get(c.Context(), "/plan", url.Values{}, &answer); !errors.Is(err, errNoDaemon) {
			return answer, err
		}
	}
	err := look(c.Context(), version, s, func(ctx context.Context, d *daemon) (err error) {
		answer, err = d.plan(ctx)
		return err
	})
	switch {
	case err == nil && !alone:
		_, err = fmt.Fprintf(c.ErrOrStderr(), "no daemon answers at %s; planned from these flags\n", dialable(s.listen))
	case err == nil:
		err = s.sayPassedOver(c, "planned")
	}
	return answer, err
}

// sayPassedOver says that something was worked out from flags alone where a daemon runs that has
// others: what is not named here is not as it is there.
func (s *settings) sayPassedOver(c *cobra.Command, what string) error {
	ctx, cancel := context.WithTimeout(c.Context(), writerPatience)
	defer cancel()
	if err := s.get(ctx, "/status", nil, &struct{}{}); err != nil {
		return nil // nobody answers whose flags could be meant
	}
	_, err := fmt.Fprintf(c.ErrOrStderr(), "%s from these flags alone, and not from those that the daemon at %s runs with: give all of them, or none (%s), which asks the daemon\n",
		what, dialable(s.listen), c.CommandPath())
	return err
}

// verdictOf returns the exit code that the plans call for.
func verdictOf(plans []server.GatewayPlan) error {
	changes, wrong := false, false
	for _, p := range plans {
		if p.Error != "" {
			return fmt.Errorf("%s can't be compared: %s", p.Gateway, p.Error)
		}
		changes = changes || len(p.Changes) > 0
		wrong = wrong || slices.ContainsFunc(p.Problems, func(problem v1.Problem) bool { return problem.Reason == v1.InvalidManifest })
	}
	switch {
	case wrong:
		return exitError{code: 1}
	case changes:
		return exitError{code: exitChanges}
	}
	return nil
}
