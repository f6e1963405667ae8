package manifests

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// kindListener is the kind of Listeners.
const kindListener = "Listener"

// fieldExclusive is the field of a Listener by which nothing else answers for its hosts.
const fieldExclusive = "exclusive"

// listenerFields are all of its fields. Never changed.
var listenerFields = []string{"bind", "bind_tls", "accept_proxy", "hosts", fieldExclusive}

// maxListed is the most items that a list of a Listener may have.
const maxListed = 256

// listener reads the spec of a Listener.
func (r *reader) listener(o *Object, spec []entry) {
	before := len(r.problems)
	fields := r.only(spec, listenerFields...)
	l := &v1.Listener{Name: o.Name, Origin: o.Origin}
	for _, field := range []string{"bind", "bind_tls"} {
		for _, item := range r.listed(fields, field, v1.CheckBind) {
			l.Binds = append(l.Binds, v1.Bind{Address: item.text, TLS: field == "bind_tls", Origin: item.at})
		}
	}
	if len(l.Binds) == 0 && len(r.problems) == before {
		r.report(o.Origin, "the Listener listens nowhere", "write bind or bind_tls, with the addresses to listen on: bind: [127.0.0.1:8080]")
	}
	for i, b := range l.Binds {
		if n := slices.IndexFunc(l.Binds[:i], b.Overlaps); n >= 0 {
			r.report(b.Origin, fmt.Sprintf("it listens on %s already, at %s", l.Binds[n].Address, l.Binds[n].Origin), "leave one of them out")
		}
	}
	for _, item := range r.listed(fields, "accept_proxy", checkRange) {
		if prefix, err := v1.ParseRange(item.text); err == nil { // it was checked
			l.AcceptProxy = append(l.AcceptProxy, prefix)
		}
	}
	for _, item := range r.listed(fields, "hosts", v1.CheckListenerHost) {
		l.Hosts = append(l.Hosts, item.text)
	}
	slices.Sort(l.Hosts)
	l.Hosts = slices.Compact(l.Hosts)
	if e, has := fields[fieldExclusive]; has {
		l.Exclusive = r.flag(e, 2)
		if _, hosts := fields["hosts"]; l.Exclusive && !hosts {
			r.report(e.at, "exclusive is about hosts, and there are none", "write hosts, or remove it")
		}
	}
	o.Listener = l
}

// listedItem is one text of a list, in its normal form.
type listedItem struct {
	text string
	at   v1.Origin
}

// listed reads a field that is a list of texts, of which check returns the normal form
// or what is wrong. A list that is there holds something.
func (r *reader) listed(fields map[string]entry, name string, check func(string) (normal, message, fix string)) []listedItem {
	e, has := fields[name]
	if !has {
		return nil
	}
	items := r.items(e, 2)
	if n := r.follow(e.value, 2); n != nil && n.Kind == yaml.SequenceNode && len(items) == 0 {
		r.report(e.at, "the list "+name+" is empty", "write something into it, or remove it")
	}
	if len(items) > maxListed {
		r.report(e.at, fmt.Sprintf("the list %s has %d items, the most is %d", name, len(items), maxListed), "divide it between several objects")
		return nil
	}
	var out []listedItem
	for _, item := range items {
		text, ok := r.text(entry{key: "an item of " + name, at: r.at(item), value: item}, 3)
		if !ok {
			continue
		}
		normal, message, fix := check(text)
		if message != "" {
			r.report(r.at(item), message, fix)
			continue
		}
		out = append(out, listedItem{normal, r.at(item)})
	}
	return out
}

func checkRange(text string) (normal, message, fix string) {
	prefix, err := v1.ParseRange(text)
	if err != nil {
		return "", shown(text) + " is neither a range of addresses nor an address", "write it like 10.0.0.0/8 or 10.0.0.5"
	}
	return prefix.String(), "", ""
}

// clash says what two Listeners can't both have; nil: they go together.
func clash(next, first *v1.Listener) *v1.Problem {
	key := v1.Key{Kind: v1.KindListener, Name: next.Name}
	for _, b := range next.Binds {
		for _, other := range first.Binds {
			if b.Overlaps(other) {
				return &v1.Problem{
					Reason: v1.InvalidManifest, Object: key, Origin: b.Origin,
					Message: fmt.Sprintf("the Listener %s listens on %s already, at %s", first.Name, other.Address, other.Origin),
					Fix:     "give one of them another address",
				}
			}
		}
	}
	for _, host := range next.Hosts {
		for _, other := range first.Hosts {
			if owns(first, other, next, host) || owns(next, host, first, other) {
				return &v1.Problem{
					Reason: v1.InvalidManifest, Object: key, Origin: next.Origin,
					Message: fmt.Sprintf("its host %s is one of the Listener %s (%s), at %s, and one of the two is exclusive", host, first.Name, other, first.Origin),
					Fix:     "leave one of the hosts out, or exclusive",
				}
			}
		}
	}
	return nil
}

// owns reports whether a Listener has a host to itself so that another could never
// answer for its own one. Of two that are exclusive the more specific host goes before.
func owns(l *v1.Listener, host string, other *v1.Listener, theirs string) bool {
	return l.Exclusive && (host == theirs || !other.Exclusive && v1.Covers(host, theirs))
}

func listenerSchema() schema {
	texts := func(description string) schema {
		return schema{"type": "array", "items": schema{"type": "string"}, "minItems": 1, "maxItems": maxListed, "description": description}
	}
	out := closed(schema{
		"bind":         texts("addresses to listen on, as :8080, 10.0.0.5:8080 or [::1]:8080"),
		"bind_tls":     texts("addresses to listen on where TLS is ended"),
		"accept_proxy": texts("ranges of addresses whose connections begin with a PROXY header"),
		"hosts":        texts("the only hosts that it takes requests for, as admin.example.com or *.example.com"),
		"exclusive":    schema{"type": "boolean", "description": "whether nothing else answers for these hosts"},
	})
	out["minProperties"] = 1
	out["anyOf"] = []any{schema{"required": []string{"bind"}}, schema{"required": []string{"bind_tls"}}}
	return out
}
