package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lockstep/lockstep/api/server"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/source/docker"
	"github.com/lockstep/lockstep/controller/status"
)

func newExplain() *cobra.Command {
	var r reach
	var out output[status.Explanation]
	c := &cobra.Command{
		Use:   "explain CONTAINER|SERVICE|HOST/PATH|:PORT",
		Short: "Tell whether a container gets traffic on each gateway, and why not",
		Long: "Explain says of a container or a service whether it gets traffic on each gateway\n" +
			"and, if not, why and what to do. Of a container, or an endpoint of a manifest, every\n" +
			"decision follows, from its labels to what each gateway itself says of it. Of an address\n" +
			"it says which route takes a GET request on each gateway, who answers, and which other\n" +
			"routes match; of a TCP port (:5672), which service takes its connections. Routes that\n" +
			"are declared in Kong's own words take part; those that others made in Kong don't, and\n" +
			"neither do those by an expression.\n\n" +
			"Exit codes: 0 the question is answered, also where the answer is that it gets no\n" +
			"traffic; 1 nothing is known of it, or an error. Scripts that want it to get traffic\n" +
			"ask with: lockstep wait",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var explanation status.Explanation
			if err := r.get(c.Context(), "/explain", url.Values{"subject": args}, &explanation); err != nil {
				return err
			}
			return out.print(c, explanation, func(p *printer) { printExplanation(p, explanation) })
		},
	}
	c.ValidArgsFunction = func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return r.subjects(c.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	r.bindReach(c.Flags())
	out.bind(c)
	return withEnvironment(c)
}

// lookup answers for a container that is no instance: it does not run, or
// does not count.
func (d *daemon) lookup(ctx context.Context, ref string) (status.Explanation, error) {
	instance, note, err := d.source.Lookup(ctx, ref)
	if errors.Is(err, docker.ErrNotFound) {
		return status.Explanation{}, unheardSubject(ref, d.status.Report())
	}
	if err != nil {
		return status.Explanation{}, err
	}
	by, notEnabled, err := d.controller.Counts(ctx, instance)
	if err != nil {
		return status.Explanation{}, err
	}
	var absent v1.Problem
	problem := notEnabled
	if !note.Running || notEnabled == nil {
		absent = v1.Problem{Object: v1.Key{Kind: v1.KindInstance, Name: instance.Name}, Origin: v1.Origin{Container: instance.Name}}
		absent.Reason, absent.Message, absent.Fix = notThere(instance.Name, note)
		problem = &absent
	}
	return status.Explanation{Subject: ref, Problems: []v1.Problem{*problem},
		Decisions: []desired.Trail{desired.Outside(instance, by, notEnabled, absent)}}, nil
}

