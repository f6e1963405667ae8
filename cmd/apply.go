package cmd

import (
	"errors"

	"github.com/spf13/cobra"
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
			var answer map[string]string
			if err := r.post(c.Context(), "/confirm", &answer); err != nil {
				return err
			}
			return out.print(c, answer, func(p *printer) { p.line("confirmed; the held removals go with the next round") })
		},
	}
	r.bindReach(c.Flags())
	c.Flags().BoolVar(&confirm, "confirm", false, "the removals that are held are meant")
	out.bind(c)
	return withEnvironment(c)
}
