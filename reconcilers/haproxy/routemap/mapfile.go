package routemap

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
)

// routes.map holds, service by service, each route as a comment and below it the
// lines of the keys that it won; at the end, what the frontend is told of the whole.
// What is written of a service is kept until one of its keys, or of its routes, is
// another's, so that one event does not write everything anew.

// routeMark begins the comment that tells a route.
const routeMark = "# route "

// routeLine is a route as it stands in the map's comments.
type routeLine struct {
	Name     string   `json:"name"`
	Service  string   `json:"service"`
	Hosts    []string `json:"hosts,omitempty"`
	Paths    []string `json:"paths,omitempty"`
	Backend  string   `json:"backend,omitempty"`
	Strip    bool     `json:"strip,omitempty"`
	Preserve bool     `json:"preserve,omitempty"`
	Priority int      `json:"priority,omitempty"`

	Port int `json:"port,omitempty"`

	Methods []string            `json:"methods,omitempty"`
	Headers map[string][]string `json:"headers,omitempty"`
	HTTPS   string              `json:"https,omitempty"`
	HSTS    int                 `json:"hsts,omitempty"`
	Cookies map[string][]string `json:"cookies,omitempty"`
	Listen  []int               `json:"listen,omitempty"`
	SNIs    []string            `json:"snis,omitempty"`
	Client  bool                `json:"client_certificate,omitempty"`
}

// comment returns the route as one comment line. JSON escapes line breaks.
func (r *Route) comment() string {
	var b bytes.Buffer
	b.WriteString(routeMark)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	// A struct of strings, numbers and booleans can't fail to encode.
	_ = encoder.Encode(routeLine{
		Name: r.Name, Service: r.Service, Hosts: r.Hosts, Paths: r.Paths, Backend: r.Backend,
		Strip: r.Strip, Preserve: r.Preserve, Priority: r.Priority, Methods: r.Methods, Headers: r.Headers, Port: r.Port, HTTPS: r.HTTPS, HSTS: r.HSTS, Cookies: r.Cookies,
		Listen: r.Listen, SNIs: r.SNIs, Client: r.Client,
	})
	return b.String()
}

// Render writes routes.map.
func (t *Table) Render() []byte {
	var b bytes.Buffer
	b.Grow(t.written + t.written/8)
	b.WriteString(disk.Head(t.owner))
	for service, routes := range t.source.Routes() {
		b.WriteString(t.text(service, routes))
	}
	for _, key := range t.flags() {
		if value, ok := t.Value(key); ok {
			b.WriteString(key + " " + value + "\n")
		}
	}
	restrictions := t.source.Restrictions()
	for _, name := range slices.Sorted(maps.Keys(restrictions)) {
		b.WriteString(restrictions[name].comment())
	}
	for _, key := range slices.Sorted(maps.Keys(t.limits)) {
		b.WriteString(key + " " + t.limits[key] + "\n")
	}
	for _, key := range t.ended.sorted() {
		if len(t.claims[key]) == 0 { // else a service has it, by a line of its own
			b.WriteString(key + " " + endedValue(t.owner) + "\n")
		}
	}
	t.written = b.Len()
	return b.Bytes()
}

// text returns what stands in routes.map of a service.
func (t *Table) text(service string, routes []*Route) string {
	if len(routes) == 0 {
		return ""
	}
	if text, kept := t.texts[service]; kept {
		return text
	}
	var b strings.Builder
	for _, r := range routes {
		b.WriteString(r.comment())
		for _, line := range t.linesOf(r) {
			b.WriteString(line + "\n")
		}
	}
	t.texts[service] = b.String()
	return b.String()
}

// linesOf returns the lines of the keys that a route won, sorted.
func (t *Table) linesOf(r *Route) []string {
	var lines []string
	for _, e := range r.entries(t.target(r)) {
		if list := t.claims[e.key]; len(list) > 0 && list[0].route.Name == r.Name {
			lines = append(lines, e.key+" "+list[0].value)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// ParseRoute reads back a comment that tells a route.
func ParseRoute(owner, line string) (*Route, bool) {
	text, ok := strings.CutPrefix(line, routeMark)
	if !ok {
		return nil, false
	}
	var l routeLine
	if err := json.Unmarshal([]byte(text), &l); err != nil || l.Name == "" || l.Service == "" {
		return nil, false
	}
	return &Route{
		Name: l.Name, Service: l.Service, Hosts: l.Hosts, Paths: l.Paths, Backend: l.Backend,
		Strip: l.Strip, Preserve: l.Preserve, Priority: l.Priority, Methods: l.Methods, Headers: l.Headers, Port: l.Port, HTTPS: l.HTTPS, HSTS: l.HSTS, Cookies: l.Cookies,
		ID: ID(owner, l.Name), Listen: l.Listen, SNIs: l.SNIs, Client: l.Client,
	}, true
}
