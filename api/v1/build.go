package v1

import (
	"fmt"
	"slices"
)

// The names of the fields that decoding itself asks for.
const (
	enableField  = "enable"
	serviceField = "service"
)

// build turns the wishes, sorted by what they are about, into services.
//
// Keys can't clash within a container: it has either the one service BASE with
// routes BASE.ROUTE, or services BASE.NAME with routes BASE.NAME.ROUTE, and
// neither NAME nor ROUTE holds a dot.
func (d *decoding) build() {
	base := d.containerFields()
	if !d.splits() {
		d.buildService(base, d.wishes)
		return
	}
	var names []string
	services := 0
	for rest := d.wishes; len(rest) > 0; {
		first := &rest[0]
		n := run(rest, func(w *wish) bool { return w.service == first.service })
		key := base
		if first.service != "" {
			if !d.admit("service", first, first.service, &names, &services, maxServices) {
				return
			}
			key += "." + first.service
			d.fits(first, key)
		}
		d.buildService(key, rest[:n])
		if first.service == "" { // what concerns the container; the rest is refused, but looked at
			d.services = nil
		}
		rest = rest[n:]
	}
}

// run counts the wishes at the head of the list that are alike.
func run(wishes []wish, alike func(*wish) bool) int {
	n := 0
	for n < len(wishes) && alike(&wishes[n]) {
		n++
	}
	return n
}

// admit counts a new service or route and notes its name among its siblings'.
// It reports one too many (and returns false), and a name that differs from
// another in "-" and "_" alone, for whoever wrote the two meant one.
func (d *decoding) admit(noun string, w *wish, name string, names *[]string, count *int, most int) bool {
	*count++
	if *count > most+1 {
		return false // was said of the one before
	}
	if *count > most {
		d.report(w.label, &fault{
			message: fmt.Sprintf("a %s has at most %d %ss", d.grammar.whole(), most, noun),
			fix:     "divide it into several " + d.grammar.whole() + "s",
		})
		return false
	}
	for _, other := range *names {
		if fold(other) == fold(name) {
			d.report(w.label, &fault{
				message: fmt.Sprintf("the %ss %q and %q differ in a hyphen alone", noun, other, name),
				fix:     "write the same name in both, or names that differ more",
			})
		}
	}
	*names = append(*names, name)
	return true
}

// fits reports a key that is too long for the gateways.
func (d *decoding) fits(w *wish, key string) {
	if len(key) > maxKey {
		d.report(w.label, &fault{
			message: fmt.Sprintf("the key %s would have %d characters, the most is %d", shown(key), len(key), maxKey),
			fix:     fmt.Sprintf("give shorter names, or a shorter key with %s%s", d.grammar.Prefix, serviceField),
		})
	}
}

// containerFields reads the fields that concern the whole container and
// returns its service key.
func (d *decoding) containerFields() string {
	var key string
	var enabled, named bool
	for i := range d.wishes {
		w := &d.wishes[i]
		if w.scope() != OfContainer {
			continue
		}
		f := &rows[w.field]
		named = named || f.Name == serviceField
		if value, ok := d.value(f, w); ok {
			f.set(target{enabled: &enabled, key: &key}, value)
		}
	}
	if named {
		return key
	}
	key, wrong := deriveKey(d.subject)
	if wrong != nil {
		label := d.grammar.Prefix + serviceField
		wrong.fix = fmt.Sprintf("set %s=NAME; %s", label, keyRule)
		d.report(label, wrong)
	}
	return key
}

// value decodes one wish's value, or reports what is wrong with it.
func (d *decoding) value(f *Field, w *wish) (Value, bool) {
	value, wrong := f.parse(w.value)
	if wrong == nil {
		return value, true
	}
	if wrong.fix == "" {
		wrong.fix = f.advice(d.grammar)
	}
	d.reportValue(w.label, wrong)
	return Value{}, false
}

// buildService makes one service from its wishes.
func (d *decoding) buildService(key string, wishes []wish) {
	made := fieldTable.service
	made.Service.Name = key
	made.Service.Origin = Origin{Container: d.subject.Container}
	n := run(wishes, func(w *wish) bool { return w.route == "" })
	fields := run(wishes[:n], func(w *wish) bool { return w.plugin == "" })
	for rest := wishes[:fields]; len(rest) > 0; {
		same := run(rest, func(w *wish) bool { return w.field == rest[0].field })
		if f := &rows[rest[0].field]; f.Scope != OfContainer {
			if value, ok := d.fieldValue(f, rest[:same]); ok {
				f.set(target{instance: &made, service: &made.Service}, value)
			}
			if rest[0].optional {
				made.leaveOut(f)
			}
		}
		rest = rest[same:]
	}
	slices.Sort(made.Optional)
	slices.Sort(made.Service.Optional)
	d.refuseUseless(&made.Service, wishes[:fields])
	made.Service.Plugins = d.buildPlugins(wishes[fields:n])
	d.refuseForeign(made.Service.Protocol, wishes)
	var names []string
	for rest := wishes[n:]; len(rest) > 0; {
		first := &rest[0]
		n := run(rest, func(w *wish) bool { return w.route == first.route })
		if !d.admit("route", first, first.route, &names, &d.routes, maxRoutes) {
			return
		}
		made.Service.Routes = append(made.Service.Routes, d.buildRoute(key, rest[:n]))
		rest = rest[n:]
	}
	d.services = append(d.services, made)
}

