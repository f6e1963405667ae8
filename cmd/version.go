package cmd

import (
	"runtime"

	"github.com/spf13/cobra"
)

// Version is what `lockstep version --output json` prints.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func newVersion(version string) *cobra.Command {
	var out output
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			v := Version{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
			return out.print(c, v, func(p *printer) {
				p.line("lockstep %s (%s, %s/%s)", v.Version, v.Go, v.OS, v.Arch)
			})
		},
	}
	out.bind(c)
	return c
}
