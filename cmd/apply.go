package cmd

import (
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/controller/status"
)

func newApply(version string) *cobra.Command {
	var s settings
	var confirm, once bool
	var out output
	c := &cobra.Command{
		Use:   "apply",
		Short: "Apply everything once, or let go what the guard holds back",
		Long: "Apply --once brings the gateways up to date without a daemon and ends, as\n" +
			"lockstep run --once does, with the flags of run.\n\n" +
			"Apply --confirm tells the running daemon that the removals of services and\n" +
			"routes that its guard holds back are meant. See them with: lockstep plan",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case once == confirm:
				return errors.New("say what to apply: --once brings everything up to date without a daemon, --confirm lets go what a daemon's guard holds back; a daemon applies everything else by itself")
			case once:
				return runOnce(c, version, &s)
			}
			return confirmHeld(c, &s.reach, &out)
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().BoolVar(&confirm, "confirm", false, "the removals that are held are meant")
	c.Flags().BoolVar(&once, "once", false, "bring the gateways up to date and end")
	out.bind(c)
	completeDaemon(c)
	return withEnvironment(c)
}

// runOnce is the daemon until every gateway holds what is desired.
func runOnce(c *cobra.Command, version string, s *settings) error {
	if err := s.check(); err != nil {
		return err
	}
	log, err := newLogger(c.ErrOrStderr(), s.logFormat, s.logLevel)
	if err != nil {
		return err
	}
	return run(c.Context(), version, s, true, false, log)
}

// confirmHeld has the daemon let go what its guard holds back.
func confirmHeld(c *cobra.Command, r *reach, out *output) error {
	var report status.Report
	if err := r.control(c.Context(), http.MethodGet, "/status", nil, &report); err != nil {
		return err
	}
	held := 0
	for _, gateway := range report.Gateways {
		held += len(gateway.Held)
	}
	if held == 0 {
		return out.print(c, map[string]string{"result": "nothing held"}, func(p *printer) { p.line("nothing is held back, so there is nothing to confirm") })
	}
	var answer map[string]string
	if err := r.control(c.Context(), http.MethodPost, "/confirm", nil, &answer); err != nil {
		return err
	}
	return out.print(c, answer, func(p *printer) {
		p.line("confirmed %s; what is held goes with the next round", count(held, "removal"))
	})
}
