package haproxy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// certificates translates the certificates of manifests and files. One that is
// wrong keeps its last good version, which the model knows, and is named.
func (r *Reconciler) certificates(state plan.State, shared []v1.Certificate) []v1.Problem {
	if !r.endsTLS() {
		var problems []v1.Problem
		for i := range shared {
			problems = append(problems, certificateProblem(v1.NotExpressible, shared[i].Name, shared[i].Origin,
				"HAProxy has no listener for TLS", "open one with --haproxy-bind-tls, or by a Listener with bind_tls"))
		}
		return problems
	}
	all, problems := r.declared(shared)
	declared := inListOrder(all)
	var byDefault *certificate
	for _, c := range declared { // whoever else has its names: it is shown where none fits
		if c.byDefault && (byDefault == nil || c.precedes(byDefault)) {
			byDefault = c
		}
	}
	problems = append(problems, share(all)...)
	for _, c := range inListOrder(all) {
		object := certificateObject(c, true)
		state[object.Key] = object
	}
	for _, c := range declared {
		if c.byDefault && c != byDefault {
			problems = append(problems, certificateProblem(v1.Conflict, c.name, c.origin,
				"another certificate is the default as well, and it ends later: "+byDefault.name, "make only one of them the default"))
		}
	}
	shown := &certificate{name: defaultCertificate, names: []string{nobodysName}}
	if byDefault != nil {
		next := *byDefault
		next.name, next.names, next.of = defaultCertificate, shown.names, byDefault.name
		shown = &next
	}
	object := certificateObject(shown, true)
	state[object.Key] = object
	r.tellConflicts(problems)
	return problems
}

// declared returns what manifests and files ask for, by name, or the last good
// version of it.
func (r *Reconciler) declared(shared []v1.Certificate) (map[string]*certificate, []v1.Problem) {
	all := map[string]*certificate{}
	var problems []v1.Problem
	last := func(name string, origin v1.Origin, asDefault bool, err error) {
		message, have := err.Error(), (*certificate)(nil)
		if r.model != nil {
			have = r.model.certs[name]
		}
		if have != nil && name != defaultCertificate {
			next := *have
			next.origin, next.byDefault = origin, asDefault || r.model.isDefault(name)
			all[name] = &next
			message += "; its last good version stays"
		}
		problems = append(problems, certificateProblem(v1.GatewayRejected, name, origin, "the certificate can't be used: "+message,
			"replace it by a certificate in PEM, followed by those that vouch for it, and its own key"))
	}
	for _, f := range r.filed {
		if f.err != nil {
			last(f.name, v1.Origin{File: f.name}, false, f.err)
			continue
		}
		all[f.name] = f.cert
	}
	for _, root := range slices.Sorted(maps.Keys(r.lost)) {
		kept := false
		for _, name := range r.model.certificatesBelow(root) {
			last(name, v1.Origin{File: root}, false, r.lost[root])
			kept = true
		}
		if !kept {
			last(root, v1.Origin{File: root}, false, r.lost[root])
		}
	}
	for i := range shared {
		declared := &shared[i]
		c, err := newCertificate(declared.Name, declared.Chain, declared.Key.Reveal(), declared.SNIs)
		switch {
		case declared.Chain == "":
			err = errors.New("it could not be read")
		case err == nil:
			err = charset.Certificate.Check(declared.Name)
		}
		if err != nil {
			last(declared.Name, declared.Origin, declared.Default, err)
			continue
		}
		c.byDefault, c.origin = declared.Default, declared.Origin
		all[c.name] = c
	}
	return all, problems
}

// certificatesBelow returns the names of certificates that stand at or below a path.
func (m *model) certificatesBelow(root string) []string {
	if m == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.certs)), func(name string) bool {
		return name != root && !strings.HasPrefix(name, strings.TrimSuffix(root, "/")+"/")
	})
}

func (m *model) isDefault(name string) bool {
	shown := m.certs[defaultCertificate]
	return shown != nil && shown.of == name
}

// precedes orders certificates that want the same: the one that is valid for
// longer has it, then the one whose name comes first.
func (c *certificate) precedes(o *certificate) bool {
	return cmp.Or(o.until.Compare(c.until), cmp.Compare(c.name, o.name)) < 0
}

// share gives each name, for each kind of key, to one certificate alone, so that
// what is shown does not depend on the order in which they came. One that is left
// without any name is taken out, and named.
func share(all map[string]*certificate) []v1.Problem {
	var problems []v1.Problem
	holder := map[string]*certificate{}
	order := slices.SortedFunc(maps.Values(all), func(a, b *certificate) int {
		if a.precedes(b) {
			return -1
		}
		return 1
	})
	for _, c := range order {
		var kept []string
		var other *certificate
		for _, name := range c.names {
			if held := holder[name+" "+c.kind]; held != nil {
				other = held
				continue
			}
			holder[name+" "+c.kind] = c
			kept = append(kept, name)
		}
		if len(kept) == len(c.names) {
			continue
		}
		if len(kept) == 0 {
			delete(all, c.name)
			if c.byDefault {
				continue // it is there for where no name fits
			}
			problems = append(problems, certificateProblem(v1.Conflict, c.name, c.origin,
				fmt.Sprintf("every name of it is one of %s as well, which ends no sooner", other.name), "remove one of the two"))
			continue
		}
		next := *c
		next.names = kept
		all[c.name] = &next
	}
	return problems
}

func certificateProblem(reason v1.Reason, name string, origin v1.Origin, message, fix string) v1.Problem {
	return v1.Problem{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: kindCertificate, Name: name}, Origin: origin, Message: message, Fix: fix,
	}
}

// certificateObject is what a plan knows of a certificate: never its key. Each
// stands for itself, as if it were a service of its own, so that one which is
// refused holds up no other.
func certificateObject(c *certificate, loaded bool) *plan.Object {
	key := v1.Key{Kind: kindCertificate, Name: c.name}
	object := &plan.Object{
		Key: key, Service: key.String(), Owner: key, Level: levelCertificate,
		Noun: "certificate " + c.name + " (" + c.filters() + ")",
		Fields: map[string]string{
			"names": c.filters(), "version": c.version, "until": c.until.Format(time.DateOnly), "loaded": "yes",
		},
		Native: c, Origin: c.origin,
	}
	if c.name == defaultCertificate {
		object.Noun = "certificate shown where no name fits (of " + cmp.Or(c.of, "Lockstep's own making") + ")"
		object.Fields["of"] = c.of
		if c.of == "" { // any one will do
			object.Fields["version"], object.Fields["until"] = "", ""
		}
	}
	if !loaded {
		object.Fields["loaded"] = "no"
	}
	return object
}
