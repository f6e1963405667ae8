package manifests

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// kindPolicy is the kind of policies.
const kindPolicy = "Policy"

// maxRules is the most that one policy may have; maxMessage what a rule may say.
const (
	maxRules   = 100
	maxMessage = 300 // characters
)

// policy reads the spec of a Policy: its rules.
func (r *reader) policy(o *Object, spec []entry) {
	const fix = "write rules, each with require and message"
	said, has := r.only(spec, "rules")["rules"]
	if !has {
		r.report(o.Origin, "the policy has no rules", fix)
		return
	}
	items := r.items(said, 2)
	if len(items) == 0 {
		r.report(said.at, "the policy has no rules", fix)
		return
	}
	if len(items) > maxRules {
		r.report(said.at, fmt.Sprintf("the policy has %d rules, the most is %d", len(items), maxRules), "divide it")
		return
	}
	made := &policy.Policy{Name: o.Name}
	for _, item := range items {
		if rule, ok := r.rule(item); ok {
			made.Rules = append(made.Rules, rule)
		}
	}
	o.Policy = made
}

// rule reads one rule.
func (r *reader) rule(item *yaml.Node) (policy.Rule, bool) {
	before := len(r.problems)
	rule := policy.Rule{Origin: r.at(item)}
	fields := r.only(r.entries(item, "a rule", 3), "when", "require", "message")
	if when, has := fields["when"]; has {
		rule.When = r.condition(when)
	}
	if require, has := fields["require"]; has {
		rule.Require = r.condition(require)
	} else if len(r.problems) == before {
		r.report(rule.Origin, "the rule requires nothing", "write require: and an expression that holds for what may be claimed")
	}
	if message, has := fields["message"]; has {
		text, ok := r.text(message, 4)
		switch rule.Message = text; {
		case !ok:
		case len(text) > maxMessage:
			r.report(r.at(message.value), fmt.Sprintf("the message has more than %d characters", maxMessage), "say it in fewer words")
		case v1.OneLine(text) != text:
			r.report(r.at(message.value), "the message does not fit on a line", "write plain words on one line")
		}
	} else if len(r.problems) == before {
		r.report(rule.Origin, "the rule has no message", "write message: and what is to be said to whoever is refused")
	}
	return rule, len(r.problems) == before
}

// condition reads an expression. A fault is shown where it stands.
func (r *reader) condition(e entry) *policy.Condition {
	text, ok := r.text(e, 4)
	if !ok {
		return nil
	}
	made, fault := policy.Compile(text)
	if fault != nil {
		at := r.within(e.value, fault.Line, fault.Column)
		r.report(at, fault.Message, fault.Fix)
		return nil
	}
	return made
}
