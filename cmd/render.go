package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

func newRender(version string) *cobra.Command {
	var s settings
	var out output[[]server.Rendered]
	var ofKong bool
	var dir string
	c := &cobra.Command{
		Use:   "render [GATEWAY…]",
		Short: "Print what the gateways are to hold, in their own words",
		Long: "Render prints what Kong is to hold as a decK file, by the ids that it has there, and all\n" +
			"files of ours for HAProxy: its configuration, and the maps, lists and pages that this\n" +
			"names. Name kong or haproxy for one of them. No secrets are in it: for Kong variables of\n" +
			"decK's stand in their place, and private keys are left out. What can't be said is named\n" +
			"on standard error.\n" +
			"With --dir the files are written below a directory, kong/ and haproxy/, where they name\n" +
			"each other: haproxy -c -f DIR/haproxy reads them.\n" +
			"It asks the running daemon over its control socket; without one, or with flags other than\n" +
			"those by which the daemon is found, it looks at Docker, the manifests and the gateways\n" +
			"themselves, and changes and starts nothing.",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(2), cobra.OnlyValidArgs),
		ValidArgs: []string{string(v1.Kong), string(v1.HAProxy)},
		RunE: func(c *cobra.Command, args []string) error {
			if err := s.check(); err != nil {
				return err
			}
			var gateways []v1.Gateway
			for _, name := range args {
				gateways = append(gateways, v1.Gateway(name))
			}
			if ofKong {
				gateways = append(gateways, v1.Kong)
			}
			slices.Sort(gateways)
			alone := asksOtherwise(c.Flags())
			rendered, err := render(c.Context(), version, &s, slices.Compact(gateways), alone)
			if err == nil && alone {
				err = s.sayPassedOver(c, "rendered")
			}
			if err != nil {
				return err
			}
			return showRendered(c, &out, rendered, dir)
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().BoolVar(&ofKong, "kong", false, "the same as the argument kong")
	c.Flags().StringVar(&dir, "dir", "", "write the files below this `directory`, which must be new or empty")
	out.bind(c)
	completeDaemon(c)
	return withEnvironment(c)
}

// render asks the daemon, or works from the sources when there is none or when it
// is not to be asked. No gateways means all.
func render(ctx context.Context, version string, s *settings, gateways []v1.Gateway, alone bool) ([]server.Rendered, error) {
	var answer []server.Rendered
	err := errNoDaemon
	if !alone {
		query := url.Values{}
		for _, gateway := range gateways {
			query.Add("gateway", string(gateway))
		}
		err = s.control(ctx, http.MethodGet, "/render?"+query.Encode(), nil, &answer)
	}
	if !errors.Is(err, errNoDaemon) {
		return answer, err
	}
	err = look(ctx, version, s, func(ctx context.Context, d *daemon) (err error) {
		answer, err = d.render(ctx, gateways)
		return err
	})
	return answer, err
}

// showRendered prints what was rendered, or writes it into a directory, and what can't be
// said in it to standard error. The error names the gateways that can't be rendered.
func showRendered(c *cobra.Command, out *output[[]server.Rendered], rendered []server.Rendered, dir string) error {
	var failed []error
	for _, r := range rendered {
		for _, problem := range r.Problems {
			if _, err := fmt.Fprintln(c.ErrOrStderr(), "not in it: "+visible(problem.Error())); err != nil {
				return err
			}
		}
		if r.Error != "" {
			failed = append(failed, fmt.Errorf("%s: %s", r.Gateway, r.Error))
		}
	}
	if dir != "" {
		failed = append(failed, writeRendered(dir, rendered))
	}
	failed = append(failed, out.print(c, rendered, func(p *printer) {
		if dir == "" {
			printRendered(p, rendered)
		}
	}))
	return errors.Join(failed...)
}

// printRendered prints files as they are: one alone, or several with a comment before
// each, as both gateways take it.
func printRendered(p *printer, rendered []server.Rendered) {
	total := 0
	for _, r := range rendered {
		total += len(r.Files)
	}
	for _, r := range rendered {
		for _, file := range r.Files {
			if total > 1 {
				p.line("# ==== %s: %s", r.Gateway, file.Name)
			}
			text := file.Text
			if filepath.Ext(file.Name) == ".pem" { // what a system trusts is long, and the same everywhere
				text = fmt.Sprintf("# %d certificates or lists of revoked ones; --dir writes them\n", strings.Count(text, "-----BEGIN "))
			}
			if p.err == nil {
				_, p.err = io.WriteString(p.out, text)
			}
		}
	}
}

// writeRendered writes each gateway's files into a directory of its own, where they name
// each other.
func writeRendered(dir string, rendered []server.Rendered) error {
	root, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("--dir %s: %w", dir, err)
	}
	for _, r := range rendered {
		into := filepath.Join(root, string(r.Gateway))
		there, err := os.ReadDir(into)
		switch {
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return fmt.Errorf("--dir %s: %w", dir, err)
		case len(there) > 0: // what an earlier run left would be read along
			return fmt.Errorf("--dir %s: %s is not empty; remove it, or name another directory", dir, into)
		}
		if err := os.MkdirAll(into, 0o750); err != nil {
			return fmt.Errorf("--dir %s: %w", dir, err)
		}
		moved := movedTo(into, r.Files)
		for _, file := range r.Files {
			if err := os.WriteFile(filepath.Join(into, filepath.Base(file.Name)), []byte(moved.Replace(file.Text)), 0o600); err != nil {
				return fmt.Errorf("--dir %s: %w", dir, err)
			}
		}
	}
	return nil
}

// movedTo replaces the paths of files by those that they have in another directory.
func movedTo(dir string, files []reconcilers.File) *strings.Replacer {
	var pairs []string
	for _, file := range files {
		if file.Path != "" {
			pairs = append(pairs, file.Path, filepath.Join(dir, file.Name))
		}
	}
	return strings.NewReplacer(pairs...)
}
