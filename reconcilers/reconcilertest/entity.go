package reconcilertest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// person is a consumer of the fleet, with all that belongs to it.
type person struct {
	keys     []string // of key-auth
	password string   // of basic-auth; "" for none
	issuer   string   // of jwt; "" for none
	groups   []string
	limit    int    // of a plugin on the consumer; 0 for none
	service  string // where that plugin applies; "" for everywhere
}

// StepEntities lets one thing happen to what is declared in Kong's own words, and
// says what.
func (f *Fleet) StepEntities() string {
	if f.random.IntN(3) == 0 {
		return f.stepOwn()
	}
	names := slices.Sorted(maps.Keys(f.people))
	if len(names) < 2 || len(names) < 6 && f.random.IntN(4) == 0 {
		f.number++
		name := fmt.Sprintf("person %d", f.number)
		f.people[name] = person{keys: []string{f.word("key")}, password: f.word("password")}
		return "add consumer " + name
	}
	name := pick(f.random, names)
	p := f.people[name]
	p.keys, p.groups = slices.Clone(p.keys), slices.Clone(p.groups)
	event := f.changePerson(&p)
	if event == "remove" {
		delete(f.people, name)
		return "remove consumer " + name
	}
	f.people[name] = p
	return event + " of consumer " + name
}

func (f *Fleet) changePerson(p *person) string {
	switch f.random.IntN(10) {
	case 0:
		return "remove"
	case 1:
		p.keys = append(p.keys, f.word("key"))
		return "add a key"
	case 2:
		if len(p.keys) > 0 {
			p.keys = p.keys[1:]
		}
		return "remove a key"
	case 3:
		p.password = pick(f.random, []string{"", f.word("password")})
		return "change the password"
	case 4:
		p.issuer = pick(f.random, []string{"", f.word("issuer")})
		return "change the issuer"
	case 5:
		p.groups = pick(f.random, [][]string{nil, {"admins"}, {"admins", "staff"}, {"staff"}})
		return "change the groups"
	case 6, 7:
		p.limit = f.random.IntN(4)
		p.service = pick(f.random, append(slices.Sorted(maps.Keys(f.services)), ""))
		return fmt.Sprintf("set the limit %d on %q", p.limit, p.service)
	case 8:
		f.global = f.random.IntN(3)
		return fmt.Sprintf("set the limit %d for all, beside that", f.global)
	default:
		f.keySets = pick(f.random, [][]string{nil, {"a"}, {"a", "b"}, {"b", "c"}})
		return fmt.Sprintf("set the key sets %v, beside those", f.keySets)
	}
}

// own is a route of the fleet's that is declared in Kong's own words.
type own struct {
	service string
	auth    bool // it has a plugin
	limited bool // so has its service
}

// stepOwn lets one thing happen to routes in Kong's own words.
func (f *Fleet) stepOwn() string {
	name := pick(f.random, []string{"own 1", "own 2", "own 3"})
	o, has := f.owns[name]
	switch dice := f.random.IntN(5); {
	case !has:
		f.owns[name] = own{service: pick(f.random, []string{"x", "y"}), auth: dice < 3}
		return "add the route " + name
	case dice == 0:
		delete(f.owns, name)
		return "remove the route " + name
	case dice == 1:
		o.auth = !o.auth
	case dice == 2:
		o.limited = !o.limited
	default:
		o.service = map[string]string{"x": "y", "y": "x"}[o.service]
	}
	f.owns[name] = o
	return fmt.Sprintf("make the route %s %+v", name, o)
}

// ownEntities adds the routes in Kong's own words, and what they need.
func (f *Fleet) ownEntities(add func(kind v1.Kind, name string, body map[string]any, refs ...v1.EntityRef)) {
	services, limited := map[string]bool{}, map[string]bool{}
	for name, o := range f.owns {
		services[o.service] = true
		limited[o.service] = limited[o.service] || o.limited
		title := strings.ReplaceAll(name, " ", "-")
		add(v1.KindRoute, title, map[string]any{"name": title, "hosts": []any{title + ".test"}}, v1.EntityRef{Field: "service", Kind: v1.KindService, Name: o.service})
		if o.auth {
			add(v1.KindPlugin, "route/"+title+"/key-auth", map[string]any{"name": "key-auth"}, v1.EntityRef{Field: "route", Kind: v1.KindRoute, Name: title})
		}
	}
	for service := range services {
		add(v1.KindService, service, map[string]any{"name": service, "host": service + ".test"})
		if limited[service] {
			add(v1.KindPlugin, "service/"+service+"/rate-limiting", map[string]any{"name": "rate-limiting", "config": map[string]any{"minute": 5}},
				v1.EntityRef{Field: "service", Kind: v1.KindService, Name: service})
		}
	}
}

// word returns a word that no other has.
func (f *Fleet) word(kind string) string {
	f.number++
	return fmt.Sprintf("%s-%d", kind, f.number)
}

// Entities returns what is declared in Kong's own words as it is now, sorted.
func (f *Fleet) Entities() []v1.Entity {
	var out []v1.Entity
	add := func(kind v1.Kind, name string, body map[string]any, refs ...v1.EntityRef) {
		out = append(out, v1.Entity{Kind: kind, Name: name, Body: body, Refs: refs, Origin: v1.Origin{File: "kong.yaml", Line: len(out) + 1, Column: 1}})
	}
	for name, p := range f.people {
		on := v1.EntityRef{Field: "consumer", Kind: v1.KindConsumer, Name: name}
		add(v1.KindConsumer, name, map[string]any{"username": name, "tags": []any{"people"}})
		for _, key := range p.keys {
			add(v1.KindKeyAuth, name+"/", map[string]any{"key": v1.NewSecret(key)}, on)
		}
		if p.password != "" {
			add("basicauth_credential", name+"/"+name, map[string]any{"username": name, "password": v1.NewSecret(p.password)}, on)
		}
		if p.issuer != "" {
			add("jwt_secret", name+"/"+p.issuer, map[string]any{"key": p.issuer, "secret": v1.NewSecret("hush")}, on)
		}
		for _, group := range p.groups {
			add("acl", name+"/"+group, map[string]any{"group": group}, on)
		}
		if _, there := f.services[p.service]; p.limit > 0 && (there || p.service == "") {
			refs := []v1.EntityRef{on}
			if there {
				refs = append(refs, v1.EntityRef{Field: "service", Kind: v1.KindService, Name: p.service})
			}
			add(v1.KindPlugin, "consumer/"+name+"/rate-limiting", map[string]any{"name": "rate-limiting", "config": map[string]any{"minute": p.limit}}, refs...)
		}
	}
	f.ownEntities(add)
	if f.global > 0 {
		add(v1.KindPlugin, "rate-limiting", map[string]any{"name": "rate-limiting", "config": map[string]any{"hour": f.global}})
	}
	for _, set := range f.keySets {
		add("key_set", set, map[string]any{"name": set})
		add("key", set+"/1", map[string]any{"name": set + ".1", "kid": "1", "jwk": v1.NewSecret(`{"kty":"oct","kid":"1","k":"aGk"}`)},
			v1.EntityRef{Field: "set", Kind: "key_set", Name: set})
	}
	slices.SortFunc(out, func(a, b v1.Entity) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return out
}
