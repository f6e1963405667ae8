package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
)

func newRender(version string) *cobra.Command {
	var s settings
	var ofKong bool
	c := &cobra.Command{
		Use:   "render --kong",
		Short: "Print what Kong is to hold, as a decK file",
		Long: "Render prints what Kong is to hold as a decK file, by the ids that it has there. In the\n" +
			"place of secrets stand variables of decK's. What can't be said is named on standard error.\n" +
			"It asks the running daemon over its control socket; without one, or with flags other than\n" +
			"those by which the daemon is found, it looks at Docker, the manifests and Kong itself, and\n" +
			"changes nothing.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !ofKong {
				return errors.New("say of which gateway: --kong")
			}
			if err := s.check(); err != nil {
				return err
			}
			rendered, err := render(c.Context(), version, &s, asksOtherwise(c.Flags()))
			if err != nil {
				return err
			}
			for _, problem := range rendered.Problems {
				if _, err := fmt.Fprintln(c.ErrOrStderr(), "not in it: "+problem.Error()); err != nil {
					return err
				}
			}
			_, err = io.WriteString(c.OutOrStdout(), rendered.Text)
			return err
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().BoolVar(&ofKong, "kong", false, "print what Kong is to hold")
	completeDaemon(c)
	return withEnvironment(c)
}

// render asks the daemon, or works from the sources when there is none or when it
// is not to be asked.
func render(ctx context.Context, version string, s *settings, alone bool) (server.Rendered, error) {
	var answer server.Rendered
	err := errNoDaemon
	if !alone {
		err = s.control(ctx, http.MethodGet, "/render?gateway="+string(v1.Kong), nil, &answer)
	}
	if !errors.Is(err, errNoDaemon) {
		return answer, err
	}
	err = look(ctx, version, s, func(ctx context.Context, d *daemon) (err error) {
		answer, err = d.render(ctx, v1.Kong)
		return err
	})
	return answer, err
}
