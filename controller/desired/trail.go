package desired

import (
	"cmp"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// Trail is the account of one instance in one service, decision by decision, in the
// order in which they are taken. It is worked out when somebody asks for it.
type Trail struct {
	ID        string `json:"id"`                // the full container id
	Container string `json:"container"`         // of a static endpoint: its address
	Service   string `json:"service,omitempty"` // "" where its labels don't come to one
	Steps     []Step `json:"steps"`             // first those that hold for every gateway, then gateway by gateway
}

// Step is one decision.
type Step struct {
	Name    StepName   `json:"step"`              // what is decided
	Gateway v1.Gateway `json:"gateway,omitempty"` // "" when it holds for all
	Result  Mark       `json:"result"`            // what came of it
	Reason  v1.Reason  `json:"reason,omitempty"`  // why it is failed or open
	Message string     `json:"message"`           // what was decided, and by what
	Fix     string     `json:"fix,omitempty"`     // what to do about it
}

// StepName says what is decided. The names are part of the interface.
type StepName string

// The steps, in their order.
const (
	StepEnabled     StepName = "enabled"     // does the container count?
	StepLabels      StepName = "labels"      // are its labels understood?
	StepService     StepName = "service"     // which service is it part of, and why?
	StepSettings    StepName = "settings"    // who decides what the service asks for?
	StepPort        StepName = "port"        // at which of its ports is it reached?
	StepState       StepName = "state"       // is it ready?
	StepPolicies    StepName = "policies"    // may it ask for that?
	StepWanted      StepName = "wanted"      // is it to be served by this gateway?
	StepAddress     StepName = "address"     // where does the gateway reach it?
	StepExpressible StepName = "expressible" // can the gateway do what is asked?
	StepRoute       StepName = "route"       // does its service get these requests? One step for each route.
	StepShare       StepName = "share"       // does its version get a share, and is the gateway behind there?
	StepApplied     StepName = "applied"     // does the gateway hold it?
	StepVerified    StepName = "verified"    // does the gateway itself say that it serves it?
)

// Mark is what a step came to.
type Mark string

// The marks.
const (
	MarkOK     Mark = "ok"
	MarkOpen   Mark = "open"   // not yet, and nothing is wrong with that
	MarkFailed Mark = "failed" // no traffic because of it
	MarkMoot   Mark = "moot"   // fine by itself, but an earlier step is not
)

// Add adds a step. One that is fine where an earlier one is not becomes moot.
func (t *Trail) Add(step Step) {
	ends := t.Ends(step.Gateway)
	if step.Name == StepRoute { // what became of another route does not matter to it
		ends = t.ended(step.Gateway)
	}
	if ends && step.Result == MarkOK {
		step.Result = MarkMoot
	}
	t.Steps = append(t.Steps, step)
}

// Ends reports whether the steps so far keep the instance from traffic of a gateway. Of
// its service's routes one is enough.
func (t *Trail) Ends(gateway v1.Gateway) bool {
	lost, won := false, false
	for _, step := range t.Steps {
		if step.Name == StepRoute && step.Gateway == gateway {
			lost, won = lost || !step.fine(), won || step.fine()
		}
	}
	return lost && !won || t.ended(gateway)
}

// ended reports the same, routes aside.
func (t *Trail) ended(gateway v1.Gateway) bool {
	return slices.ContainsFunc(t.Steps, func(step Step) bool {
		return step.Name != StepRoute && !step.fine() && (step.Gateway == "" || step.Gateway == gateway)
	})
}

func (s Step) fine() bool { return s.Result == MarkOK || s.Result == MarkMoot }

// addVerdict adds a step that fails for what the verdict says; with no reason it is fine,
// as message says.
func (t *Trail) addVerdict(name StepName, v Verdict, message string) {
	step := Step{Name: name, Gateway: v.Gateway, Result: MarkOK, Message: cmp.Or(v.Message, message)}
	if v.Reason != "" && v.Reason != v1.Serving {
		step.Result, step.Reason, step.Fix = MarkFailed, v.Reason, v.Fix
	}
	if v.Reason == v1.Starting {
		step.Result = MarkOpen
	}
	t.Add(step)
}

// addProblem adds a step that fails for a problem.
func (t *Trail) addProblem(name StepName, p v1.Problem) {
	message, at := p.Message, p.Origin
	if at.Container = ""; !at.IsZero() { // whose labels they are is known
		message = at.String() + ": " + message
	}
	t.Add(Step{Name: name, Result: MarkFailed, Reason: p.Reason, Message: message, Fix: p.Fix})
}

// Means reports whether ref names a container: its name, its id, or the beginning of its
// id, of at least four characters.
func Means(ref, id, name string) bool {
	return ref == name || ref == id || len(ref) >= 4 && strings.HasPrefix(id, ref)
}

// Trails returns the trail of every container that counts, and every static endpoint, that
// ref names: one for each of its services, sorted by container and service.
func (b *Builder) Trails(ref string) []Trail {
	var out []Trail
	for id, c := range b.containers {
		if Means(ref, id, c.instance.Name) {
			out = append(out, b.trails(c)...)
		}
	}
	for _, s := range b.services {
		for _, m := range s.static {
			if m.container.instance.Name == ref {
				out = append(out, b.trail(s, m))
			}
		}
	}
	slices.SortFunc(out, func(x, y Trail) int {
		return cmp.Or(cmp.Compare(x.Container, y.Container), cmp.Compare(x.ID, y.ID), cmp.Compare(x.Service, y.Service))
	})
	return out
}

// trails returns those of one container: one without a service, where its labels are wrong.
func (b *Builder) trails(c *container) []Trail {
	if len(c.wrong) > 0 {
		t := Trail{ID: c.instance.ID, Container: c.instance.Name}
		if unclear := c.unclear(b.options.Grammar); unclear != nil {
			t.addProblem(StepEnabled, *unclear)
		} else {
			t = b.begin(c)
		}
		for _, p := range c.wrong {
			if !enables(b.options.Grammar, p) {
				t.addProblem(StepLabels, p)
			}
		}
		return []Trail{t}
	}
	var out []Trail
	for i := range c.asked {
		part := &c.asked[i]
		s, m := b.services[part.Service.Name], member{container: c, part: part}
		if s == nil || !s.has(m) { // set apart
			apart := &service{name: part.Service.Name, settings: part.Service, labels: part.Service}
			if s != nil && s.declared != nil && !m.labelled() {
				apart.declared = s.declared
				merged, overruled := s.declared.Over(part.Service)
				apart.decisions = s.declared.Decisions(&part.Service, &merged, overruled)
			}
			s = apart
		}
		out = append(out, b.trail(s, m))
	}
	return out
}

// Outside is the trail of a container that is no instance. by says by what it counts, or
// notEnabled why it does not, as Builder.Counts does, and absent why it is not there.
func Outside(instance snapshot.Instance, by string, notEnabled *v1.Problem, absent v1.Problem) Trail {
	t := Trail{ID: instance.ID, Container: instance.Name}
	if notEnabled != nil {
		t.addProblem(StepEnabled, *notEnabled)
	} else {
		t.Add(Step{Name: StepEnabled, Result: MarkOK, Message: by})
	}
	if absent.Reason != "" {
		t.addVerdict(StepState, Verdict{Reason: absent.Reason, Message: absent.Message, Fix: absent.Fix}, "")
	}
	return t
}

// begin begins the trail of a container that counts.
func (b *Builder) begin(c *container) Trail {
	t := Trail{ID: c.instance.ID, Container: c.instance.Name}
	enabled := c.countedBy(b.options.Grammar)
	if !c.origin.IsZero() {
		enabled = "declared at " + c.origin.String()
	}
	t.Add(Step{Name: StepEnabled, Result: MarkOK, Message: enabled})
	return t
}

// trail returns that of one member of a service.
func (b *Builder) trail(s *service, m member) Trail {
	t := b.begin(m.container)
	t.Service = s.name
	b.traceLabels(&t, s, m)
	b.traceSettings(&t, s, m)
	b.traceState(&t, m)
	b.tracePolicies(&t, s, m)
	if !s.has(m) && m.container.origin.IsZero() {
		return t // set apart: nothing was decided of it on any gateway
	}
	for _, gateway := range b.options.Gateways {
		b.traceGateway(&t, s, m, gateway)
	}
	return t
}

// decidedOf returns what is said of an instance on a gateway in the end.
func (s *service) decidedOf(id string, gateway v1.Gateway) Verdict {
	if s.standing == nil {
		return Verdict{}
	}
	for _, i := range s.standing.Instances {
		if i.ID != id {
			continue
		}
		for _, v := range i.Verdicts {
			if v.Gateway == gateway {
				return v
			}
		}
	}
	return Verdict{}
}
