package v1

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Written is one field of a manifest, in the words of labels: one API, two
// spellings. A nested field is written with dots between its names.
type Written struct {
	// Key is the label's, without prefix: "routes.public.hosts".
	Key string
	// Value is the label's; a list is JSON.
	Value string
	// List says that the value was written as a list.
	List bool
	// Wrong says that the value was found wrong before: only its key counts.
	Wrong bool
	// At is where the key stands, Values where its value does, or each item of a list.
	At     Origin
	Values []Origin
}

// part says which part of a manifest is decoded.
type part int

const (
	partNone      part = iota // labels
	partService               // the spec of a Service
	partSelecting             // the same, with a selector
	partRoute                 // the spec of a Route
	partEndpoint              // one of a Service's endpoints
)

func (g Grammar) manifest() bool { return g.part != partNone }

// noun is what the user calls one thing that was written.
func (g Grammar) noun() string {
	if g.manifest() {
		return "field"
	}
	return "label"
}

// whole is what all of them belong to.
func (g Grammar) whole() string {
	if g.manifest() {
		return "service"
	}
	return "container"
}

// spelled returns one of our own words in the form in which it is compared:
// manifests are strict.
func (g Grammar) spelled(word string) string {
	if g.manifest() {
		return word
	}
	return fold(word)
}

// top returns what may stand at the top of what is decoded.
func (g Grammar) top() ([]Scope, []string) {
	switch g.part {
	case partService:
		return []Scope{OfService, OfRoute}, []string{wordPlugins, wordRoutes}
	case partSelecting:
		return []Scope{OfService, OfInstance, OfRoute}, []string{wordPlugins, wordRoutes}
	case partRoute:
		return []Scope{OfRoute}, []string{wordPlugins}
	case partEndpoint:
		return []Scope{OfInstance}, nil
	case partNone:
	}
	return []Scope{OfContainer, OfService, OfInstance, OfRoute}, []string{wordPlugins, wordRoutes, wordServices}
}

// beside returns the words that may stand among the fields of a manifest and are none of the
// table's.
func (g Grammar) beside() []string {
	switch g.part {
	case partService, partSelecting:
		return []string{"endpoints", "override", "selector"}
	case partRoute:
		return []string{"service"}
	case partEndpoint:
		return []string{"address"}
	case partNone:
	}
	return nil
}

// misplacedField explains a field that stands in the wrong part of a manifest.
func (g Grammar) misplacedField(f *Field) *fault {
	wrong := &fault{message: fmt.Sprintf("%s is a field of the %s, so it can't stand here", f.Name, f.Scope)}
	switch f.Scope {
	case OfContainer:
		wrong.message, wrong.fix = f.Name+" is for the labels of containers alone", "remove it"
	case OfInstance:
		wrong.message = f.Name + " is a field of instances, so it can't stand here"
		if g.part == partService {
			wrong.message += " without a selector"
		}
		wrong.fix = "write it beside the selector of a Service or the address of an endpoint, or as a label of the container"
	case OfService:
		wrong.fix = "write it into the spec of the Service"
	case OfRoute:
		wrong.fix = "write it into the spec of the Service or of a Route"
	}
	return wrong
}

// DecodeService decodes the fields of a Service manifest; at is where it begins. Those
// of instances may be among them beside a selector, of which its labels and place are
// known; nil: there is none. With any problem there is no service.
func DecodeService(name string, at Origin, fields []Written, selector *Selector) (Declared, []Problem) {
	p := partService
	if selector != nil {
		p = partSelecting
	}
	d := newManifest(p, Key{Kind: KindService, Name: name}, at, fields)
	d.buildService(name, d.wishes)
	if len(d.problems) > 0 {
		return Declared{}, d.sorted()
	}
	declared := Declared{Service: d.services[0].Service}
	declared.Service.Origin = at
	declared.Fields, declared.Places = d.set(OfService, OfRoute)
	if selector != nil {
		made := *selector
		made.Part = d.services[0]
		made.Part.Service = Service{}
		made.Fields, made.Places = d.set(OfInstance)
		declared.Selector = &made
	}
	return declared, nil
}

