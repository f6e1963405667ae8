package cmd

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller"
)

func newPause() *cobra.Command {
	return newPauseOrResume(false, &cobra.Command{
		Use:   "pause [GATEWAY...]",
		Short: "Stop changing gateways, and go on watching",
		Long: "Pause leaves the named gateways (kong, haproxy), or all of them, as they are, until\n" +
			"lockstep resume; it returns when what was being changed just now is finished. What\n" +
			"there should be is worked out all the while: lockstep plan shows what waits. Containers\n" +
			"that end get traffic all the same, so don't forget it. A managed HAProxy that dies is\n" +
			"started again as it was. The daemon remembers the pause, also over its own restart.",
	})
}

func newResume() *cobra.Command {
	return newPauseOrResume(true, &cobra.Command{
		Use:   "resume [GATEWAY...]",
		Short: "Follow again after a pause",
		Long:  "Resume lets the named gateways, or all of them, follow again, beginning with what has\nwaited since lockstep pause.",
	})
}

func newPauseOrResume(resume bool, c *cobra.Command) *cobra.Command {
	var r reach
	var out output[[]controller.Paused]
	c.ValidArgs = []string{string(v1.Kong), string(v1.HAProxy)}
	c.RunE = func(c *cobra.Command, args []string) error {
		request := server.PauseRequest{Resume: resume, By: whoAsks()}
		for _, name := range args {
			request.Gateways = append(request.Gateways, v1.Gateway(name))
		}
		var paused []controller.Paused
		if err := r.control(c.Context(), http.MethodPost, "/pause", request, &paused); err != nil {
			return err
		}
		return out.print(c, paused, func(p *printer) { printPaused(p, paused) })
	}
	r.bindReach(c.Flags())
	out.bind(c)
	return withEnvironment(c)
}

func printPaused(p *printer, paused []controller.Paused) {
	for _, g := range paused {
		switch {
		case g.Paused && g.Changed:
			p.line("%s is left as it is until: lockstep resume %s", g.Gateway, g.Gateway)
		case g.Paused:
			p.line("%s is paused already, by %s since %s", g.Gateway, g.By, sayAge(g.Since))
		case g.Changed:
			p.line("%s is followed again", g.Gateway)
		default:
			p.line("%s was not paused", g.Gateway)
		}
	}
}

// pause passes a request on to the controller.
func (d *daemon) pause(ctx context.Context, request server.PauseRequest) ([]controller.Paused, error) {
	return d.controller.Pause(ctx, controller.PauseOrder{Gateways: request.Gateways, Resume: request.Resume, By: or(request.By, "somebody")})
}
