// Package forecast says what the labels of a Compose file would ask for, before
// anything is deployed: the desired state of its containers, with what manifests and
// policies add, worked out by the same code as the daemon's.
//
// In: Projects (manifests/compose), manifests, policies. Out: a Report with the place
// of each label. It is pure: what other containers hold, and which ports an image
// exposes, it can't know.
package forecast

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/manifests/compose"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Options are what a forecast depends on besides the files.
type Options struct {
	Build    desired.Options
	Declared map[string]*v1.Declared // by manifests
	Policies policy.Set
	// KongMode is how Kong was last found to be configured; "" when nobody knows.
	KongMode ledger.KongMode
	// Listeners are those of manifests.
	Listeners []v1.Listener
	// Gateways say what the gateways can't express. Of one that is not named here
	// nothing is said but what every gateway of its kind does.
	Gateways map[v1.Gateway]Compiler
}

// Compiler is the part of a reconcilers.Reconciler that asks nobody.
type Compiler interface {
	Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem)
}

// Report is what would be asked for. Everything is sorted.
type Report struct {
	Projects []string  `json:"projects"` // of Compose, by name
	Services []Service `json:"services"` // those that the files would make
	// Problems are why containers would be left out, and where services would not be
	// served as asked.
	Problems []v1.Problem `json:"problems"`
	// Others are containers that do not count, and why.
	Others []v1.Problem `json:"others,omitempty"`
	// Selectors are those of manifests, by service; but not those of Compose projects that
	// are none of these.
	Selectors []Selector `json:"selectors,omitempty"`
	// Assumed is what the report takes for granted, as nobody was asked; "" for nothing.
	Assumed string `json:"assumed,omitempty"`
}

// Makes reports whether the files would make a service or route.
func (r *Report) Makes(key v1.Key) bool {
	return slices.ContainsFunc(r.Services, func(s Service) bool {
		return key.Kind == v1.KindService && s.Name == key.Name || key.Kind == v1.KindRoute &&
			slices.ContainsFunc(s.Routes, func(route desired.RouteStanding) bool { return route.Name == key.Name })
	})
}

// Service is one service that the files would make, or be part of.
type Service struct {
	Name       string                  `json:"name"`       // its key
	Containers []string                `json:"containers"` // those of the files that are part of it
	Origin     v1.Origin               `json:"origin"`     // the first of its labels that asks for a route, else its container
	Routes     []desired.RouteStanding `json:"routes"`     // with what each gateway would make of them
	// AnyPort says that no label and no file says which port it has: the one that the
	// image exposes.
	AnyPort bool `json:"any_port,omitempty"`
}

// Selector says whom a manifest's selector would pick.
type Selector struct {
	Service string `json:"service"` // its key
	desired.Selection
}

// unknownPort stands for the port that an image exposes.
const unknownPort = 1

