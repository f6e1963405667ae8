package plan

import (
	"fmt"
	"sort"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Object is one thing that a gateway holds: a Kong route, an HAProxy server.
// A reconciler makes it twice, from the desired services (Compile) and from the
// gateway (Observe); the two are equal when their Fields are.
type Object struct {
	// Key is the gateway's own kind and a name that is the same on both sides.
	Key v1.Key
	// Service names the service that the object belongs to; "" for what belongs to all.
	Service string
	// Owner is the neutral object that this one realises: several gateway
	// objects may realise one service. The guard counts and holds owners.
	Owner v1.Key
	// Level orders changes: created and updated from low to high, deleted from high to low.
	Level int
	// Noun describes the object in a sentence: `server web-2 (172.17.0.4:8080) of shop.web`.
	Noun string
	// Fields are what is compared: name to canonical text, defaults filled in.
	// A secret stands here as a digest.
	Fields map[string]string
	// Opaque are names of fields whose values tell people nothing: digests.
	Opaque []string
	// Match is what a route claims, in canonical form; "" for everything else.
	Match string
	// Hold, when not nil, is the object in the form in which it answers 503: what
	// it is turned into while its removal is held. Set on the observed side, and
	// only for routes: a service without instances answers 503 as it is.
	Hold *Object
	// Native is the adapter's own form of the object; not compared. It may hold secrets, so it is
	// in no encoding of a plan.
	Native any `json:"-"`
	// Origin is where it was asked for; zero on the observed side.
	Origin v1.Origin
}

// OwnerOf returns the owner of what realises a service or route. What was derived for
// a rollout nobody asked for by itself: it comes and goes with instances, and like
// them the guard neither counts nor holds it.
func OwnerOf(kind v1.Kind, name string) v1.Key {
	if v1.Derived(name) {
		kind = v1.KindInstance
	}
	return v1.Key{Kind: kind, Name: name}
}

// Differs returns the names of the fields in which two objects differ, sorted.
func (o *Object) Differs(other *Object) []string {
	var names []string
	for name, value := range o.Fields {
		if theirs, ok := other.Fields[name]; !ok || theirs != value {
			names = append(names, name)
		}
	}
	for name := range other.Fields {
		if _, ok := o.Fields[name]; !ok {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// State is a set of objects by key.
type State map[v1.Key]*Object

// Add puts objects in, and returns an error when a key is taken: two objects
// with one key are a defect of the reconciler that made them.
func (s State) Add(objects ...*Object) error {
	for _, o := range objects {
		if _, taken := s[o.Key]; taken {
			return fmt.Errorf("two objects with the key %s", o.Key)
		}
		s[o.Key] = o
	}
	return nil
}
