package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Where a claim stands.
const (
	FromLabels   = "labels"
	FromManifest = "manifest"
)

// stackLabel is how Swarm marks what belongs to a stack.
const stackLabel = "com.docker.stack.namespace"

// Policy is some rules under one name. It is immutable.
type Policy struct {
	Name  string
	Rules []Rule
	// Unread says what is wrong with a policy that never was good, or with another file
	// that is to keep something out: nobody knows what, so nothing new may be let in. nil: it
	// is good.
	Unread *v1.Problem
}

// Rule refuses the claims for which When holds and Require does not. One that speaks
// of no route is asked once for a service, others once for each of its routes.
type Rule struct {
	When    *Condition // nil: for all
	Require *Condition
	Message string // what is said of a claim that is refused
	Origin  v1.Origin
}

// Set is all policies that hold, sorted by name.
type Set []*Policy

// Claim is what one container, or a manifest, asks for of one service.
type Claim struct {
	Source    string
	Container string
	Labels    map[string]string
	Project   string
	Port      uint16
	// Service is what is asked for with all that holds for it, but of its routes those
	// alone that this claim asks for.
	Service v1.Service
	// Gateways are the ways in.
	Gateways []v1.Way
	Origin   v1.Origin // of what is about no route
}

// OfManifest returns what a manifest asks for. ways are those of a service that names none.
func OfManifest(d *v1.Declared, ways []v1.Way) Claim {
	return Claim{Source: FromManifest, Service: d.Service, Gateways: d.Service.Ways(ways), Origin: d.Service.Origin}
}

