package cmd

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/history"
)

func newHistory() *cobra.Command {
	var r reach
	var out output[[]history.Generation]
	limit := 20
	c := &cobra.Command{
		Use:   "history [SERVICE|GENERATION]",
		Short: "Show what was declared when, and by whom",
		Long: "History shows the newest generations, or those that changed a service: each is a\n" +
			"change of what labels and manifests ask for. With the number of one it shows what\n" +
			"differs field by field. Containers that come and go, and their health, make no\n" +
			"generation. Go back to one with: lockstep rollback",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 1 || limit > server.MaxHistory {
				return fmt.Errorf("--limit is %d; give a number from 1 to %d", limit, server.MaxHistory)
			}
			query := url.Values{"limit": {strconv.Itoa(limit)}}
			show := printHistory
			if len(args) == 1 {
				key := "service"
				if isNumber(args[0]) {
					key, show = "generation", printGenerations
				}
				query.Set(key, args[0])
			}
			var generations []history.Generation
			if err := r.get(c.Context(), "/history", query, &generations); err != nil {
				return err
			}
			return out.print(c, generations, func(p *printer) { show(p, generations) })
		},
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return r.services(c.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	r.bindReach(c.Flags())
	c.Flags().IntVar(&limit, "limit", limit, "how many generations to show, 1 to "+strconv.Itoa(server.MaxHistory))
	out.bind(c)
	return withEnvironment(c)
}

// isNumber reports whether an argument is the number of a generation.
func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}

// printHistory prints one line for each service that a generation changed.
func printHistory(p *printer, generations []history.Generation) {
	if len(generations) == 0 {
		p.line("nothing is kept of that yet")
		return
	}
	rows := [][]string{{"GENERATION", "WHEN", "SERVICE", "WHAT", "WHO"}}
	for _, g := range generations {
		number, when := strconv.FormatUint(g.Number, 10), sayTime(g.Time)
		for i := range g.Changes {
			change := &g.Changes[i]
			rows = append(rows, []string{number, when, change.Service, sayChange(change), sayWho(change)})
			number, when = "", ""
		}
	}
	p.table(rows)
}

// printGenerations prints generations field by field.
func printGenerations(p *printer, generations []history.Generation) {
	for _, g := range generations {
		p.painted(bold, "generation %d, %s", g.Number, sayTime(g.Time))
		for i := range g.Changes {
			change := &g.Changes[i]
			p.line("%s %s (%s)", change.Service, sayOperation(change), sayWho(change))
			printDifferences(p, change.Fields)
		}
	}
}

// printDifferences prints one line for each field.
func printDifferences(p *printer, fields []v1.Difference) {
	for _, d := range fields {
		at := ""
		if !d.Origin.IsZero() {
			at = "  (" + d.Origin.String() + ")"
		}
		p.verbatim(func() {
			switch {
			case d.Before == "":
				p.painted(green, "  + %s: %s%s", d.Field, d.After, at)
			case d.After == "":
				p.painted(red, "  - %s: %s%s", d.Field, d.Before, at)
			default:
				p.painted(yellow, "  ~ %s: %s → %s%s", d.Field, d.Before, d.After, at)
			}
		})
	}
}

func sayOperation(c *history.Change) string {
	switch {
	case c.RolledBackTo != 0:
		return fmt.Sprintf("rolled back to %d", c.RolledBackTo)
	case c.Released:
		return "released"
	}
	return string(c.Operation)
}

// fieldsShown is how many fields a line names.
const fieldsShown = 4

// sayChange says in a few words what changed of a service.
func sayChange(c *history.Change) string {
	text := sayOperation(c)
	if c.Operation != history.Changed || len(c.Fields) == 0 {
		return text
	}
	var names []string
	for _, d := range c.Fields {
		names = append(names, d.Field)
	}
	if more := len(names) - fieldsShown; more > 0 {
		names = append(names[:fieldsShown], fmt.Sprintf("and %d more", more))
	}
	return text + ": " + strings.Join(names, ", ")
}

// sayWho says who asked for a change, or where it was asked for.
func sayWho(c *history.Change) string {
	switch {
	case c.By != "":
		return c.By
	case c.Origin.Author != "":
		return c.Origin.String() + " by " + c.Origin.Author
	case c.Origin.IsZero():
		return "-"
	}
	return c.Origin.String()
}

// history answers from the store.
func (d *daemon) history(query server.HistoryQuery) ([]history.Generation, error) {
	if d.keeper == nil {
		return nil, history.ErrNone
	}
	if query.Generation == 0 {
		generations, err := d.keeper.List(query.Service, query.Limit)
		if err != nil || len(generations) > 0 || query.Service == "" {
			return generations, err
		}
		known, err := d.heardOf()
		if err == nil {
			err = unheardOf(query.Service, known)
		}
		return generations, err
	}
	generation, err := d.keeper.Get(query.Generation)
	if errors.Is(err, history.ErrUnknown) {
		return nil, server.Unknown(err)
	}
	return []history.Generation{generation}, err
}

// heardOf returns the names of the services that there are, and of those that newer
// generations changed.
func (d *daemon) heardOf() ([]string, error) {
	var names []string
	for _, service := range d.status.Report().Services {
		names = append(names, service.Service)
	}
	generations, err := d.keeper.List("", server.MaxHistory)
	for _, g := range generations {
		for i := range g.Changes {
			names = append(names, g.Changes[i].Service)
		}
	}
	return names, err
}

// unheardOf returns server.ErrUnknown with the nearest name, where a service is not among
// those that are known.
func unheardOf(service string, known []string) error {
	if slices.Contains(known, service) {
		return nil
	}
	hint := "see which there are with: lockstep status, lockstep history"
	if near := v1.Nearest(service, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	return server.Unknown(fmt.Errorf("there is no service %q, and history knows of none; %s", service, hint))
}