// unheardSubject returns server.ErrUnknown with the nearest name, of what is neither a container
// nor a service.
func unheardSubject(ref string, report status.Report) error {
	var known []string
	for _, service := range report.Services {
		known = append(known, service.Service)
		for _, instance := range service.Instances {
			known = append(known, instance.Container)
		}
	}
	for _, refused := range report.Refused {
		for _, problem := range refused.Problems {
			known = append(known, problem.Origin.Container)
		}
	}
	hint := "see lockstep status for their names"
	if near := v1.Nearest(ref, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	if strings.Contains(ref, ".") && !strings.Contains(ref, "/") {
		hint += fmt.Sprintf("; if it is a host, add a path: lockstep explain %s/", ref)
	}
	return server.Unknown(fmt.Errorf("there is no container and no service %q; %s", ref, hint))
}

// notThere says why a container that would count is no instance. One that ends as soon
// as it runs is told alike at whichever moment it is asked for.
func notThere(name string, note docker.LookupNote) (reason v1.Reason, message, fix string) {
	why := "docker logs " + name
	switch {
	case note.Status == "restarting":
		return v1.NotRunning, fmt.Sprintf("it ends with exit code %d, and its restart policy starts it again (%s so far)", note.ExitCode, count(note.Restarts, "time")),
			"see why it ends: " + why
	case !note.Running && note.ExitCode != 0:
		return v1.NotRunning, "it is " + note.Status, "see why it ended (" + why + "), and start it"
	case !note.Running:
		return v1.NotRunning, "it is " + note.Status, "start it"
	case note.Restarts > 0:
		return v1.Starting, fmt.Sprintf("it was started this instant, and its restart policy has done so %s so far", count(note.Restarts, "time")),
			"ask again; if it goes on, see why it ends: " + why
	}
	return v1.Starting, "it was started this instant", "ask again"
}

// becameOf adds to what is known of a service without instances what Docker says of its
// last container, as that it ends and is started again.
func (d *daemon) becameOf(ctx context.Context, e status.Explanation) status.Explanation {
	for i := range e.Services {
		if len(e.Services[i].Instances) > 0 || e.Services[i].DecidedBy == "" {
			continue
		}
		// One that is gone, or a Docker that does not answer, adds nothing: the service's account stands.
		if found, err := d.lookup(ctx, e.Services[i].DecidedBy); err == nil {
			e.Problems = append(e.Problems, found.Problems...)
			e.Decisions = append(e.Decisions, found.Decisions...)
		}
	}
	return e
}

func printExplanation(p *printer, e status.Explanation) {
	for _, service := range e.Services {
		for _, instance := range service.Instances {
			if instance.Origin.IsZero() {
				p.line("container %s (%.12s) in service %s", instance.Container, instance.ID, service.Service)
			} else {
				p.line("endpoint %s in service %s (%s)", instance.Container, service.Service, instance.Origin)
			}
			printVerdicts(p, instance.Verdicts)
			printTrails(p, e.Decisions, service.Service, instance)
		}
		if len(service.Instances) == 0 && service.Until != nil {
			p.line("service %s has no instances; its routes answer 503 until %s", service.Service, sayTime(*service.Until))
		}
		if len(service.Routes) == 0 {
			p.line("service %s has no routes: no label and no manifest says which requests it gets (hosts, paths)", service.Service)
		}
		for _, route := range service.Routes {
			p.line("route %s: %s%s", route.Name, describeRoutes([]desired.RouteStanding{route}), declaredAt(route.Origin))
			printVerdicts(p, route.Verdicts)
		}
		printDeciders(p, service)
		printSelection(p, service.Selection)
		if service.Rollout != nil {
			printRollout(p, service.Rollout)
		}
		for _, problem := range service.Problems {
			p.line("note: %s", problem.Error())
		}
	}
	for _, gateway := range e.Unasked {
		p.line("note: %s", sayUnasked(gateway))
	}
	for _, problem := range e.Problems {
		p.line("%s", problem.Error())
	}
	if e.Undecided != "" {
		p.line("note: how that was decided is not known: %s", e.Undecided)
	}
	printOtherTrails(p, e)
	for _, answer := range e.Answers {
		printAnswer(p, answer)
	}
	if len(e.Services)+len(e.Problems)+len(e.Answers) == 0 { // a port, where there is no HAProxy
		p.line("no gateway here takes TCP connections")
	}
}

// declaredAt names the place of what a manifest declares.
func declaredAt(origin v1.Origin) string {
	if origin.File == "" {
		return ""
	}
	return " (" + origin.String() + ")"
}

// printDeciders says whose settings hold for a service.
func printDeciders(p *printer, service status.Service) {
	if pin := service.Pinned; pin != nil {
		p.line("settings of %s are those of generation %d: %s rolled it back at %s; follow again with: lockstep release %s",
			service.Service, pin.Generation, pin.By, sayAge(pin.Since), service.Service)
		return
	}
	switch labels := service.DecidedBy != "" && len(service.Instances) > 0; {
	case !service.Manifest.IsZero() && labels:
		p.line("settings of %s are those of the manifest at %s, else those of container %s", service.Service, service.Manifest, service.DecidedBy)
	case !service.Manifest.IsZero():
		p.line("settings of %s are those of the manifest at %s", service.Service, service.Manifest)
	case labels:
		p.line("settings of %s are those of container %s", service.Service, service.DecidedBy)
	}
	printDecisions(p, service)
}

// maxLeftOut is how many of the containers that are left out are named.
const maxLeftOut = 10

// printSelection says whom a service's selector picks, and who of these is left out.
func printSelection(p *printer, s *desired.Selection) {
	if s == nil {
		return
	}
	p.line("it selects containers by %s (%s): it picks %d of %d that run", s.Labels, s.Origin, len(s.Picked), s.Running)
	for i, problem := range s.LeftOut {
		if i == maxLeftOut {
			p.line("  and %d more are left out", len(s.LeftOut)-i)
			break
		}
		p.line("  left out: %s", problem.Error())
	}
}

// printDecisions says who decides which setting, where a manifest and labels meet.
func printDecisions(p *printer, service status.Service) {
	for _, d := range service.Decisions {
		if d.Over {
			p.line("  %s: %s; labels ask for something else", d.Contested(), d.Origin)
			continue
		}
		p.line("  %s: %s", d.Setting, d.Origin)
	}
}

// printRollout says how the versions of a service share its traffic.
func printRollout(p *printer, r *desired.RolloutStanding) {
	by := "container " + r.DecidedBy.Container
	if r.DecidedBy.Container == "" {
		by = "the manifest at " + r.DecidedBy.String()
	}
	p.line("its rollout is that of %s", by)
	if r.Header != "" {
		p.line("  the header %s picks a version", r.Header)
	}
	if r.Cookie != "" {
		p.line("  the cookie %s picks a version", r.Cookie)
	}
	for _, v := range r.Versions {
		var got []string
		for _, share := range v.Shares {
			got = append(got, string(share.Gateway)+" "+shareOn(share.Gateway, v))
		}
		p.line("  %s asks for %s: %s", desired.SayVersion(v.Version), askedShare(v), strings.Join(got, ", "))
	}
}

// printAnswer says what one gateway makes of a request.
func printAnswer(p *printer, a status.Answer) {
	by := "by its name (SNI)"
	if a.Port != 0 {
		by = fmt.Sprintf("to port %d", a.Port)
	}
	switch {
	case a.Unknown != "":
		p.line("%-8s what it makes of it is not known yet: %s", a.Gateway, a.Unknown)
	case a.Held:
		p.line("%-8s route %s of service %s, which is wanted no more: held by the guard, 503", a.Gateway, a.Route, a.Service)
	case a.Port != 0 && a.Route == "":
		p.line("%-8s no TCP service takes connections to port %d", a.Gateway, a.Port)
	case a.Port != 0 && len(a.Instances) > 0:
		p.line("%-8s route %s of service %s takes the connection %s: one of %s gets it", a.Gateway, a.Route, a.Service, by, strings.Join(a.Instances, ", "))
	case a.PassedOn && len(a.Instances) == 0:
		p.line("%-8s route %s of service %s takes the connection %s, and closes it: no instance is ready", a.Gateway, a.Route, a.Service, by)
	case a.PassedOn:
		p.line("%-8s route %s of service %s takes the connection %s: one of %s ends TLS itself", a.Gateway, a.Route, a.Service, by, strings.Join(a.Instances, ", "))
	case a.Route == "" && a.Gateway == v1.Kong:
		p.line("%-8s no route of Lockstep's takes it: 404, unless one takes it that others made in Kong", a.Gateway)
	case a.Route == "":
		p.line("%-8s no route takes it: 404", a.Gateway)
	case !a.Declared.IsZero() && len(a.Instances) == 0 && a.Status == 0:
		p.line("%-8s route %s takes it, in Kong's own words (%s): Kong sends %q where it says", a.Gateway, a.Route, a.Declared, a.Target)
	case a.Status != 0 && a.Status != http.StatusServiceUnavailable:
		p.line("%-8s route %s of service %s takes it, and the gateway answers by itself: %d", a.Gateway, a.Route, cmp.Or(a.Service, "none"), a.Status)
	case a.Status != 0:
		p.line("%-8s route %s of service %s, which has no ready instance: %d", a.Gateway, a.Route, a.Service, a.Status)
	default:
		through := ""
		if a.Through != "" {
			through = ", through " + string(a.Through)
		}
		if a.Proof {
			through += ", from clients that show a certificate"
		}
		p.line("%-8s route %s of service %s%s: one of %s gets %q", a.Gateway, a.Route, a.Service, through, strings.Join(a.Instances, ", "), a.Target)
	}
	if a.Stale != "" {
		p.line("         %s", a.Stale)
	}
	if len(a.Holds) > 0 {
		p.line("         the guard holds %s, whose hosts and paths are not known any more: 503 where they match", sayKeys(a.Holds))
	}
	switch {
	case a.Only != "":
		p.line("         at the Listener %s alone; 404 elsewhere", a.Only)
	case len(a.NotAt) > 0:
		p.line("         not at the Listeners %s, which take other hosts: 404 there", strings.Join(a.NotAt, ", "))
	}
	for _, other := range a.Others {
		p.line("         not route %s: %s: %s", other.Route, other.Reason, other.Message)
		if other.Fix != "" {
			p.line("           → %s", other.Fix)
		}
	}
}

// sayKeys names objects.
func sayKeys(keys []v1.Key) string {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = string(key.Kind) + " " + key.Name
	}
	return strings.Join(names, ", ")
}

