package haproxy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/object"
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
	declared := crt.InOrder(all)
	var byDefault *crt.Certificate
	for _, c := range declared { // whoever else has its names: it is shown where none fits
		if c.ByDefault && (byDefault == nil || c.Precedes(byDefault)) {
			byDefault = c
		}
	}
	for _, l := range crt.Share(all) {
		problems = append(problems, certificateProblem(v1.Conflict, l.Name, l.Origin,
			fmt.Sprintf("every name of it is one of %s as well, which ends no sooner", l.By.Name), "remove one of the two"))
	}
	for _, c := range crt.InOrder(all) {
		item := object.Certificate(c, true)
		state[item.Key] = item
	}
	for _, c := range declared {
		if c.ByDefault && c != byDefault {
			problems = append(problems, certificateProblem(v1.Conflict, c.Name, c.Origin,
				"another certificate is the default as well, and it ends later: "+byDefault.Name, "make only one of them the default"))
		}
	}
	shown := &crt.Certificate{Name: crt.Default, Names: []string{crt.NobodysName}}
	if byDefault != nil {
		next := *byDefault
		next.Name, next.Names, next.Of = crt.Default, shown.Names, byDefault.Name
		shown = &next
	}
	item := object.Certificate(shown, true)
	state[item.Key] = item
	r.tellConflicts(problems)
	return problems
}

// declared returns what manifests and files ask for, by name, or the last good
// version of it.
func (r *Reconciler) declared(shared []v1.Certificate) (map[string]*crt.Certificate, []v1.Problem) {
	all := map[string]*crt.Certificate{}
	var problems []v1.Problem
	last := func(name string, origin v1.Origin, asDefault bool, err error) {
		message, have := err.Error(), (*crt.Certificate)(nil)
		if r.model != nil {
			have = r.model.Certs[name]
		}
		if have != nil && name != crt.Default {
			next := *have
			next.Origin, next.ByDefault = origin, asDefault || r.model.IsDefault(name)
			all[name] = &next
			message += "; its last good version stays"
		}
		problems = append(problems, certificateProblem(v1.GatewayRejected, name, origin, "the certificate can't be used: "+message,
			"replace it by a certificate in PEM, followed by those that vouch for it, and its own key"))
	}
	for _, f := range r.filed {
		if f.Err != nil {
			last(f.Name, v1.Origin{File: f.Name}, false, f.Err)
			continue
		}
		all[f.Name] = f.Cert
	}
	for _, root := range slices.Sorted(maps.Keys(r.lost)) {
		kept := false
		for _, name := range r.model.CertificatesBelow(root) {
			last(name, v1.Origin{File: root}, false, r.lost[root])
			kept = true
		}
		if !kept {
			last(root, v1.Origin{File: root}, false, r.lost[root])
		}
	}
	for i := range shared {
		declared := &shared[i]
		c, err := crt.New(declared.Name, declared.Chain, declared.Key.Reveal(), declared.SNIs)
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
		c.ByDefault, c.Origin = declared.Default, declared.Origin
		all[c.Name] = c
	}
	return all, problems
}

func certificateProblem(reason v1.Reason, name string, origin v1.Origin, message, fix string) v1.Problem {
	return v1.Problem{
		Reason: reason, Gateway: v1.HAProxy, Object: v1.Key{Kind: v1.KindCertificate, Name: name}, Origin: origin, Message: message, Fix: fix,
	}
}