// Of works a report out.
func Of(projects []compose.Project, o Options) Report {
	f := &forecast{containers: map[string]*compose.Container{}, anyPort: map[string]bool{}}
	var instances []snapshot.Instance
	report := Report{Services: []Service{}, Problems: []v1.Problem{}}
	for p := range projects {
		report.Projects = append(report.Projects, projects[p].Name)
		for i := range projects[p].Containers {
			c := &projects[p].Containers[i]
			instances = append(instances, f.instance(projects[p].Name, c, len(instances)))
		}
	}
	slices.SortFunc(instances, func(a, b snapshot.Instance) int { return cmp.Compare(a.ID, b.ID) })
	attachments := snapshot.Attachments{}
	for _, gateway := range o.Build.Gateways {
		attachments[gateway] = snapshot.Attachment{OnHost: true}
	}
	memory := ledger.New()
	memory.KongMode.Set(o.KongMode)
	o.Build.Settled = true
	report.Assumed = assumed(o)
	builder := desired.New(o.Build, memory)
	result := builder.Update(time.Unix(0, 0), snapshot.Delta{
		Full: true, Changed: instances, Attachments: attachments, Declared: o.Declared, Policies: &o.Policies,
		Shared: &v1.Shared{Listeners: o.Listeners},
	})
	for i := range instances {
		if _, why := builder.Counts(instances[i]); why != nil {
			why.Origin = f.containers[instances[i].ID].Place(why.Origin)
			if said, _ := o.Build.Grammar.Decode(v1.Subject{Container: instances[i].Name, Labels: instances[i].Labels}); said.OptedOut {
				why.Fix = "" // whoever wrote it knows how to write the opposite
			}
			report.Others = append(report.Others, *why)
		}
	}
	report.Selectors = f.selectors(builder, o.Declared, report.Projects)
	for _, id := range slices.Sorted(maps.Keys(result.Refused)) {
		for _, problem := range result.Refused[id] {
			problem.Origin = f.containers[id].Place(problem.Origin)
			report.Problems = append(report.Problems, problem)
		}
	}
	for _, account := range f.applied(result, o) {
		f.service(result.Standings[account.Service], account.Standing, result.Waiting[account.Service], &report)
	}
	report.arrange(o.Build.Gateways)
	return report
}

// selectors returns whom each selector picks, and where those stand that are left out.
func (f *forecast) selectors(builder *desired.Builder, declared map[string]*v1.Declared, projects []string) []Selector {
	var out []Selector
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		by := builder.Selection(name)
		if by == nil || len(by.Picked) == 0 && elsewhere(declared[name].Selector, projects) {
			continue
		}
		for i := range by.LeftOut {
			at := &by.LeftOut[i].Origin
			if c := f.named(at.Container, nil); c != nil {
				*at = c.Place(*at)
			}
		}
		out = append(out, Selector{name, *by})
	}
	return out
}

// elsewhere reports whether a selector is about another project of Compose.
func elsewhere(by *v1.Selector, projects []string) bool {
	return slices.ContainsFunc(by.Labels, func(label v1.SelectorLabel) bool {
		return label.Name == compose.LabelProject && !slices.Contains(projects, label.Value)
	})
}

// assumed says which ways in services get that name none, where a Kong decides that of which
// nobody knows whether it has a database.
func assumed(o Options) string {
	if why, _ := o.Build.Chain.Usable(v1.KongHAProxy, o.Build.Gateways); why != "" || len(o.Build.Ways) > 0 || o.KongMode != "" {
		return ""
	}
	return "whether Kong has a database is not known here: services that name no gateways are taken to come through each on its own; --gateways says it"
}

// forecast is the work on one report.
type forecast struct {
	containers map[string]*compose.Container // by id
	anyPort    map[string]bool               // ids of those whose port no file says
	refused    []map[string][]v1.Problem     // what gateways can't express, by service
}

// applied returns what the status of a daemon would say once gateways took all that
// they can express.
func (f *forecast) applied(result desired.Result, o Options) []status.Service {
	store := status.New("", "", o.Build.Gateways)
	build := store.Desired(result)
	for _, gateway := range o.Build.Gateways {
		round := status.Round{Build: build, Reason: v1.Serving, At: time.Unix(0, 0)}
		if compiler := o.Gateways[gateway]; compiler != nil {
			set := v1.Set{}
			for name, service := range result.Sets[gateway] {
				if service != nil {
					set[name] = service
				}
			}
			scope := reconcilers.Scope{Services: slices.AppendSeq([]string{}, maps.Keys(set))} // never nil: that would be everything
			slices.Sort(scope.Services)
			_, inexpressible := compiler.Compile(scope, set, v1.Shared{Listeners: o.Listeners})
			round.Problems = reconcilers.ByService(gateway, set, inexpressible)
			f.refused = append(f.refused, round.Problems)
		}
		store.Applied(gateway, round)
	}
	return store.Report().Services
}

