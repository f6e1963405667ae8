package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/status"
)

func newPrune() *cobra.Command {
	var s settings
	var p pruning
	c := &cobra.Command{
		Use:   "prune",
		Short: "Remove at once what nothing asks for, or everything of an owner",
		Long: "Prune has the running daemon compare the gateways afresh and remove what bears the mark\n" +
			"of its --owner and what no label and no manifest asks for any more, also what the guard\n" +
			"keeps back.\n\n" +
			"Prune --all removes everything of --owner from the gateways, with the flags of run: to end\n" +
			"the use of Lockstep, or to clear away what an owner left that was renamed. What others\n" +
			"have stays. No daemon of that owner may run: stop it first. A managed HAProxy is ended;\n" +
			"one of your own keeps Lockstep's directory, with nothing in it that serves. Where the\n" +
			"state directory has kept Kong as well, it is refused without --kong-admin-url; where another\n" +
			"state directory than this one wrote last, unless --takeover is given.\n\n" +
			"It shows what would go, and asks first; --yes does not ask.\n\n" +
			"Exit codes: 0 done, or nothing to do; 1 error, or something could not be removed; with\n" +
			"--dry-run 2 when something would go.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if p.all {
				if err := s.check(); err != nil {
					return err
				}
				return p.everything(c, &s)
			}
			return p.ask(c, &s.reach)
		},
	}
	s.bindDaemon(c.Flags())
	c.Flags().BoolVar(&p.all, "all", false, "everything of --owner; no daemon of it may run")
	c.Flags().BoolVarP(&p.yes, "yes", "y", false, "don't ask")
	c.Flags().BoolVar(&p.dryRun, "dry-run", false, "show what would go, and remove nothing")
	p.out.bind(c)
	completeDaemon(c)
	return withEnvironment(c)
}

// pruning is what the command line says about it.
type pruning struct {
	all, yes, dryRun bool
	out              output[[]server.Pruned]
}

// ask has the daemon remove what nothing asks for.
func (p *pruning) ask(c *cobra.Command, r *reach) error {
	request := server.PruneRequest{By: whoAsks()}
	return p.agree(c, func(preview bool, agreed []string) ([]server.Pruned, error) {
		var list []server.Pruned
		request.Preview, request.Objects = preview, agreed
		err := r.control(c.Context(), http.MethodPost, "/prune", request, &list)
		return list, err
	})
}

