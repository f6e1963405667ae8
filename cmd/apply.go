package cmd

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/status"
)

// applied is what became of what the daemon was told, or did with --once.
type applied struct {
	// Result is "confirmed" or "nothing held", "repairing" or "nothing reported"; of --once "up to
	// date", "incomplete" (something is wrong, or was not done in time) or "refused" (nothing was
	// changed).
	Result string `json:"result"`
	// Missing says what was still missing when the time of --once was up.
	Missing []string `json:"missing,omitempty"`
	// Confirmed are the removals that the guard held back and that --once --confirm let go.
	Confirmed []string `json:"confirmed,omitempty"`
	// Problems are what --once found wrong, or not served, as lockstep status says it.
	Problems []string `json:"problems,omitempty"`
}

func newApply(version string) *cobra.Command {
	var s settings
	var confirm, repair, once bool
	var timeout time.Duration
	var out output[applied]
	c := &cobra.Command{
		Use:   "apply",
		Short: "Apply everything once, let go what the guard holds back, or undo what others did",
		Long: "Apply --once brings the gateways up to date without a daemon and ends, as\n" +
			"lockstep run --once does, with the flags of run. While anything is wrong in\n" +
			"--manifests, as lockstep validate says it, nothing is changed at all; what they refer\n" +
			"to may stand in the repository. What else is wrong, as in a repository, or not served\n" +
			"as asked holds up nothing else; it is shown as lockstep status shows it. For what does\n" +
			"not answer, or with --kong-proxy-url does not serve yet what it accepted, it waits until\n" +
			"--timeout is over. With --confirm it also lets go what the guard holds back, and says\n" +
			"what that is.\n\n" +
			"Apply --confirm tells the running daemon that the removals of services and\n" +
			"routes that its guard holds back are meant. See them with: lockstep plan\n\n" +
			"Apply --repair has it put back what others changed at a gateway, where that is\n" +
			"only reported (--kong-drift). See it with: lockstep plan\n\n" +
			"Exit codes: 0 done, 1 something is wrong, not served as asked or not done in time, or\n" +
			"another error.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case moreOrLessThanOne(once, confirm && !once, repair):
				return errors.New("say what to apply: --once brings everything up to date without a daemon (with --confirm, also what its guard would hold back), --confirm lets go what a daemon's guard holds back, " +
					"--repair puts back what others changed; a daemon applies everything else by itself")
			case once:
				if err := s.check(); err != nil {
					return err
				}
				return applyOnce(c, version, &s, manner{once: true, confirm: confirm, timeout: timeout}, &out)
			case repair:
				return repairDrifted(c, &s.reach, &out)
			}
			return confirmHeld(c, &s.reach, &out)
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().BoolVar(&confirm, "confirm", false, "the removals that are held are meant; with --once: those that would be")
	c.Flags().BoolVar(&repair, "repair", false, "put back what others changed at a gateway and is only reported")
	c.Flags().BoolVar(&once, "once", false, "bring the gateways up to date and end")
	c.Flags().DurationVar(&timeout, "timeout", 5*time.Minute, "how long --once may take; 0: as long as it takes")
	out.bind(c)
	completeDaemon(c)
	return withEnvironment(c)
}

// moreOrLessThanOne reports whether not exactly one is set.
func moreOrLessThanOne(flags ...bool) bool {
	set := 0
	for _, flag := range flags {
		if flag {
			set++
		}
	}
	return set != 1
}

// repairDrifted has the daemon put back what others changed.
func repairDrifted(c *cobra.Command, r *reach, out *output[applied]) error {
	var report status.Report
	if err := r.control(c.Context(), http.MethodGet, "/status", nil, &report); err != nil {
		return err
	}
	drifted := 0
	for _, gateway := range report.Gateways {
		for _, problem := range gateway.Problems {
			if problem.Reason == v1.Drifted {
				drifted++
			}
		}
	}
	if drifted == 0 {
		return out.print(c, applied{Result: "nothing reported"}, func(p *printer) {
			p.line("no change by others is reported, so there is nothing to put back; what is found is, at the latest, after --resync")
		})
	}
	var answer applied
	if err := r.control(c.Context(), http.MethodPost, "/repair", nil, &answer); err != nil {
		return err
	}
	return out.print(c, answer, func(p *printer) {
		p.line("%s: put back with the next round", count(drifted, "object"))
	})
}

// confirmHeld has the daemon let go what its guard holds back.
func confirmHeld(c *cobra.Command, r *reach, out *output[applied]) error {
	var report status.Report
	if err := r.control(c.Context(), http.MethodGet, "/status", nil, &report); err != nil {
		return err
	}
	var held []string
	for _, gateway := range report.Gateways {
		if len(gateway.Held) > 0 {
			held = append(held, sayOwners(ownersOf(gateway.Held))+" of "+string(gateway.Name))
		}
	}
	if len(held) == 0 {
		return out.print(c, applied{Result: "nothing held"}, func(p *printer) { p.line("nothing is held back, so there is nothing to confirm") })
	}
	var answer applied
	if err := r.control(c.Context(), http.MethodPost, "/confirm", nil, &answer); err != nil {
		return err
	}
	return out.print(c, answer, func(p *printer) {
		p.line("confirmed; with the next round go: %s", strings.Join(held, ", "))
	})
}
