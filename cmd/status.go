package cmd

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
)

func newStatus() *cobra.Command {
	var r reach
	var out output[status.Report]
	var watch bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what is served, and what is not",
		Long: "Status shows how each gateway is doing, what it serves and what it does not, and why.\n" +
			"Serving through haproxy: the gateway hands the requests on to HAProxy, which reaches the\n" +
			"container. Serving behind kong: it gets none but those that Kong hands on.\n" +
			"While many changes are being made STATE says how far they are, as in\n" +
			"Serving, applying 412 of 1500; with --watch that is followed.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			show := func(report status.Report) error {
				return out.print(c, report, func(p *printer) { printReport(p, report) })
			}
			if watch {
				return r.watch(c.Context(), out.screen(c, show))
			}
			var report status.Report
			if err := r.get(c.Context(), "/status", url.Values{}, &report); err != nil {
				return err
			}
			return show(report)
		},
	}
	r.bindReach(c.Flags())
	c.Flags().BoolVar(&watch, "watch", false, "show it again whenever it changes, until Ctrl-C")
	out.bind(c)
	return withEnvironment(c)
}

func printReport(p *printer, report status.Report) {
	state := "ready"
	if !report.Ready {
		state = "not ready"
	}
	p.line("lockstep %s, owner %s: %s", report.Version, report.Owner, state)
	printSources(p, report.Sources)
	for _, u := range report.Unsaved {
		p.item("", fmt.Sprintf("state directory: %s can't be saved since %s, and a restart would go back to what it said then: %s", u.Part, sayTime(u.Since), u.Error))
	}
	p.line("")
	printGateways(p, report.Gateways)
	held := heldRows(report)
	if len(report.Services)+len(held) > 0 {
		p.line("")
		printServices(p, report, held)
		printRollouts(p, report)
	}
	printProblems(p, report)
}

// printSources prints what ails sources, and at which commits they are.
func printSources(p *printer, sources []source.State) {
	for _, s := range sources {
		if s.Error != "" {
			p.item("", fmt.Sprintf("source %s: %s", s.Name, s.Error))
		}
		if s.Commit != "" {
			p.line("%s: at commit %s", s.Name, s.Commit)
		}
		switch {
		case s.Refused != "" && s.Commit == "":
			p.line("%s: commit %s is wrong; what is right in it counts, as there was no good one before", s.Name, s.Refused)
		case s.Refused != "":
			p.line("%s: commit %s is wrong and not taken", s.Name, s.Refused)
		}
	}
}

// colourOf returns the colour of a cell that begins with a state: green of what is served,
// yellow of what passes or was asked for, red of what somebody should do something about; ""
// of every other.
func colourOf(cell string) string {
	state, _, _ := strings.Cut(cell, " ")
	switch v1.Reason(strings.TrimSuffix(state, ",")) {
	case v1.Serving:
		return green
	case v1.Starting, v1.Draining, v1.Paused, v1.Drifted, v1.HeldByGuard, "503":
		return yellow
	case v1.Unhealthy, v1.Flapping, v1.NotRunning, v1.InvalidLabel, v1.InvalidManifest, v1.NoPort, v1.NoSharedNetwork, v1.Conflict,
		v1.PolicyDenied, v1.NotExpressible, v1.GatewayRejected, v1.GatewayUnreachable, v1.GatewayUnwritable:
		return red
	}
	return ""
}

func printGateways(p *printer, gateways []status.Gateway) {
	rows := [][]string{{"GATEWAY", "STATE", "PENDING", "CHANGES", "HELD"}}
	for _, g := range gateways {
		state := string(g.Reason)
		if g.Applying != nil {
			state += ", " + g.Applying.String()
		}
		rows = append(rows, []string{string(g.Name), state, strconv.Itoa(g.Pending), strconv.Itoa(g.Changes), strconv.Itoa(len(g.Held))})
	}
	p.tableIn(rows, colourOf)
	for _, g := range gateways {
		if g.Applying != nil {
			if waiting := g.Applying.Waiting(time.Now()); waiting != "" {
				p.item("", string(g.Name)+": "+waiting)
			}
		}
		printVerification(p, g)
		for _, hint := range g.Hints {
			p.item("", string(g.Name)+": "+hint)
		}
	}
}

// printVerification says of a gateway that serves a change only a while after it has
// accepted it what is known of that, unless it serves all of it.
func printVerification(p *printer, g status.Gateway) {
	switch v := g.Verification; {
	case v == nil:
	case v.Off:
		p.item("", sayUnasked(g.Name))
	case v.Problem != "":
		p.item("", fmt.Sprintf("%s: whether it serves what it accepted is not known: %s", g.Name, v.Problem))
		p.item("  ", "→ "+v.Fix)
	case v.Waiting > 0 || v.Others:
		var of []string
		if v.Waiting > 0 {
			of = append(of, count(v.Waiting, "service"))
		}
		if v.Others {
			of = append(of, "what belongs to no service")
		}
		p.item("", fmt.Sprintf("%s: changes of %s are accepted, and not served by all of its workers yet", g.Name, strings.Join(of, " and of ")))
	}
}