// everything removes all that an owner has, without a daemon.
func (p *pruning) everything(c *cobra.Command, s *settings) (err error) {
	m, other := mode{}, false
	var report status.Report
	switch err := s.control(c.Context(), http.MethodGet, "/status", nil, &report); {
	case err == nil && report.Owner == s.owner:
		return fmt.Errorf("the daemon at %s writes for the owner %q: stop it first (end its process, or docker stop, or systemctl stop, as it was started)", s.controlSocket, s.owner)
	case err == nil: // it holds the state directory, and an HAProxy that is its own
		m, other = mode{look: true}, true
	case !errors.Is(err, errNoDaemon):
		return err
	}
	log, err := newLogger(c.ErrOrStderr(), s.logFormat, "warn")
	if err != nil {
		return err
	}
	d := &daemon{registry: prometheus.NewRegistry(), grammar: s.grammar()}
	if other {
		s.haproxy = "off"
	}
	memory, writer, err := d.openState(s, m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if memory.KongMode.Get() != "" && len(s.kongAdminURLs) == 0 && !other {
		return unnamedKong(s.stateDir)
	}
	if err := d.openGateways(s, m, writer, log); err != nil {
		return err
	}
	return p.agree(c, func(preview bool, _ []string) ([]server.Pruned, error) {
		list := d.uninstall(c.Context(), preview)
		if preview || other || !holdsNothing(list, v1.Kong) {
			return list, nil
		}
		memory.KongMode.Set("") // as if Kong was never met
		return list, d.store.Save(memory)
	})
}

// unnamedKong says that a state directory has kept a Kong which no flag names: its routes
// would go on sending requests to instances and to an HAProxy that nobody keeps.
func unnamedKong(stateDir string) error {
	return fmt.Errorf("%s has also kept Kong, which no flag names, and whose routes would stay: give --kong-admin-url; if that Kong is no more, remove %s, which remember it",
		stateDir, ledger.Files(ledger.Path(stateDir)))
}

// holdsNothing reports whether everything of ours is gone from a gateway, as far as it was asked.
func holdsNothing(list []server.Pruned, gateway v1.Gateway) bool {
	i := slices.IndexFunc(list, func(p server.Pruned) bool { return p.Gateway == gateway })
	return i >= 0 && staysOf(list[i:i+1]) == nil
}

// uninstall removes everything from each gateway.
func (d *daemon) uninstall(ctx context.Context, preview bool) []server.Pruned {
	list := make([]server.Pruned, len(d.gateways))
	for i, gateway := range d.gateways {
		list[i] = server.NewPruned(controller.Uninstall(ctx, gateway, preview))
	}
	return list
}

// agree shows what would go, asks, and removes it.
func (p *pruning) agree(c *cobra.Command, prune func(preview bool, agreed []string) ([]server.Pruned, error)) error {
	list, err := prune(!p.yes || p.dryRun, nil)
	if err != nil {
		return err
	}
	concerned := removable(list)
	if p.dryRun {
		if err := errors.Join(p.print(c, list, true), staysOf(list)); err != nil || len(concerned) == 0 {
			return err
		}
		return exitError{code: exitChanges}
	}
	if !p.yes && len(concerned) > 0 {
		if err := agreed(c, true, func(out *printer) { printPruned(out, list, true) }); err != nil {
			return err
		}
		if list, err = prune(false, concerned); err != nil {
			return err
		}
	}
	return errors.Join(p.print(c, list, false), staysOf(list))
}

func (p *pruning) print(c *cobra.Command, list []server.Pruned, before bool) error {
	return p.out.print(c, list, func(out *printer) { printPruned(out, list, before) })
}

// removable returns what would go, as kind/name.
func removable(list []server.Pruned) []string {
	var objects []string
	for _, gateway := range list {
		for _, removal := range gateway.Removed {
			objects = append(objects, removal.Object.String())
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(objects)))
}

// staysOf returns an error where something could not be removed.
func staysOf(list []server.Pruned) error {
	var failed []error
	for _, gateway := range list {
		if gateway.Error != "" {
			failed = append(failed, fmt.Errorf("%s: %s", gateway.Gateway, gateway.Error))
		}
		stays := 0
		for _, removal := range gateway.Removed {
			if removal.Refused != "" {
				stays++
			}
		}
		if stays > 0 {
			failed = append(failed, fmt.Errorf("%s: %s could not be removed", gateway.Gateway, count(stays, "object")))
		}
	}
	return errors.Join(failed...)
}

// printPruned lists what goes; before says that it has not yet.
func printPruned(p *printer, list []server.Pruned, before bool) {
	for _, gateway := range list {
		gone := 0
		for _, removal := range gateway.Removed {
			switch {
			case removal.Refused != "":
				p.painted(red, "  ! %s: %s: not done: %s", gateway.Gateway, removal.Sentence, removal.Refused)
				continue
			case before:
				p.painted(red, "  - %s: %s", gateway.Gateway, removal.Sentence)
			}
			gone++
		}
		switch {
		case gone == 0 && gateway.Error == "":
			p.line("%s: nothing to remove", gateway.Gateway)
		case !before && gateway.Error == "":
			p.line("%s: %s removed", gateway.Gateway, count(gone, "object"))
		}
	}
}

// prune passes a request on to the controller.
func (d *daemon) prune(ctx context.Context, request server.PruneRequest) ([]server.Pruned, error) {
	if err := d.untilLoaded(ctx); err != nil {
		return nil, err
	}
	pruned, err := d.controller.Prune(ctx, controller.PruneOrder{Objects: request.Objects, Preview: request.Preview, By: or(request.By, "somebody")})
	list := make([]server.Pruned, len(pruned))
	for i, gateway := range pruned {
		list[i] = server.NewPruned(gateway)
	}
	return list, err
}
