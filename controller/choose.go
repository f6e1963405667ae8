package controller

import (
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// choose returns what an order is about, and the answer to it so far.
func choose(found []reconcilers.Adoption, o AdoptOrder) (chosen []reconcilers.Adoption, answer adopted) {
	for _, a := range found {
		var named []string
		for _, name := range o.Names {
			if calls(name, a) {
				named = append(named, name)
			}
		}
		if len(o.Names) > 0 && len(named) == 0 {
			continue
		}
		answer.met = append(answer.met, named...)
		told := tell(a)
		byName := slices.ContainsFunc(named, func(name string) bool { return strings.Contains(name, "/") })
		switch {
		case told.Refused != "":
		case a.Unless != "" && !byName:
			told.Refused = a.Unless
		case len(o.IDs) > 0 && !slices.Contains(o.IDs, a.ID):
			told.Refused = "it is not what was agreed to: somebody changed it meanwhile; ask again"
		default:
			chosen = append(chosen, a)
		}
		answer.list = append(answer.list, told)
	}
	return chosen, answer
}

// tell returns an adoption in its printed form.
func tell(a reconcilers.Adoption) Adopted {
	told := Adopted{
		Gateway: a.Gateway, Name: refOf(a), ID: a.ID, Goes: a.Goes, Stays: a.Stays, Advice: a.Advice, Refused: a.Refused,
		Sentence: "replace all that " + a.Names[0] + " holds",
	}
	if a.Change.After != nil {
		told.Service, told.Sentence, told.Fields, told.Origin = a.Change.After.Service, a.Change.After.Noun, a.Change.Differences(), a.Change.After.Origin
	} else if a.Change.Before != nil {
		told.Service, told.Sentence = a.Change.Before.Service, a.Change.Before.Noun
	}
	return told
}

// refOf is what an object is called in orders.
func refOf(a reconcilers.Adoption) string { return string(a.Gateway) + ":" + a.Names[0] }

// calls reports whether a name in an order means an object: by one of its own names, or
// by its service.
func calls(name string, a reconcilers.Adoption) bool {
	name = strings.TrimPrefix(name, string(a.Gateway)+":")
	object := a.Change.After
	if object == nil {
		object = a.Change.Before
	}
	return slices.Contains(a.Names, name) || object != nil && name == object.Service && name != ""
}

// concernsGateway reports whether names may mean something of a gateway.
func concernsGateway(names []string, gateway v1.Gateway) bool {
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool {
		for _, other := range []v1.Gateway{v1.Kong, v1.HAProxy} {
			if other != gateway && strings.HasPrefix(name, string(other)+":") {
				return false
			}
		}
		return true
	})
}
