package cmd

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/desired"
)

func newDrain() *cobra.Command {
	var r reach
	var out output[controller.Drained]
	var undo bool
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "drain CONTAINER",
		Short: "Take a container out of service, or put it back",
		Long: "Drain gives a container that goes on running nothing new on any gateway. What it\n" +
			"has begun may go on for --timeout, else for what its label drain says, and is\n" +
			"then ended on HAProxy. The daemon remembers it, also over its own restart, until the\n" +
			"container stops or --undo puts it back. Draining what drains already changes nothing;\n" +
			"another --timeout counts from now.",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			request := server.DrainRequest{Container: args[0], Undo: undo, By: whoAsks()}
			if c.Flags().Changed("timeout") {
				request.For = timeout.String()
			}
			if undo && request.For != "" {
				return errors.New("--undo and --timeout don't go together; leave one out")
			}
			if _, err := request.Limit(); err != nil {
				return fmt.Errorf("--timeout: %w", err)
			}
			var drained controller.Drained
			if err := r.control(c.Context(), http.MethodPost, "/drain", request, &drained); err != nil {
				return err
			}
			return out.print(c, drained, func(p *printer) { printDrained(p, drained) })
		},
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return r.containers(c.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	r.bindReach(c.Flags())
	c.Flags().BoolVar(&undo, "undo", false, "put the container back into service")
	c.Flags().DurationVar(&timeout, "timeout", 0, "how long its sessions may go on, 1s to 24h (default: as its label drain says)")
	out.bind(c)
	return withEnvironment(c)
}

func printDrained(p *printer, d controller.Drained) {
	services := strings.Join(d.Services, ", ")
	switch {
	case d.Draining && d.Changed:
		p.line("%s of %s gets nothing new from now on; lockstep explain %s tells how far it is", d.Container, services, d.Container)
	case d.Draining:
		p.line("%s of %s is out of service already, by %s since %s", d.Container, services, d.By, sayAge(d.Since))
	case d.Changed:
		p.line("%s of %s is back in service", d.Container, services)
	default:
		p.line("%s of %s was not taken out of service by this command", d.Container, services)
	}
}

// whoAsks names the person behind a command, also behind sudo. It is for people
// to read, not a proof.
func whoAsks() string {
	name := os.Getenv("SUDO_USER")
	if name == "" {
		if current, err := user.Current(); err == nil {
			name = current.Username
		} else {
			name = fmt.Sprintf("uid %d", os.Getuid())
		}
	}
	return name
}

// drain passes a request on to the controller.
func (d *daemon) drain(ctx context.Context, request server.DrainRequest) (controller.Drained, error) {
	limit, err := request.Limit()
	if err != nil {
		return controller.Drained{}, err
	}
	drained, err := d.controller.Drain(ctx, controller.DrainOrder{
		Container: request.Container, Undo: request.Undo, For: limit, By: or(request.By, "somebody"),
	})
	if errors.Is(err, desired.ErrNoInstance) {
		err = server.Unknown(err)
	}
	return drained, err
}