// set returns which fields of some scopes the manifest sets, sorted, and where: those of
// routes as routes.NAME.FIELD.
func (d *decoding) set(scopes ...Scope) (names []string, places map[string]Origin) {
	for i := range d.wishes {
		w := &d.wishes[i]
		if w.plugin != "" || !slices.Contains(scopes, rows[w.field].Scope) {
			continue
		}
		name := rows[w.field].Name
		if w.route != "" {
			name = wordRoutes + "." + w.route + "." + name
		}
		if places == nil {
			places = map[string]Origin{}
		}
		at, before := d.places[w.label].At, places[name]
		if before.IsZero() || cmp.Or(cmp.Compare(at.Line, before.Line), cmp.Compare(at.Column, before.Column)) < 0 { // a map has a wish for each entry
			places[name] = at
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), places
}

// DeclaredRoute is what a Route manifest asks for. Fields and Places are as those of Declared.
type DeclaredRoute struct {
	Route  Route
	Fields []string
	Places map[string]Origin
}

// DecodeRoute decodes the fields of a Route manifest, a route of the named service.
func DecodeRoute(service, name string, at Origin, fields []Written) (DeclaredRoute, []Problem) {
	d := newManifest(partRoute, Key{Kind: KindRoute, Name: service + "." + name}, at, fields)
	for i := range d.wishes {
		d.wishes[i].route = name
	}
	d.sortWishes()
	if len(d.wishes) == 0 && !d.unread {
		d.report("", &fault{message: "the route takes no requests: none of hosts, paths, methods and headers is set", fix: "say which requests it takes"})
	}
	if len(d.wishes) == 0 {
		return DeclaredRoute{}, d.sorted()
	}
	made := DeclaredRoute{Route: d.buildRoute(service, d.wishes)}
	made.Route.Origin = at
	if len(d.problems) > 0 {
		return DeclaredRoute{}, d.sorted()
	}
	made.Fields, made.Places = d.set(OfRoute)
	return made, nil
}

// DecodeEndpoint decodes the fields of an instance that stand beside the
// address of an endpoint of the named service.
func DecodeEndpoint(service string, at Origin, fields []Written) (DeclaredService, []Problem) {
	d := newManifest(partEndpoint, Key{Kind: KindService, Name: service}, at, fields)
	d.buildService("", d.wishes)
	if len(d.problems) > 0 {
		return DeclaredService{}, d.sorted()
	}
	made := d.services[0]
	made.Service = Service{}
	return made, nil
}

// newManifest reads the keys of a part of a manifest.
func newManifest(p part, object Key, at Origin, fields []Written) *decoding {
	d := &decoding{grammar: Grammar{part: p}, object: object, at: at, places: make(map[string]*Written, len(fields))}
	for i := range fields {
		if d.untold {
			break
		}
		w := &fields[i]
		d.places[w.Key] = w
		read, wrong := d.grammar.read(w.Key, w.Key, w.Value)
		if wrong == nil {
			wrong = read.shaped(w)
		}
		if wrong != nil {
			d.report(w.Key, wrong)
			d.unread = true
			continue
		}
		if w.Wrong {
			d.unread = true
			continue
		}
		d.wishes = append(d.wishes, read)
	}
	d.sortWishes()
	d.refuseTwice()
	return d
}

// shaped refuses a list where one value is wanted. Of plugins Kong knows.
func (w *wish) shaped(as *Written) *fault {
	if w.plugin != "" || !as.List {
		return nil
	}
	if f := &rows[w.field]; f.Type != List && f.Type != Map {
		return &fault{message: fmt.Sprintf("%s is one value (%s), not a list", f.Name, f.Type), fix: "write for example " + f.ExampleYAML()}
	}
	return nil
}

// sorted returns the problems as they follow each other in the file.
func (d *decoding) sorted() []Problem {
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Origin.Line, b.Origin.Line), cmp.Compare(a.Origin.Column, b.Origin.Column), cmp.Compare(a.Message, b.Message))
	})
	if d.untold {
		d.problems = append(d.problems, d.problem(d.at, &fault{message: "more of it is wrong than is told of here", fix: "correct what is told of first"}))
	}
	return d.problems
}

// CheckServiceKey says what is wrong with a service's name, and what to do; both "" when
// it is one.
func CheckServiceKey(name string) (message, fix string) {
	if _, wrong := checkKey(name); wrong != nil {
		return wrong.message, wrong.fix
	}
	return "", ""
}

// CheckName says the same of a name that is one part of a key; noun is what it
// would name.
func CheckName(noun, name string) (message, fix string) {
	if wrong := checkPart(noun, name); wrong != nil {
		return wrong.message, wrong.fix
	}
	return "", ""
}

// ExampleYAML returns the field's example as a manifest writes it, in one line.
func (f *Field) ExampleYAML() string {
	key, value, _ := strings.Cut(f.Example, "=")
	items := []string{value}
	if f.Type == List || f.Type == Map {
		items = strings.Split(value, ",")
	}
	for i, item := range items {
		if strings.ContainsFunc(item, func(r rune) bool { return !isAlnum(byte(min(r, 0x7f))) && !strings.ContainsRune("/._-", r) }) {
			items[i] = "'" + strings.ReplaceAll(item, "'", "''") + "'"
		}
	}
	value = strings.Join(items, ", ")
	if f.Type == List || f.Type == Map {
		value = "[" + value + "]"
	}
	if name, entry, nested := strings.Cut(key, "."); nested {
		return name + ": {" + entry + ": " + value + "}"
	}
	return key + ": " + value
}

// CheckSNI returns a name by which clients ask for a certificate in its normal
// form, or what is wrong with it and what to do. One "*" may stand for its
// leftmost part.
func CheckSNI(name string) (normal, message, fix string) {
	normal, wrong := checkHost(name)
	if wrong == nil && strings.HasSuffix(normal, "*") {
		wrong = &fault{message: fmt.Sprintf("the name %s ends with a wildcard, which certificates don't know", shown(name)), fix: "write *.example.com, or the whole name"}
	}
	if wrong != nil {
		return "", wrong.message, wrong.fix
	}
	return normal, "", ""
}
