package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/history"
)

func newRollback() *cobra.Command {
	return newRollbackOrRelease(false, &cobra.Command{
		Use:   "rollback GENERATION [SERVICE...]",
		Short: "Go back to what was declared earlier, until release",
		Long: "Rollback holds the named services to what was declared of them at a generation that\n" +
			"lockstep history shows; without names, all that asked for something else then. Their\n" +
			"containers are those that run. What labels and manifests ask for meanwhile waits until\n" +
			"lockstep release, also over a restart of the daemon. Services that did not exist then\n" +
			"stay as they are; those that are no more are named: a rollback starts no containers and\n" +
			"writes no manifests. Secrets are those of today. It shows what would differ, and asks\n" +
			"first; --yes does not ask.\n\n" +
			"Exit codes: 0 done, or nothing to do; 1 error, or a service that was named stays as it is;\n" +
			"with --dry-run 2 when something would be done.",
		Args: cobra.MinimumNArgs(1),
	})
}

func newRelease() *cobra.Command {
	c := newRollbackOrRelease(true, &cobra.Command{
		Use:   "release [SERVICE...] | release GATEWAY:OBJECT...",
		Short: "End a rollback, or give an object of a gateway back",
		Long: "Release lets the named services, or all that lockstep rollback holds, follow what\n" +
			"labels and manifests ask for again.\n\n" +
			"Of names that begin with kong: it gives back what Kong holds of Lockstep's:\n" +
			"kong:service/shop.web is one entity, kong:shop.web all that belongs to the service.\n" +
			"Lockstep's tags are taken off; the entity stays as it is, and is touched no more. Where it\n" +
			"is still wanted, it is in the way then: lockstep adopt takes it again. So stop the\n" +
			"containers, or remove what declares it, afterwards.\n\n" +
			"It shows what would differ, and asks first; --yes does not ask.\n\n" +
			"Exit codes: 0 done, or without names nothing is held; 1 error, or a name is that of\n" +
			"nothing that is held; with --dry-run 2 when something would be done.",
	})
	return withObjects(c)
}

func newRollbackOrRelease(release bool, c *cobra.Command) *cobra.Command {
	var r reach
	var out output[[]controller.RolledBack]
	var yes, dryRun bool
	c.RunE = func(c *cobra.Command, args []string) error {
		request := server.RollbackRequest{Release: release, Services: args, By: whoAsks()}
		if !release {
			number, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || number == 0 {
				return fmt.Errorf("%q is no generation; lockstep history lists them", args[0])
			}
			request.Generation, request.Services = number, args[1:]
		}
		if !yes || dryRun {
			request.Preview = true
			var preview []controller.RolledBack
			if err := r.control(c.Context(), http.MethodPost, "/rollback", request, &preview); err != nil {
				return err
			}
			if dryRun || !concerns(preview) { // nobody is asked, and this is the answer
				err := errors.Join(out.print(c, preview, func(p *printer) { printRolledBack(p, preview, true) }), refusalOf(preview, request))
				if err == nil && concerns(preview) {
					return exitError{code: exitChanges}
				}
				return err
			}
			if err := agreed(c, true, func(p *printer) { printRolledBack(p, preview, true) }); err != nil {
				return err
			}
			request.Preview = false
		}
		var done []controller.RolledBack
		if err := r.control(c.Context(), http.MethodPost, "/rollback", request, &done); err != nil {
			return err
		}
		if err := out.print(c, done, func(p *printer) { printRolledBack(p, done, yes) }); err != nil {
			return err
		}
		return refusalOf(done, request)
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch {
		case release:
			return r.releasable(c.Context()), cobra.ShellCompDirectiveNoFileComp
		case len(args) == 0:
			return r.generations(c.Context()), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
		}
		return r.services(c.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	r.bindReach(c.Flags())
	c.Flags().BoolVarP(&yes, "yes", "y", false, "don't ask")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be done, and do nothing")
	out.bind(c)
	return withEnvironment(c)
}

// concerns reports whether anything would change.
func concerns(preview []controller.RolledBack) bool {
	return slices.ContainsFunc(preview, func(d controller.RolledBack) bool { return d.Changed })
}

// refusalOf returns an error where a service that was named stays as it is though
// the order meant it to change.
func refusalOf(done []controller.RolledBack, request server.RollbackRequest) error {
	var refused []string
	for _, d := range done {
		if d.Refused != "" && len(request.Services) > 0 {
			refused = append(refused, d.Service)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	verb := "rolled back"
	if request.Release {
		verb = "released"
	}
	return fmt.Errorf("not %s: %s", verb, strings.Join(refused, ", "))
}

// printRolledBack says what becomes of each service; fields shows what differs.
func printRolledBack(p *printer, done []controller.RolledBack, fields bool) {
	if len(done) == 0 {
		p.line("nothing to do: no service differs, or none is held")
	}
	for _, d := range done {
		switch {
		case d.Refused != "":
			p.painted(red, "%s stays as it is: %s", d.Service, d.Refused)
			continue
		case d.Generation != 0 && d.Changed:
			p.line("%s goes back to generation %d until: lockstep release %s", d.Service, d.Generation, d.Service)
		case d.Generation != 0:
			p.line("%s is held to generation %d already", d.Service, d.Generation)
		default:
			p.line("%s follows what is declared again", d.Service)
		}
		if fields {
			printDifferences(p, d.Fields)
		}
		for _, rival := range d.Rivals {
			p.painted(red, "  ! the route %s holds a match that it asks for, and may keep it", rival)
		}
	}
}

// rollback passes a request on to the controller.
func (d *daemon) rollback(ctx context.Context, request server.RollbackRequest) ([]controller.RolledBack, error) {
	done, err := d.controller.Rollback(ctx, controller.RollbackOrder{
		Generation: request.Generation, Services: request.Services, Release: request.Release, Preview: request.Preview,
		By: or(request.By, "somebody"),
	})
	if errors.Is(err, history.ErrUnknown) {
		err = server.Unknown(err)
	}
	return done, err
}