// instance returns a container as the source would see it once it runs. Its age is
// its place in the files: what stands first is the oldest.
func (f *forecast) instance(project string, c *compose.Container, n int) snapshot.Instance {
	id := fmt.Sprintf("%012d", n+1)
	f.containers[id] = c
	i := snapshot.Instance{
		ID: id, Name: c.Name, Created: time.Unix(int64(n), 0).UTC(), Project: project, Service: c.Service, Labels: c.Labels, HostNetwork: c.OnHost,
	}
	for _, name := range c.Networks {
		i.Networks = append(i.Networks, snapshot.Network{Name: name, Driver: "bridge", Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(1 + n%250)})}) //nolint:gosec // at most 250
	}
	for _, port := range c.Ports {
		i.Ports = append(i.Ports, snapshot.Port{Number: port})
	}
	if len(c.Ports) == 0 {
		i.Ports, f.anyPort[id] = []snapshot.Port{{Number: unknownPort}}, true
	}
	return i
}

// service adds the account of one service, as far as a container of the files is in
// it. What is wrong is told where it is decided, from what is desired; account says what
// becomes of it, where one cause shows in several places. waiting are plugins on routes that
// it does not have.
func (f *forecast) service(s *desired.Standing, account desired.Standing, waiting []v1.Problem, report *Report) {
	out, told := Service{Name: s.Service, Containers: []string{}, Routes: []desired.RouteStanding{}}, len(report.Problems)
	var first *compose.Container
	for _, instance := range s.Instances {
		c := f.containers[instance.ID]
		if c == nil { // a static endpoint
			continue
		}
		first = cmp.Or(first, c)
		out.Containers = append(out.Containers, c.Name)
		for _, verdict := range instance.Verdicts {
			out.AnyPort = out.AnyPort || f.anyPort[instance.ID] && strings.HasSuffix(verdict.Address, fmt.Sprintf(":%d", unknownPort))
			f.blame(verdict, v1.Key{Kind: v1.KindInstance, Name: c.Name}, c.Place(v1.Origin{Container: c.Name}), report)
		}
	}
	if first == nil {
		return
	}
	out.Origin = first.Place(v1.Origin{Container: first.Name})
	for i, route := range s.Routes {
		if route.Origin.File == "" {
			route.Origin = f.named(route.Origin.Container, first).Place(route.Origin)
		}
		if i == 0 {
			out.Origin = route.Origin
		}
		for _, verdict := range route.Verdicts {
			if slices.ContainsFunc(report.Problems[told:], func(p v1.Problem) bool { return p.Gateway == verdict.Gateway && p.Message == verdict.Message }) {
				continue // it is so of the service, and told of its containers
			}
			f.blame(verdict, v1.Key{Kind: v1.KindRoute, Name: route.Name}, route.Origin, report)
		}
		route.Route, route.Verdicts = route.Shown(), account.Routes[i].Verdicts
		out.Routes = append(out.Routes, route)
	}
	for _, problem := range slices.Concat(s.Problems, f.inexpressible(s.Service), waiting) {
		if problem.Origin.File == "" {
			problem.Origin = f.named(problem.Origin.Container, first).Place(problem.Origin)
		}
		if problem.Object.Kind == v1.KindInstance { // the gateway knows its id
			problem.Object.Name = cmp.Or(problem.Origin.Container, problem.Object.Name)
		}
		report.add(problem)
	}
	report.Services = append(report.Services, out)
}

// inexpressible returns what gateways can't express of a service and its versions.
func (f *forecast) inexpressible(service string) []v1.Problem {
	var problems []v1.Problem
	for _, refused := range f.refused {
		for _, name := range slices.Sorted(maps.Keys(refused)) {
			if v1.DerivedFrom(name) == service {
				problems = append(problems, refused[name]...)
			}
		}
	}
	return problems
}

// named returns the container of a name.
func (f *forecast) named(name string, otherwise *compose.Container) *compose.Container {
	for _, c := range f.containers {
		if c.Name == name {
			return c
		}
	}
	return otherwise
}