// printVerdicts prints one line for each gateway, and the fix below.
func printVerdicts(p *printer, verdicts []desired.Verdict) {
	for _, verdict := range verdicts {
		reason := string(verdict.Reason)
		if verdict.Through == "" || verdict.Address == "" { // else the address says it
			reason = reasonBetween(verdict)
		}
		parts := []string{fmt.Sprintf("  %-8s %s", verdict.Gateway, reason)}
		switch {
		case strings.HasPrefix(verdict.How, "through "): // of an endpoint that is declared, which is on no network
			parts = append(parts, fmt.Sprintf("%s, %s", verdict.Address, verdict.How))
		case verdict.How != "":
			parts = append(parts, fmt.Sprintf("%s on %s", verdict.Address, verdict.How))
		case verdict.Address != "":
			parts = append(parts, verdict.Address)
		}
		if verdict.Message != "" {
			parts = append(parts, verdict.Message)
		}
		switch {
		case verdict.Uncounted != "":
			parts = append(parts, "how many sessions it has is not known: "+verdict.Uncounted)
		case verdict.Sessions != nil:
			parts = append(parts, fmt.Sprintf("%d sessions left", *verdict.Sessions))
		}
		p.line("%s", strings.Join(parts, ": "))
		if verdict.Fix != "" {
			p.line("           → %s", verdict.Fix)
		}
	}
}
