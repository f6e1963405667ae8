package manifests

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// maxEndpoints is the most that one service may list.
const maxEndpoints = 1024

// The first fields of plugins and of static endpoints, and what each of these has.
const (
	wordPlugins   = "plugins"
	wordEndpoints = "endpoints"
	wordAddress   = "address"
)

// wordOverride says what labels may do to a Service, and overrides what it may say:
// add what the manifest leaves out, which is so by default, or nothing.
const wordOverride = "override"

var overrides = []string{"allow", "forbid"}

// Route is a route that is declared apart from its service.
type Route struct {
	Service string    // the key of its service
	At      v1.Origin // where that is named
	Route   v1.Route
}

// service reads the spec of a Service: the fields of labels, and endpoints.
func (r *reader) service(o *Object, spec []entry) {
	named, fields := pick(spec, wordEndpoints, wordOverride)
	declared, problems := v1.DecodeService(o.Name, o.Origin, r.written(fields))
	r.problems = append(r.problems, problems...)
	if e, has := named[wordEndpoints]; has {
		declared.Endpoints = r.endpoints(o.Name, e)
	}
	if e, has := named[wordOverride]; has {
		if word, ok := r.text(e, 2); ok && !slices.Contains(overrides, word) {
			r.unknown(r.at(e.value), wordOverride, word, overrides)
		} else {
			declared.Alone = word == overrides[1]
		}
	}
	o.Service = &declared
}

// route reads the spec of a Route: the service that it belongs to, and the fields of routes.
func (r *reader) route(o *Object, spec []entry) {
	named, fields := pick(spec, "service")
	e, has := named["service"]
	if !has {
		r.report(o.Origin, "the route names no service", "write into its spec: service: KEY")
		return
	}
	service, ok := r.text(e, 2)
	if !ok {
		return
	}
	at := r.at(e.value)
	if message, fix := v1.CheckServiceKey(service); message != "" {
		r.report(at, message, fix)
		return
	}
	route, problems := v1.DecodeRoute(service, o.Name, o.Origin, r.written(fields))
	r.problems = append(r.problems, problems...)
	o.Route = &Route{Service: service, At: at, Route: route}
}

// endpoints reads the list of static endpoints.
func (r *reader) endpoints(service string, e entry) []v1.StaticEndpoint {
	var out []v1.StaticEndpoint
	seen := map[netip.AddrPort]v1.Origin{}
	items := r.items(e, 2)
	if len(items) > maxEndpoints {
		r.report(e.at, fmt.Sprintf("the list has %d endpoints, the most is %d", len(items), maxEndpoints), "divide the service")
		return nil
	}
	for _, item := range items {
		endpoint, ok := r.endpoint(service, item)
		if !ok {
			continue
		}
		if before, twice := seen[endpoint.Address]; twice {
			r.report(endpoint.Origin, fmt.Sprintf("the address %s stands there twice, first in line %d", endpoint.Address, before.Line), "keep one of the two")
			continue
		}
		seen[endpoint.Address] = endpoint.Origin
		out = append(out, endpoint)
	}
	slices.SortFunc(out, func(a, b v1.StaticEndpoint) int { return a.Address.Compare(b.Address) })
	return out
}

// endpoint reads one static endpoint: its address, and the fields of an instance.
func (r *reader) endpoint(service string, item *yaml.Node) (v1.StaticEndpoint, bool) {
	before := len(r.problems)
	at := r.at(item)
	named, fields := pick(r.entries(item, "an endpoint", 3), wordAddress, "network")
	if e, has := named["network"]; has {
		r.report(e.at, "network chooses among a container's addresses, and an endpoint has its own", "remove it")
	}
	if _, has := named[wordAddress]; !has { // the table of fields does not know that word
		fields = slices.DeleteFunc(fields, func(e entry) bool {
			meant := v1.Nearest(e.key, []string{wordAddress}) != ""
			if meant {
				r.report(e.at, fmt.Sprintf("unknown key %s", shown(e.key)), "did you mean address?")
			}
			return meant
		})
	}
	part, problems := v1.DecodeEndpoint(service, at, r.written(fields))
	r.problems = append(r.problems, problems...)
	e, has := named[wordAddress]
	if !has {
		if len(r.problems) == before {
			r.report(at, "the endpoint has no address", "write for example address: 10.0.0.5:8080")
		}
		return v1.StaticEndpoint{}, false
	}
	text, ok := r.text(e, 4)
	if !ok {
		return v1.StaticEndpoint{}, false
	}
	address, message, fix := parseAddress(text, part.Port)
	if message != "" && len(r.problems) == before {
		r.report(r.at(e.value), message, fix)
	}
	return v1.StaticEndpoint{Address: address, Part: part, Origin: r.at(e.value)}, len(r.problems) == before
}

