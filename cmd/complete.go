package cmd

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/status"
)

// What shells offer is what the daemon knows at that moment; without one that answers at
// once there is nothing to offer.

// complete offers fixed words for a flag in shell completion.
func complete(c *cobra.Command, flag string, words ...string) {
	err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	cobra.CheckErr(err) // only when the flag does not exist: a defect that every start would show
}

// completionPatience bounds how long a shell waits for a daemon that hangs, or for a machine
// that does not answer.
const completionPatience = time.Second

// report returns the daemon's status, for completion; without a daemon an empty one.
func (r *reach) report(ctx context.Context) status.Report {
	var report status.Report
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	if err := r.get(ctx, "/status", nil, &report); err != nil {
		return status.Report{}
	}
	return report
}

// subjects returns the names of services and containers, for completion.
// Without a daemon there is nothing to offer.
func (r *reach) subjects(ctx context.Context) []string {
	var names []string
	for _, service := range r.report(ctx).Services {
		names = append(names, service.Service)
		for _, instance := range service.Instances {
			names = append(names, instance.Container)
		}
	}
	slices.Sort(names) // a container's service often has the same name
	return slices.Compact(names)
}

// services returns the names of services, for completion.
func (r *reach) services(ctx context.Context) []string {
	var names []string
	for _, service := range r.report(ctx).Services {
		names = append(names, service.Service)
	}
	return names
}

// containers returns the names of the containers that count, for completion: what a manifest
// declares by its address is none.
func (r *reach) containers(ctx context.Context) []string {
	var names []string
	for _, service := range r.report(ctx).Services {
		for _, instance := range service.Instances {
			if instance.Origin.IsZero() {
				names = append(names, instance.Container)
			}
		}
	}
	slices.Sort(names) // one may be part of several services
	return slices.Compact(names)
}

// generations returns the newest generations with what they changed, for completion;
// without a daemon none.
func (r *reach) generations(ctx context.Context) []string {
	var list []history.Generation
	ctx, cancel := context.WithTimeout(ctx, completionPatience)
	defer cancel()
	if err := r.get(ctx, "/history", url.Values{"limit": {"20"}}, &list); err != nil {
		return nil
	}
	offered := make([]string, len(list))
	for i, g := range list {
		var changes []string
		for n := range g.Changes {
			changes = append(changes, g.Changes[n].Service+" "+sayOperation(&g.Changes[n]))
		}
		offered[i] = fmt.Sprintf("%d\t%s", g.Number, visible(short(strings.Join(changes, ", "))))
	}
	return offered
}

// releasable returns the services, and where there is a Kong what it holds of each, for
// completion.
func (r *reach) releasable(ctx context.Context) []string {
	report := r.report(ctx)
	var names, objects []string
	for _, service := range report.Services {
		names = append(names, service.Service)
		objects = append(objects, string(v1.Kong)+":"+service.Service)
	}
	if !slices.ContainsFunc(report.Gateways, func(g status.Gateway) bool { return g.Name == v1.Kong }) {
		return names
	}
	return append(names, objects...)
}

// refuseShells has the command completion name the shells that it knows, for another. What it
// writes to is known by then.
func refuseShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	completion, _, err := root.Find([]string{"completion"})
	if err != nil || completion == root {
		return
	}
	var shells []string
	for _, shell := range completion.Commands() {
		shells = append(shells, shell.Name())
	}
	slices.Sort(shells)
	completion.Args = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return fmt.Errorf("%q is no shell that can be completed for; name one of %s", args[0], strings.Join(shells, ", "))
	}
	completion.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
}
