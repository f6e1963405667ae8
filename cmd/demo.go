package cmd

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/internal/demo"
	"github.com/lockstep/lockstep/internal/sampleapp"
)

// serveSample is the argument that makes the binary the demo's sample service.
const serveSample = "serve-sample"

func newDemo() *cobra.Command {
	var dockerHost string
	var keep bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show Lockstep at work, with containers of its own",
		Long: "Demo starts a few containers on this machine's Docker Engine, a HAProxy and a\n" +
			"stand-in for Kong (or the Kong that KONG_ADMIN_URL and KONG_PROXY_URL name),\n" +
			"shows Lockstep at work between them, and clears everything away.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			binary, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this binary: %w", err)
			}
			return demo.Run(c.Context(), demo.Options{
				Binary:       binary,
				Serve:        []string{c.Name(), serveSample},
				Out:          c.OutOrStdout(),
				Color:        colourful(c.OutOrStdout()),
				Keep:         keep,
				KongAdminURL: os.Getenv("KONG_ADMIN_URL"),
				KongProxyURL: os.Getenv("KONG_PROXY_URL"),
				DockerHost:   dockerHost,
			})
		},
	}
	c.Flags().StringVar(&dockerHost, "docker-host", "", "the Docker Engine: `url` (default: DOCKER_HOST, else the local socket)")
	c.Flags().BoolVar(&keep, "keep", false, "leave everything running until Ctrl-C")
	c.AddCommand(&cobra.Command{
		Use:    serveSample,
		Short:  "Be the sample service inside a container of the demo",
		Hidden: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if code := sampleapp.Main(args); code != 0 {
				return exitError{code}
			}
			return nil
		},
	})
	return withEnvironment(c)
}