// parseAddress takes "10.0.0.5:8080", or an address alone beside the field port.
func parseAddress(text string, port uint16) (address netip.AddrPort, message, fix string) {
	fix = "write for example 10.0.0.5:8080, or [fd00::5]:8080 between quotes"
	address, err := netip.ParseAddrPort(text)
	if err == nil && port != 0 {
		return address, fmt.Sprintf("the address %s has a port, and the field port says another time which", shown(text)), "remove the field port"
	}
	if err != nil {
		alone, aloneErr := netip.ParseAddr(text)
		if aloneErr == nil && port == 0 {
			return address, fmt.Sprintf("the address %s has no port", shown(text)), "write it after a colon, or as the field port"
		}
		if aloneErr != nil {
			return address, fmt.Sprintf("%s is no IP address and port", shown(text)), fix
		}
		address = netip.AddrPortFrom(alone, port)
	}
	address = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
	switch ip := address.Addr(); {
	case address.Port() == 0:
		return address, fmt.Sprintf("the address %s has port 0", shown(text)), fix
	case ip.IsUnspecified() || ip.IsMulticast() || ip.Zone() != "":
		return address, fmt.Sprintf("nothing can be reached at the address %s", shown(text)), fix
	}
	return address, "", ""
}

// written returns the fields of a spec as the table of fields reads them.
func (r *reader) written(fields []entry) []v1.Written {
	var out []v1.Written
	for _, e := range fields {
		r.write("", e, 2, &out)
	}
	return out
}

// write adds what one entry says, under the key that a label would have.
func (r *reader) write(prefix string, e entry, depth int, out *[]v1.Written) {
	if strings.Contains(e.key, ".") {
		r.report(e.at, fmt.Sprintf("the key %s holds a dot, as labels do", shown(e.key)), "write the names below each other, each set in further")
		return
	}
	n := r.follow(e.value, depth)
	if n == nil {
		return
	}
	w := v1.Written{Key: prefix + e.key, Value: n.Value, At: e.at, Values: []v1.Origin{r.at(e.value)}}
	wrong := w
	wrong.Wrong = true
	before := len(r.problems)
	inPlugin := strings.HasPrefix(prefix, wordPlugins+".") || strings.Contains(prefix, "."+wordPlugins+".")
	switch {
	case isNull(n):
		r.report(e.at, w.Key+" has no value", "give it one, or remove it")
	case n.Kind == yaml.MappingNode:
		r.writeMap(prefix, w, r.entries(e.value, w.Key, depth), depth, out)
		return
	case n.Kind == yaml.SequenceNode && inPlugin:
		w.Value, w.List = r.inJSON(r.plain(e.value, depth)), true
	case n.Kind == yaml.SequenceNode:
		w.Value, w.List, w.Values = r.list(e, n, depth)
	}
	if inPlugin && strings.Contains(w.Value, wordy) {
		r.refer(e.key, w.Values[0], w.Value)
	}
	if len(r.problems) > before {
		w = wrong
	}
	*out = append(*out, w)
}

// writeMap adds what the entries below a key say.
func (r *reader) writeMap(prefix string, w v1.Written, below []entry, depth int, out *[]v1.Written) {
	isPlugin := prefix == wordPlugins+"." || strings.HasSuffix(prefix, "."+wordPlugins+".")
	switch {
	case isPlugin:
		words := []string{"config", "enabled", "instance_name"}
		r.only(below, words...)
		below = slices.DeleteFunc(below, func(e entry) bool { return !slices.Contains(words, e.key) })
		if !says(below, "enabled") {
			*out = append(*out, v1.Written{Key: w.Key, Value: "true", At: w.At, Values: w.Values})
		}
	case len(below) == 0 && !strings.HasSuffix(w.Key, ".config"):
		w.Value = ""
		*out = append(*out, w)
	}
	for _, inner := range below {
		r.write(w.Key+".", inner, depth+1, out)
	}
}

func says(entries []entry, key string) bool {
	return slices.ContainsFunc(entries, func(e entry) bool { return e.key == key })
}

// list returns a list of single values as a label says it, and where each stands.
func (r *reader) list(e entry, n *yaml.Node, depth int) (value string, isList bool, places []v1.Origin) {
	items := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		at := r.at(item)
		places = append(places, at)
		single := r.follow(item, depth+1)
		if single == nil {
			continue
		}
		if single.Kind != yaml.ScalarNode || isNull(single) {
			r.report(at, fmt.Sprintf("an item of %s is %s, not one value", e.key, shape(single)), "write each item as one value")
			continue
		}
		items = append(items, single.Value)
	}
	if len(places) == 0 {
		places = []v1.Origin{e.at}
	}
	return r.inJSON(items), true, places
}

// inJSON writes a value as JSON. Nothing that plain returns fails to encode.
func (r *reader) inJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		r.report(r.place(1, 1), "a value can't be passed on: "+err.Error(), "write it differently")
	}
	return cmp.Or(string(text), "null")
}
