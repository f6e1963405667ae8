package haproxy

import (
	"cmp"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/compile"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Compile implements reconcilers.Reconciler.
func (r *Reconciler) Compile(scope reconcilers.Scope, set v1.Set, shared v1.Shared) (plan.State, []v1.Problem) {
	state := plan.State{}
	var problems []v1.Problem
	r.note(shared.Listeners)
	if scope.All() {
		problems = r.listeners(state, shared.Listeners)
		item := baseObject(condition{text: digest.Of(r.base), process: processRuns, loaded: "yes", files: "current", routes: "current"})
		state[item.Key] = item
		problems = append(problems, r.certificates(state, shared.Certificates)...)
		problems = append(problems, r.nativeSections(state, shared.Sections)...)
		problems = append(problems, r.unserved(shared.Entities)...)
		problems = append(problems, r.notices()...)
	}
	return state, append(problems, r.input().Services(state, set)...)
}

// input says what is known of HAProxy for which services are compiled.
func (r *Reconciler) input() *compile.Input {
	authorities := make(map[string]string, len(r.authorities))
	for name, a := range r.authorities {
		authorities[name] = a.file
	}
	return &compile.Input{
		Owner: r.o.Owner, Alone: r.o.Alone, Chained: r.o.Via.First != 0, NamesHost: r.can().namesHost,
		EndsTLS: r.endsTLS(), EndedBefore: len(r.o.TrustedProxies) > 0 || r.o.Mode == External,
		VerifiesClients: r.o.ClientCA != "", TLSPassthrough: r.o.TLSPassthrough,
		Ports: r.o.ports, Taken: r.taken, Listeners: r.asked.ports, Authorities: authorities,
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}
