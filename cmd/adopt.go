package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
)

func newAdopt() *cobra.Command {
	var o objects
	c := &cobra.Command{
		Use:   "adopt [SERVICE|GATEWAY:OBJECT...]",
		Short: "Take over what somebody else has in the place of what is wanted",
		Long: "Adopt makes Lockstep's own what somebody else put into Kong in a place that a label or a\n" +
			"manifest asks for: what is reported as Conflict. The entity is changed where it stands and\n" +
			"keeps its id; at no moment is it gone. From then on it is kept, and removed, as what\n" +
			"Lockstep made. What others have at it (routes and plugins of a service, targets of an\n" +
			"upstream) stays as it is, unless it is wanted too. Names are services, for all that\n" +
			"stands in their way, or single entities like kong:service/shop.web; without names it is\n" +
			"everything. What bears the mark of another --owner is adopted by its own name alone.\n\n" +
			"Of a Kong without a database nothing can be taken over: adopt shows what the node holds\n" +
			"and would lose, and then lets Lockstep replace it. To keep it use --kong-base.\n\n" +
			"It shows what would be changed, and asks first; --yes does not ask. The way back is:\n" +
			"lockstep release.\n\n" +
			"Exit codes: 0 done, or nothing to do; 1 error, or something stays as it is; with\n" +
			"--dry-run 2 when something would be changed.",
	}
	c.RunE = func(c *cobra.Command, args []string) error { return o.run(c, "/adopt", args) }
	c.ValidArgsFunction = func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return o.services(c.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	o.bind(c)
	return withEnvironment(c)
}

// withObjects lets release give back objects of gateways as well.
func withObjects(c *cobra.Command) *cobra.Command {
	var o objects
	services := c.RunE
	if f, ok := c.Flag("output").Value.(*format); ok { // it has no other
		o.out.share(f)
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		ofGateways := slices.DeleteFunc(slices.Clone(args), func(name string) bool { return !ofGateway(name) })
		switch {
		case len(ofGateways) == 0:
			return services(c, args)
		case len(ofGateways) < len(args):
			return errors.New("some names are services that were rolled back, others are objects of gateways (kong:…); give them in two calls")
		}
		o.take(c)
		return o.run(c, "/release", args)
	}
	return c
}

// ofGateway reports whether a name is that of an object of a gateway.
func ofGateway(name string) bool {
	return strings.HasPrefix(name, string(v1.Kong)+":") || strings.HasPrefix(name, string(v1.HAProxy)+":")
}

// objects is a command that is about objects of gateways.
type objects struct {
	reach
	out         output[[]controller.Adopted]
	yes, dryRun bool
}

func (o *objects) bind(c *cobra.Command) {
	o.bindReach(c.Flags())
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "don't ask")
	o.bindDryRun(c)
	o.out.bind(c)
}

func (o *objects) bindDryRun(c *cobra.Command) {
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would be done, and do nothing")
}

// take takes over the flags that a command has already.
func (o *objects) take(c *cobra.Command) {
	text := func(name string) string { return c.Flag(name).Value.String() }
	o.listen, o.controlSocket, o.stateDir = text("listen"), text("control-socket"), text("state-dir")
	o.yes, o.dryRun = text("yes") == "true", text("dry-run") == "true"
}

// run shows what would be done, asks, and has it done.
func (o *objects) run(c *cobra.Command, path string, names []string) error {
	request := server.AdoptRequest{Names: names, By: whoAsks(), Preview: !o.yes || o.dryRun}
	var list []controller.Adopted
	if err := o.control(c.Context(), http.MethodPost, path, request, &list); err != nil {
		return err
	}
	concerned := agreeable(list)
	if o.dryRun {
		if err := o.out.print(c, list, func(p *printer) { printAdopted(p, path, list) }); err != nil || concerned == nil {
			return err
		}
		return exitError{code: exitChanges}
	}
	if request.Preview && concerned != nil {
		if err := agreed(c, true, func(p *printer) { printAdopted(p, path, list) }); err != nil {
			return err
		}
		request.Preview, request.IDs = false, concerned
		if err := o.control(c.Context(), http.MethodPost, path, request, &list); err != nil {
			return err
		}
	}
	if err := o.out.print(c, list, func(p *printer) { printAdopted(p, path, list) }); err != nil {
		return err
	}
	var stays []string
	for _, a := range list {
		if a.Refused != "" {
			stays = append(stays, a.Name)
		}
	}
	if len(stays) > 0 {
		return fmt.Errorf("as it was: %s", strings.Join(stays, ", "))
	}
	return nil
}

// agreeable returns the ids of what an order would be done to; nil for none.
func agreeable(list []controller.Adopted) []string {
	var ids []string
	for _, a := range list {
		if a.Refused == "" {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// printAdopted says what becomes of each object.
func printAdopted(p *printer, path string, list []controller.Adopted) {
	adopting := path == "/adopt"
	if len(list) == 0 {
		p.line("nothing to do: nothing of somebody else's stands in the way")
	}
	for _, a := range list {
		about := fmt.Sprintf("%s (%s, id %s)", a.Name, a.Sentence, a.ID)
		switch {
		case a.Refused != "":
			p.painted(red, "! %s stays as it is: %s", about, a.Refused)
		case a.Done && adopting:
			p.painted(green, "adopted %s", about)
		case a.Done:
			p.painted(green, "given back %s", about)
		case adopting:
			p.painted(yellow, "~ adopt %s", about)
		default:
			p.painted(yellow, "~ give back %s, as it is", about)
		}
		if !a.Origin.IsZero() {
			p.line("    asked for at %s", a.Origin)
		}
		if a.Done {
			continue
		}
		for _, f := range a.Fields {
			if f.Before == "" && f.After == "" {
				p.line("    %s: another value", f.Name)
				continue
			}
			p.verbatim(func() {
				p.line("    %s: %s → %s", f.Name, or(short(f.Before), "(none)"), or(short(f.After), "(none)"))
			})
		}
		for _, gone := range a.Goes {
			p.painted(red, "    - lost: %s", gone)
		}
		for _, stays := range a.Stays {
			p.line("    stays somebody else's: %s", stays)
		}
		if a.Advice != "" {
			p.line("    %s", a.Advice)
		}
	}
}

// short cuts a value where a line would be no help any more.
func short(text string) string {
	const most = 160
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// adopt passes a request on to the controller.
func (d *daemon) adopt(release bool) func(context.Context, server.AdoptRequest) ([]controller.Adopted, error) {
	return func(ctx context.Context, request server.AdoptRequest) ([]controller.Adopted, error) {
		if err := d.untilLoaded(ctx); err != nil {
			return nil, err
		}
		list, err := d.controller.Adopt(ctx, controller.AdoptOrder{
			Names: request.Names, IDs: request.IDs, Release: release, Preview: request.Preview, By: or(request.By, "somebody"),
		})
		if controller.IsUnknown(err) {
			err = server.Unknown(err)
		}
		return list, err
	}
}
