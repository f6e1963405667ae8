package object

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/native"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Certificate is what a plan knows of a certificate: never its key. Each
// stands for itself, as if it were a service of its own, so that one which is
// refused holds up no other.
func Certificate(c *crt.Certificate, loaded bool) *plan.Object {
	key := v1.Key{Kind: v1.KindCertificate, Name: c.Name}
	made := &plan.Object{
		Key: key, Service: key.String(), Owner: key, Level: levelCertificate,
		Noun: "certificate " + c.Name + " (" + c.Filters() + ")",
		Fields: map[string]string{
			"names": c.Filters(), "version": c.Version, "until": c.Until.Format(time.DateOnly), "loaded": "yes",
		},
		Native: c, Origin: c.Origin,
	}
	if c.Name == crt.Default {
		made.Noun = "certificate shown where no name fits (of " + cmp.Or(c.Of, "Lockstep's own making") + ")"
		made.Fields["of"] = c.Of
		if c.Of == "" { // any one will do
			made.Fields["version"], made.Fields["until"] = "", ""
		}
	}
	if !loaded {
		made.Fields["loaded"] = "no"
	}
	return made
}

// Restriction is what a plan knows of a Listener's hosts. It is there for as long as the Listener is.
func Restriction(n *routemap.Restriction) *plan.Object {
	key := v1.Key{Kind: v1.KindListener, Name: n.Name}
	noun := "hosts of the Listener " + n.Name
	if len(n.Hosts) > 0 {
		noun += " (" + strings.Join(n.Hosts, " ") + ")"
	}
	return &plan.Object{
		Key: key, Service: key.String(), Owner: key, Level: LevelProcess, Noun: noun,
		Fields: map[string]string{"hosts": strings.Join(n.Hosts, " "), "exclusive": strconv.FormatBool(n.Exclusive)},
		Native: n, Origin: n.Origin,
	}
}

// Opening is what a plan knows of a Listener's addresses.
func Opening(o *frontend.Opening) *plan.Object {
	owner := v1.Key{Kind: v1.KindListener, Name: o.Name}
	return &plan.Object{
		Key: v1.Key{Kind: KindOpening, Name: o.Name}, Service: owner.String(), Owner: owner, Level: levelSection,
		Noun:   "Listener " + o.Name + " (" + strings.Join(o.Addresses(), " ") + ")",
		Fields: map[string]string{"bind": strings.Join(o.Addresses(), " "), "accept_proxy": o.Accepts(), "version": digest.Of(o.Front + o.Back)},
		Native: o, Origin: o.Origin,
	}
}

// Section is what a plan knows of a native section.
func Section(n *native.Section) *plan.Object {
	key := v1.Key{Kind: v1.KindSection, Name: n.Head}
	return &plan.Object{
		Key: key, Service: key.String(), Owner: v1.Key{Kind: v1.KindSection, Name: n.Manifest}, Level: levelSection,
		Noun: "native " + n.Head, Fields: map[string]string{"manifest": n.Manifest, "version": digest.Of(n.Text)},
		Native: n, Origin: n.Origin,
	}
}
