package manifests

import (
	"maps"
	"reflect"
	"slices"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// Declaration is what gateways are to be told, with the secrets that references lead to. It
// is immutable.
type Declaration struct {
	// Services are those that are others than before, by name; nil: no longer declared.
	Services map[string]*v1.Declared
	Shared   v1.Shared
	Policies policy.Set
}

// revealer follows references. Where one leads nowhere, what it led to before
// stays; at first there is nothing, and then a service is withheld, and a
// certificate goes on without chain and key. What did not change is not followed anew.
type revealer struct {
	services     map[string]*v1.Declared              // by name, as last revealed
	shared       v1.Shared                            // likewise
	seen         World                                // the lists that shared was made of
	referring    map[string]followed                  // what came of services that refer to anything
	certificates map[*Certificate]revealedCertificate // what came of certificates
	entities     map[*v1.Entity]revealedEntity        // what came of entities

	again    bool         // follow all references: where they lead to may be something else
	stale    bool         // files and problems are those of before
	files    []string     // that secrets stand in, sorted
	problems []v1.Problem // sorted by place
}

// followed is what came of following the references of one object.
type followed struct {
	files   []string    // that they lead to
	problem *v1.Problem // nil: all lead somewhere
}

func newRevealer() *revealer {
	return &revealer{services: map[string]*v1.Declared{}, referring: map[string]followed{}}
}

// follow makes the next reveal follow every reference. With forget it reads every file
// again, also those that look as they did.
func (r *revealer) follow(forget bool) {
	r.again = true
	if forget {
		r.certificates = nil
	}
}

// reveal follows the references of what changed: of touched services, and of the lists that
// are not the same any more. Then files are those that secrets stand in, and problems what
// leads nowhere.
func (r *revealer) reveal(w World, touched map[string]bool) Declaration {
	d := Declaration{Services: map[string]*v1.Declared{}, Policies: w.Policies}
	for name := range touched {
		r.exchange(name, w.Services[name], d.Services)
	}
	if r.again {
		for _, name := range slices.Sorted(maps.Keys(r.referring)) { // following changes them
			if touched[name] {
				continue
			}
			r.exchange(name, w.Services[name], d.Services)
		}
	}
	if r.again || !identical(w.Certificates, r.seen.Certificates) {
		r.shared.Certificates, r.stale = r.certificateList(w.Certificates), true
	}
	if r.again || !identical(w.Entities, r.seen.Entities) {
		r.shared.Entities, r.stale = r.entityList(w.Entities), true
	}
	r.shared.Sections, r.shared.Listeners = w.Sections, w.Listeners
	r.seen, r.again, d.Shared = w, false, r.shared
	r.gather()
	return d
}

// exchange reveals a service, and adds it to those that changed if it did.
func (r *revealer) exchange(name string, service *v1.Declared, changed map[string]*v1.Declared) {
	before := r.services[name]
	next := r.service(name, service)
	if next == nil {
		delete(r.services, name)
	} else {
		r.services[name] = next
	}
	if before != next && !reflect.DeepEqual(before, next) {
		changed[name] = next
	}
}

// gather brings up to date which files there are and what is wrong.
func (r *revealer) gather() {
	if !r.stale {
		return
	}
	r.stale, r.files, r.problems = false, nil, nil
	for _, f := range r.referring {
		r.add(f)
	}
	for _, made := range r.certificates {
		r.add(made.followed)
	}
	for _, made := range r.entities {
		r.add(made.followed)
	}
	slices.Sort(r.files)
	r.files, r.problems = slices.Compact(r.files), sorted(r.problems)
}

func (r *revealer) add(f followed) {
	r.files = append(r.files, f.files...)
	if f.problem != nil {
		r.problems = append(r.problems, *f.problem)
	}
}

// identical reports whether two lists are one and the same.
func identical[L ~[]T, T any](a, b L) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