// sayUnasked says that nobody asks a gateway whether it serves what it accepted.
func sayUnasked(gateway v1.Gateway) string {
	return fmt.Sprintf("%s: Serving means accepted, its workers may need some seconds more; name its proxy (--%s-proxy-url) to have them asked", gateway, gateway)
}

// printServices prints one line for each container and service; those that are held and
// wanted no more come last.
func printServices(p *printer, report status.Report, held [][]string) {
	head := []string{"SERVICE", "CONTAINER"}
	for _, g := range report.Gateways {
		head = append(head, strings.ToUpper(string(g.Name)))
	}
	rows := [][]string{append(head, "ROUTES")}
	for _, service := range report.Services {
		routes := describeRoutes(service.Routes)
		if len(service.Instances) == 0 {
			row := []string{service.Service, "(none)"}
			for _, g := range report.Gateways {
				row = append(row, withoutInstances(g.Name, service.Routes))
			}
			rows = append(rows, append(row, routes))
		}
		for _, instance := range service.Instances {
			row := []string{service.Service, instance.Container}
			for _, g := range report.Gateways {
				row = append(row, reasonOn(g.Name, instance.Verdicts))
			}
			rows = append(rows, append(row, routes))
			routes = ""
		}
	}
	p.tableIn(append(rows, held...), colourOf)
}

// printRollouts prints one line for each version that shares in a rollout.
func printRollouts(p *printer, report status.Report) {
	head := []string{"ROLLOUT", "VERSION", "ASKED"}
	for _, g := range report.Gateways {
		head = append(head, strings.ToUpper(string(g.Name)))
	}
	rows := [][]string{head}
	for _, service := range report.Services {
		if service.Rollout == nil {
			continue
		}
		for _, v := range service.Rollout.Versions {
			row := []string{service.Service, cmp.Or(v.Version, "(none)"), askedShare(v)}
			for _, g := range report.Gateways {
				row = append(row, shareOn(g.Name, v))
			}
			rows = append(rows, row)
		}
	}
	if len(rows) > 1 {
		p.line("")
		p.table(rows)
	}
}

// askedShare says what a version asks for.
func askedShare(v desired.VersionStanding) string {
	if v.Asked == nil {
		return "the rest"
	}
	return strconv.Itoa(*v.Asked) + "%"
}

// shareOn says what a version gets on a gateway.
func shareOn(gateway v1.Gateway, v desired.VersionStanding) string {
	for _, share := range v.Shares {
		switch {
		case share.Gateway != gateway:
		case share.Ready == 0:
			return "none ready"
		default:
			return strconv.FormatFloat(math.Round(share.Share*100)/100, 'f', -1, 64) + "%"
		}
	}
	return "-"
}

// withoutInstances says what a gateway answers for a service that has no
// containers: 503 where one of its routes is kept, else why none is.
func withoutInstances(gateway v1.Gateway, routes []desired.RouteStanding) string {
	said := "-"
	for _, route := range routes {
		if said = reasonOn(gateway, route.Verdicts); said == string(v1.Draining) {
			return "503"
		}
	}
	return said
}

// describeRoutes says in few words which requests a service gets.
func describeRoutes(routes []desired.RouteStanding) string {
	var parts []string
	for _, route := range routes {
		part := strings.Join(route.Hosts, ",")
		for _, port := range route.Listen {
			part += " :" + strconv.Itoa(port)
		}
		for _, name := range route.SNIs {
			part += " tls:" + name
		}
		if part == "" {
			part = "*"
		}
		if len(route.Paths) > 0 {
			part += " " + strings.Join(route.Paths, ",")
		}
		if len(route.Methods) > 0 {
			part += " " + strings.Join(route.Methods, ",")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

// reasonOn says a gateway's verdict in few words, and of what it serves whether the other
// gateway is in between.
func reasonOn(gateway v1.Gateway, verdicts []desired.Verdict) string {
	for _, verdict := range verdicts {
		if verdict.Gateway == gateway {
			return reasonBetween(verdict)
		}
	}
	return "-"
}

// reasonBetween says a reason and, of what is served, over which gateway or from which
// alone it gets its requests.
func reasonBetween(verdict desired.Verdict) string {
	switch {
	case verdict.Reason != v1.Serving:
	case verdict.Through != "":
		return fmt.Sprintf("%s through %s", verdict.Reason, verdict.Through)
	case verdict.From != "":
		return fmt.Sprintf("%s behind %s", verdict.Reason, verdict.From)
	}
	return string(verdict.Reason)
}
