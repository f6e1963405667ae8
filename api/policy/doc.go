// Package policy decides who may claim what: rules in CEL, the Common Expression
// Language, over a container and what it asks for.
//
// In: the text of rules, once; then claims. Out: what is refused, with the rule's own
// words. It is pure: a rule sees the claim and nothing else, costs a bounded amount,
// and one that can't be answered refuses.
//
//	file       | what it holds
//	-----------|------------------------------------------------------
//	words.go   | the variables and functions that rules may use
//	rule.go    | a rule, compiled
//	policy.go  | policies, claims, and the verdict of the one on the other
package policy