// refuseUseless reports fields that say nothing without another one: whoever
// wrote them believes that they do.
func (d *decoding) refuseUseless(s *Service, wishes []wish) {
	for i := range wishes {
		f := &rows[wishes[i].field]
		if f.needs == nil {
			continue
		}
		if missing := f.needs(s); missing != "" {
			d.report(wishes[i].label, &fault{message: fmt.Sprintf("%s is of no use without %s", f.Name, missing), fix: "add the " + d.grammar.noun() + " " + missing + ", or remove this one"})
		}
	}
}

// refuseForeign reports the fields that mean nothing with the service's protocol.
func (d *decoding) refuseForeign(protocol Protocol, wishes []wish) {
	for i := range wishes {
		w := &wishes[i]
		if w.plugin != "" {
			continue
		}
		f := &rows[w.field]
		if f.Protocols == nil || slices.Contains(f.Protocols, protocol) {
			continue
		}
		wrong := &fault{message: fmt.Sprintf("%s means nothing with protocol=%s", f.Name, protocol), fix: "remove it"}
		switch {
		case f.Match, !slices.Contains(f.Protocols, HTTP):
			wrong.fix = fmt.Sprintf("set %sprotocol=%s if it is meant, or remove it", d.reach(w), f.Protocols[0])
		case f.Type == Duration:
			wrong.fix = "use tunnel_timeout for how long a connection may be silent, or remove it"
		}
		d.report(w.label, wrong)
	}
}

// reach returns what goes before a field of the service that a wish is about.
func (d *decoding) reach(w *wish) string {
	if w.service == "" {
		return d.grammar.Prefix
	}
	return d.grammar.Prefix + wordServices + "." + w.service + "."
}

// buildRoute makes one route from its wishes, of which there is at least one.
func (d *decoding) buildRoute(service string, wishes []wish) Route {
	made := fieldTable.route
	made.Name = service + "." + wishes[0].route
	made.Origin = d.first(wishes)
	d.fits(&wishes[0], made.Name)
	matches := false
	fields := run(wishes, func(w *wish) bool { return w.plugin == "" })
	made.Plugins = d.buildPlugins(wishes[fields:])
	for rest := wishes[:fields]; len(rest) > 0; {
		n := run(rest, func(w *wish) bool { return w.field == rest[0].field })
		f := &rows[rest[0].field]
		matches = matches || f.Match
		if value, ok := d.fieldValue(f, rest[:n]); ok {
			f.set(target{route: &made}, value)
		}
		if rest[0].optional {
			made.Optional = append(made.Optional, f.Name)
		}
		rest = rest[n:]
	}
	slices.Sort(made.Optional)
	d.countPairs(made)
	if !matches && !d.unread { // an unread label may well have been the match
		d.report(made.Origin.Label, &fault{
			message: fmt.Sprintf("the route %q takes no requests: none of hosts, paths, methods, headers, listen and snis is set", wishes[0].route),
			fix:     "say which requests it takes, or remove the " + d.grammar.noun(),
		})
	}
	return made
}

// countPairs reports the route with which a container has too many pairs of a
// host and a path.
func (d *decoding) countPairs(r Route) {
	before := d.pairs
	d.pairs += max(1, len(r.Hosts)) * max(1, len(r.Paths))
	if before <= maxPairs && d.pairs > maxPairs {
		d.report(r.Origin.Label, &fault{
			message: fmt.Sprintf("with this route the %s has %d pairs of a host and a path, the most is %d", d.grammar.whole(), d.pairs, maxPairs),
			fix:     "leave paths out where every path is meant, use a wildcard host, or divide it into several " + d.grammar.whole() + "s",
		})
	}
}

// fieldValue decodes the wishes for one field: one, but for what is keyed, which
// has one for each entry.
func (d *decoding) fieldValue(f *Field, wishes []wish) (Value, bool) {
	switch f.Type {
	case Map:
		return d.mapValue(f, wishes)
	case Shares:
		return d.sharesValue(f, wishes)
	}
	return d.value(f, &wishes[0])
}

// sharesValue decodes shares, which are at most the whole in all.
func (d *decoding) sharesValue(f *Field, wishes []wish) (Value, bool) {
	entries, whole, sum := make(map[string]int, len(wishes)), true, 0
	for i := range wishes {
		w := &wishes[i]
		value, ok := d.value(f, w)
		before := sum
		sum += value.Int
		if before <= maxShare && sum > maxShare {
			d.report(w.label, &fault{
				message: fmt.Sprintf("with this share they come to %d%% in all", sum),
				fix:     fmt.Sprintf("lower the shares to at most %d%% in all", maxShare),
			})
		}
		entries[w.entry], whole = value.Int, whole && ok && sum <= maxShare
	}
	if len(wishes) > maxItems {
		d.report(wishes[maxItems].label, &fault{
			message: fmt.Sprintf("a service has at most %d shares", maxItems),
			fix:     "leave out those of versions that no longer run",
		})
	}
	return Value{Shares: entries}, whole
}

// mapValue decodes the entries of a Map.
func (d *decoding) mapValue(f *Field, wishes []wish) (Value, bool) {
	entries := make(map[string][]string, len(wishes))
	whole := true
	for i := range wishes {
		w := &wishes[i]
		value, ok := d.value(f, w)
		if entries[w.entry], whole = value.List, whole && ok; w.optional != wishes[0].optional {
			d.report(w.label, &fault{
				message: fmt.Sprintf("%s are optional as a whole, and %s differs in this", f.Name, shown(wishes[0].label)),
				fix:     "write the ? in all of their " + d.grammar.noun() + "s or in none",
			})
		}
	}
	if len(wishes) > maxItems {
		d.report(wishes[maxItems].label, &fault{
			message: fmt.Sprintf("a route has at most %d %s", maxItems, f.Name),
			fix:     "split it into several routes",
		})
	}
	return Value{Map: entries}, whole
}
