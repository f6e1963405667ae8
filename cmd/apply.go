package cmd

import (
	"errors"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/controller/status"
)

func newApply() *cobra.Command {
	var r reach
	var confirm bool
	var out output
	c := &cobra.Command{
		Use:   "apply",
		Short: "Let go what the guard holds back",
		Long: "Apply --confirm tells the running daemon that the removals of services and\n" +
			"routes that its guard holds back are meant. See them with: lockstep plan",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !confirm {
				return errors.New("say what to apply: --confirm lets go what the guard holds back; the daemon applies everything else by itself")
			}
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
		},
	}
	r.bindReach(c.Flags())
	c.Flags().BoolVar(&confirm, "confirm", false, "the removals that are held are meant")
	out.bind(c)
	return withEnvironment(c)
}
