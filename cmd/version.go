package cmd

import (
	"runtime"

	"github.com/spf13/cobra"
)

// Version is what `lockstep version --output json` prints.
type Version struct {
	Version string `json:"version"` // of lockstep
	Go      string `json:"go"`      // that it was built with
	OS      string `json:"os"`      // the operating system that it was built for
	Arch    string `json:"arch"`    // the processor that it was built for
}

func newVersion(version string) *cobra.Command {
	var out output[Version]
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