// Judge returns a problem for each rule that refuses the claim, PolicyDenied, sorted
// by place. A rule that can't be answered refuses as well.
func (s Set) Judge(c Claim) []v1.Problem {
	var problems []v1.Problem
	if len(s) == 0 {
		return nil
	}
	about := c.about()
	for _, policy := range s {
		for i := range policy.Rules {
			rule := &policy.Rules[i]
			if !rule.ofRoute() {
				if why, refused := rule.refuses(about); refused {
					problems = append(problems, rule.problem(policy.Name, why, v1.Key{Kind: v1.KindService, Name: c.Service.Name}, c.Origin))
				}
				continue
			}
			for j := range c.Service.Routes {
				route := &c.Service.Routes[j]
				c.aboutRoute(about, route)
				if why, refused := rule.refuses(about); refused {
					problems = append(problems, rule.problem(policy.Name, why, v1.Key{Kind: v1.KindRoute, Name: route.Name}, cmp.Or(route.Origin, c.Origin)))
				}
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b v1.Problem) int {
		return cmp.Or(a.Object.Compare(b.Object), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

// Passed says of a claim that no rule refuses which policies were asked, and how many of
// their rules were about it.
func (s Set) Passed(c Claim) string {
	if len(s) == 0 {
		return "there are no policies"
	}
	var names []string
	rules, about := 0, c.about()
	for _, policy := range s {
		if policy.Unread == nil {
			names = append(names, policy.Name)
		}
		for i := range policy.Rules {
			if policy.Rules[i].appliesTo(&c, about) {
				rules++
			}
		}
	}
	if len(names) == 0 {
		return "no policy can be asked, and what is wrong lets nothing new in by labels"
	}
	verb := "are"
	if rules == 1 {
		verb = "is"
	}
	return fmt.Sprintf("no rule of %s refuses it; %d %s about it", strings.Join(names, ", "), rules, verb)
}

// appliesTo reports whether the rule is about a claim, or one of its routes.
func (r *Rule) appliesTo(c *Claim, about map[string]any) bool {
	if !r.ofRoute() {
		return r.applies(about)
	}
	for i := range c.Service.Routes {
		c.aboutRoute(about, &c.Service.Routes[i])
		if r.applies(about) {
			return true
		}
	}
	return false
}

// applies reports whether the rule is about what is asked; also where that can't be told.
func (r *Rule) applies(about map[string]any) bool {
	if r.When == nil {
		return true
	}
	applies, err := r.When.holds(about)
	return applies || err != nil
}

// Unread returns what is wrong with the first policy that can't be read; nil: all can.
func (s Set) Unread() *v1.Problem {
	for _, policy := range s {
		if policy.Unread != nil {
			return policy.Unread
		}
	}
	return nil
}

// Equal reports whether two sets are of the same policies.
func (s Set) Equal(o Set) bool {
	return slices.EqualFunc(s, o, func(a, b *Policy) bool {
		return a == b || a.Unread != nil && b.Unread != nil && a.Name == b.Name && *a.Unread == *b.Unread
	})
}

// JudgeManifest is Judge of what a manifest asks for by itself; ways are those of a service
// that names none. What it adds to a service of labels is part of their containers' claims.
func (s Set) JudgeManifest(d *v1.Declared, ways []v1.Way) []v1.Problem {
	if d.Addition {
		return nil
	}
	return s.Judge(OfManifest(d, ways))
}

func (r *Rule) ofRoute() bool { return r.Require.ofRoute || r.When != nil && r.When.ofRoute }

// refuses answers the rule. why is not "" when it could not be answered.
func (r *Rule) refuses(about map[string]any) (why string, refused bool) {
	if r.When != nil {
		applies, err := r.When.holds(about)
		if err != nil {
			return "whether the rule applies can't be told: " + err.Error(), true
		}
		if !applies {
			return "", false
		}
	}
	fine, err := r.Require.holds(about)
	if err != nil {
		return "the rule can't be answered: " + err.Error(), true
	}
	return "", !fine
}

// problem says that a rule refuses a claim.
func (r *Rule) problem(policy, why string, object v1.Key, at v1.Origin) v1.Problem {
	p := v1.Problem{Reason: v1.PolicyDenied, Object: object, Origin: at, Message: r.Message}
	if why != "" {
		p.Message += fmt.Sprintf(" (%s, and so it refuses)", why)
	}
	p.Fix = fmt.Sprintf("ask for something else, or have the policy %s changed (%s)", policy, r.Origin)
	return p
}

// about returns the variables of a claim that hold for all of its routes.
func (c *Claim) about() map[string]any {
	gateways := make([]string, len(c.Gateways))
	for i, way := range c.Gateways {
		gateways[i] = string(way)
	}
	labels := c.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return map[string]any{
		"source": c.Source, "container": c.Container, "labels": labels, "project": c.Project, "stack": labels[stackLabel],
		"service": c.Service.Name, "protocol": c.Service.Protocol.String(), "gateways": gateways, "port": int64(c.Port),
	}
}

// aboutRoute sets the variables of one route.
func (c *Claim) aboutRoute(about map[string]any, r *v1.Route) {
	listen := make([]int64, len(r.Listen))
	for i, port := range r.Listen {
		listen[i] = int64(port)
	}
	about["route"] = strings.TrimPrefix(r.Name, c.Service.Name+".")
	about["hosts"], about["paths"], about["methods"] = named(r), list(r.Paths), list(r.Methods)
	about["protocols"], about["snis"] = list(r.Protocols), list(r.SNIs)
	about["listen"], about["priority"] = listen, int64(r.Priority)
	about["plugins"] = certain(c.Service.Plugins, r.Plugins)
}

// named returns the names that clients ask for: hosts, or those of TLS that is passed
// on. A port has none, which is not the same as any.
func named(r *v1.Route) []string {
	if len(r.Listen) > 0 {
		return []string{""}
	}
	return append(list(r.Hosts), r.SNIs...)
}

// list is a list that is never nil.
func list(items []string) []string { return append([]string{}, items...) }

// certain returns the names of the plugins that hold in any case: a route's own
// before its service's of the same name.
func certain(ofService, ofRoute []v1.Plugin) []string {
	holds := map[string]bool{}
	for _, plugins := range [][]v1.Plugin{ofService, ofRoute} {
		for i := range plugins {
			holds[plugins[i].Name] = plugins[i].Enabled && !plugins[i].Optional
		}
	}
	names := []string{}
	for name, does := range holds {
		if does {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
