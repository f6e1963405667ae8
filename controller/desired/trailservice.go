package desired

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// mostNamed is how many labels or settings a sentence names.
const mostNamed = 12

// named joins names for a sentence, the first of them where they are many.
func named(names []string) string {
	if n := len(names) - mostNamed; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), n)
	}
	return strings.Join(names, ", ")
}

// subject is a container as the labels' grammar sees it.
func subject(i snapshot.Instance) v1.Subject {
	return v1.Subject{Container: i.Name, Project: i.Project, Service: i.Service, Labels: i.Labels}
}

// enabledBy says why a container counts.
func enabledBy(grammar v1.Grammar, i snapshot.Instance) string {
	if label := grammar.LabelOf(subject(i), "", "enable"); label != "" {
		return "by its label " + label
	}
	return "by --expose-all, for no label says otherwise"
}

// traceLabels adds what the labels say, and which service that is.
func (b *Builder) traceLabels(t *Trail, s *service, m member) {
	if !m.container.origin.IsZero() {
		t.Add(Step{Name: StepService, Result: MarkOK, Message: "the manifest there declares it for " + s.name})
		return
	}
	who := subject(m.container.instance)
	keys := b.options.Grammar.Own(who)
	switch {
	case m.container.enabled:
		t.Add(Step{Name: StepLabels, Result: MarkOK, Message: fmt.Sprintf("all %d are understood, none is passed over: %s", len(keys), named(keys))})
	case len(keys) > 0:
		t.Add(Step{Name: StepLabels, Result: MarkOK, Message: fmt.Sprintf("those that begin with %s don't count, as %s is not among them: %s",
			b.options.Grammar.Prefix, b.label("enable"), named(keys))})
	}
	var because []string
	if m.labelled() {
		because = append(because, b.options.Grammar.NamedBecause(who, s.name))
	}
	if by := m.selector(); by != nil {
		because = append(because, fmt.Sprintf("%s by the selector, which asks for these labels: %s", s.name, by))
	}
	t.Add(Step{Name: StepService, Result: MarkOK, Message: strings.Join(because, "; ")})
}

// traceSettings adds who decides what the service asks for.
func (b *Builder) traceSettings(t *Trail, s *service, m member) {
	if why := s.withheld(); why != nil && why.Reason != v1.PolicyDenied {
		t.addProblem(StepSettings, *why)
		return
	}
	t.Add(Step{Name: StepSettings, Result: MarkOK, Message: s.deciders(m)})
}

// deciders says by whose word each setting holds, and which of the member's own do not
// come about.
func (s *service) deciders(m member) string {
	if s.pin != nil {
		return fmt.Sprintf("all as in generation %d, to which %s has rolled it back; labels and manifests decide nothing meanwhile", s.pin.Generation, s.pin.By)
	}
	decider := m
	if s.decider.container != nil {
		decider = s.decider
	}
	parts := []string{}
	if s.kept {
		parts = append(parts, "what labels asked for last holds on, for a policy or a Listener that is wrong lets nothing new in: "+cmp.Or(named(s.labels.Asks()), "all is as by default"))
	}
	switch {
	case s.declared != nil:
		parts = append(parts, s.byPlaces(decider, m)...)
	case !s.kept:
		parts = append(parts, s.byLabels(s.labels.Asks(), decider, m))
	}
	if decider.container != m.container && m.container.origin.IsZero() && m.labelled() {
		if fields := differing(withoutRollout(decider.part.Service), withoutRollout(m.part.Service)); len(fields) > 0 {
			parts = append(parts, "its own labels differ, and don't come about: "+named(fields))
		}
	}
	return strings.Join(parts, "; ")
}

// byLabels says that labels decide these settings.
func (s *service) byLabels(settings []string, decider, m member) string {
	whose := "its own labels"
	switch {
	case !decider.labelled():
		whose = fmt.Sprintf("those of %s, which is gone,", cmp.Or(s.labels.Origin.Container, "a container"))
	case decider.container != m.container:
		whose = fmt.Sprintf("those of %s, the newest ready copy,", decider.container.instance.Name)
	}
	if len(settings) == 0 {
		return whose + " decide: all is as by default"
	}
	return fmt.Sprintf("%s decide: %s", whose, named(settings))
}

// byPlaces says the same where a manifest declares the service: each setting by its place.
func (s *service) byPlaces(decider, m member) []string {
	var parts, ofLabels, over []string
	byPlace, order := map[string][]string{}, []string{}
	for _, d := range s.decisions {
		if d.Over {
			over = append(over, d.Contested())
		}
		if d.Value == "" && d.Labels != "" { // it is left out
			continue
		}
		if d.Origin.File == "" {
			ofLabels = append(ofLabels, d.Setting)
			continue
		}
		place := d.Origin.String()
		if byPlace[place] == nil {
			order = append(order, place)
		}
		byPlace[place] = append(byPlace[place], d.Setting)
	}
	for _, place := range order {
		parts = append(parts, fmt.Sprintf("%s decides: %s", place, named(byPlace[place])))
	}
	switch {
	case len(ofLabels) > 0, len(parts) == 0 && s.declared.Addition:
		parts = append(parts, s.byLabels(ofLabels, decider, m))
	case len(parts) == 0:
		parts = append(parts, fmt.Sprintf("the manifest at %s decides: all is as by default", s.declared.Service.Origin))
	}
	if len(over) > 0 {
		parts = append(parts, "labels ask for something else, and the manifest goes before them: "+named(over))
	}
	return parts
}

// traceState adds the container's port and its life.
func (b *Builder) traceState(t *Trail, m member) {
	c := m.container
	if c.address.IsValid() {
		t.Add(Step{Name: StepPort, Result: MarkOK, Message: fmt.Sprintf("%d, by its address", c.address.Port())})
		t.Add(Step{Name: StepState, Result: MarkOK, Message: "a declared address is always ready; a gateway's own check may say otherwise"})
		return
	}
	port, failed := portOf(m, b.options.Grammar.Prefix)
	by := "the only one that it exposes"
	if m.part.Port != 0 {
		by = "by " + m.setBy(b.options.Grammar, "port")
	}
	t.addVerdict(StepPort, Verdict{Reason: failed.reason, Message: failed.message, Fix: failed.fix}, fmt.Sprintf("%d, %s", port, by))
	ready := "it runs, and has no HEALTHCHECK that would say when it is ready"
	if c.instance.Health == snapshot.Healthy {
		ready = "its HEALTHCHECK passes"
	}
	t.addVerdict(StepState, Verdict{Reason: c.reason, Message: c.message, Fix: c.fix}, ready)
}

// tracePolicies adds what the policies say of it.
func (b *Builder) tracePolicies(t *Trail, s *service, m member) {
	c := m.container
	if !s.has(m) {
		for _, p := range c.problems {
			t.addProblem(StepPolicies, p)
		}
	}
	if why := s.withheld(); why != nil && why.Reason == v1.PolicyDenied {
		t.addProblem(StepPolicies, *why)
	}
	if slices.ContainsFunc(t.Steps, func(step Step) bool { return step.Name == StepPolicies }) {
		return
	}
	said := cmp.Or(s.said, &v1.Declared{})
	claim := policy.OfManifest(said, b.wished(&said.Service))
	if c.origin.IsZero() {
		claim = b.claim(c, m.part)
	}
	t.Add(Step{Name: StepPolicies, Result: MarkOK, Message: b.policies.Passed(claim)})
}
