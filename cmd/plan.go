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
			"daemon is found it does that as well: the daemon has its own.\n\n" +
			"With --compose it says what the labels of a Compose file would ask for before it is\n" +
			"deployed, together with --manifests, and needs neither daemon nor Docker nor gateway;\n" +
			"which gateways there are, and what they may do, the other flags say, and the files\n" +
			"that these name; whether Kong has a database, what a daemon on --state-dir has found\n" +
			"out. It then ends with 1 when something would not be served as asked.\n\n" +
			"Exit codes: 0 nothing would change, 2 something would, 1 error.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(); err != nil {
				return err
			}
			if len(composed) > 0 {
				return planCompose(c, &s, composed, &forecasts)
			}
			plans, err := plans(c.Context(), version, &s, asksOtherwise(c.Flags()))
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

// asksOtherwise reports whether a flag on the command line says something of what
// a daemon would do: one that runs has its own, so it is not the one to ask.
func asksOtherwise(f *pflag.FlagSet) bool {
	otherwise, known := false, daemonFlags()
	f.Visit(func(flag *pflag.Flag) {
		finds := slices.Contains([]string{"listen", "state-dir", "control-socket", configFlag, "log-level", "log-format"}, flag.Name)
		own := known.Lookup(flag.Name) == nil // says how to ask, and nothing of the daemon
		otherwise = otherwise || !finds && !own && len(flag.Annotations[fromVariable]) == 0
	})
	return otherwise
}

// plans asks the daemon, or works from the sources when there is none or when
// it is not to be asked.
func plans(ctx context.Context, version string, s *settings, alone bool) ([]server.GatewayPlan, error) {
	var answer []server.GatewayPlan
	err := errNoDaemon
	if !alone {
		err = s.get(ctx, "/plan", url.Values{}, &answer)
	}
	if !errors.Is(err, errNoDaemon) {
		return answer, err
	}
	err = look(ctx, version, s, func(ctx context.Context, d *daemon) (err error) {
		answer, err = d.plan(ctx)
		return err
	})
	return answer, err
}

// verdictOf returns the exit code that the plans call for.
func verdictOf(plans []server.GatewayPlan) error {
	changes := false
	for _, p := range plans {
		if p.Error != "" {
			return fmt.Errorf("%s can't be compared: %s", p.Gateway, p.Error)
		}
		changes = changes || len(p.Changes) > 0
	}
	if changes {
		return exitError{code: exitChanges}
	}
	return nil
}
