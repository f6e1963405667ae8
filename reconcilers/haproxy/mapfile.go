package haproxy

import (
	"bytes"
	"encoding/json"
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
func (r *route) comment() string {
	var b bytes.Buffer
	b.WriteString(routeMark)
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	// A struct of strings, numbers and booleans can't fail to encode.
	_ = encoder.Encode(routeLine{
		Name: r.name, Service: r.service, Hosts: r.hosts, Paths: r.paths, Backend: r.backend,
		Strip: r.strip, Preserve: r.preserve, Priority: r.priority, Methods: r.methods, Headers: r.headers, Port: r.port, HTTPS: r.https, HSTS: r.hsts, Cookies: r.cookies,
		Listen: r.listen, SNIs: r.snis, Client: r.client,
	})
	return b.String()
}

// renderMap writes routes.map.
func renderMap(owner string, m *model, t *table) []byte {
	var b bytes.Buffer
	b.Grow(t.written + t.written/8)
	b.WriteString(disk.Head(owner))
	for _, name := range m.order {
		b.WriteString(t.text(m.sections[name]))
	}
	for _, key := range t.flags() {
		if value, ok := t.value(key); ok {
			b.WriteString(key + " " + value + "\n")
		}
	}
	for _, name := range sortedKeys(m.restrictions) {
		b.WriteString(m.restrictions[name].comment())
	}
	for _, key := range sortedKeys(t.limits) {
		b.WriteString(key + " " + t.limits[key] + "\n")
	}
	for _, key := range t.ended.sorted() {
		if len(t.claims[key]) == 0 { // else a service has it, by a line of its own
			b.WriteString(key + " " + endedValue(owner) + "\n")
		}
	}
	t.written = b.Len()
	return b.Bytes()
}

// text returns what stands in routes.map of a section.
func (t *table) text(s *section) string {
	if len(s.routes) == 0 {
		return ""
	}
	if text, kept := t.texts[s.service]; kept {
		return text
	}
	var b strings.Builder
	for _, r := range s.routes {
		b.WriteString(r.comment())
		for _, line := range t.linesOf(r) {
			b.WriteString(line + "\n")
		}
	}
	t.texts[s.service] = b.String()
	return b.String()
}

// linesOf returns the lines of the keys that a route won, sorted.
func (t *table) linesOf(r *route) []string {
	var lines []string
	for _, e := range r.entries(t.target(r)) {
		if list := t.claims[e.key]; len(list) > 0 && list[0].route.name == r.name {
			lines = append(lines, e.key+" "+list[0].value)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func parseRoute(owner, line string) (*route, bool) {
	text, ok := strings.CutPrefix(line, routeMark)
	if !ok {
		return nil, false
	}
	var l routeLine
	if err := json.Unmarshal([]byte(text), &l); err != nil || l.Name == "" || l.Service == "" {
		return nil, false
	}
	return &route{
		name: l.Name, service: l.Service, hosts: l.Hosts, paths: l.Paths, backend: l.Backend,
		strip: l.Strip, preserve: l.Preserve, priority: l.Priority, methods: l.Methods, headers: l.Headers, port: l.Port, https: l.HTTPS, hsts: l.HSTS, cookies: l.Cookies,
		id: routeID(owner, l.Name), listen: l.Listen, snis: l.SNIs, client: l.Client,
	}, true
}
