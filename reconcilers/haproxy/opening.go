package haproxy

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// opening is the part of a Listener that takes a reload: its addresses. They are binds
// of the HTTP frontend, told apart by their names; beside them stand a socket and a backend, by which a
// worker that was replaced hands on what still comes to the Listener as what it is. It
// is never changed once it is in a model.
type opening struct {
	name   string
	front  string // lines of the frontend
	back   string // sections of its own
	origin v1.Origin
	places map[bind.Address]v1.Origin // of the addresses; nil when read back
}

// The names of binds in the HTTP frontend. Those of the flags have none.
const (
	bindPrefix = "listener." // followed by a Listener's name, which holds no dot
	gatePrefix = "gate."     // likewise
	// byGate says that a request came through one of our own sockets.
	byGate = "{ so_name -m beg gate }"
)

func openingMark(name string) string { return "# listener " + name + "\n" }
func openingEnd(name string) string  { return "# end of listener " + name + "\n" }

// openingOf renders the addresses of a Listener.
func (r *Reconciler) openingOf(l *v1.Listener) *opening {
	made := &opening{name: l.Name, origin: l.Origin, places: map[bind.Address]v1.Origin{}}
	var front, back strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&front, "  "+format+"\n", args...) }
	socket := gateAddress(r.o) + "-" + digest.Of(l.Name)
	for _, b := range l.Binds {
		parsed, err := bind.Parse(b.Address)
		if err != nil {
			continue // clashes says so
		}
		made.places[parsed] = b.Origin
		ending := ""
		if b.TLS {
			ending = tlsWords(r.o)
		}
		line("bind %s name %s%s%s", parsed, bindPrefix, l.Name, ending)
	}
	line("bind %s name %s%s accept-proxy", socket, gatePrefix, l.Name)
	for _, from := range sources(l.AcceptProxy) {
		line("tcp-request connection expect-proxy layer4 if { so_name %s%s } %s", bindPrefix, l.Name, from)
	}
	renderGate(&back, r.o, routemap.Gate(r.o.Owner)+"."+l.Name, socket)
	made.front = openingMark(l.Name) + front.String() + openingEnd(l.Name)
	made.back = openingMark(l.Name) + back.String() + openingEnd(l.Name)
	return made
}

// tlsWords is what a bind bears that ends TLS, with a space before each word.
func tlsWords(o Options) string {
	return " ssl crt-list " + filepath.Join(o.Dir, disk.Certificates) + " alpn h2,http/1.1" + o.asking()
}

// object is what a plan knows of the addresses.
func (o *opening) object() *plan.Object {
	owner := v1.Key{Kind: v1.KindListener, Name: o.name}
	return &plan.Object{
		Key: v1.Key{Kind: kindOpening, Name: o.name}, Service: owner.String(), Owner: owner, Level: levelSection,
		Noun:   "Listener " + o.name + " (" + strings.Join(o.addresses(), " ") + ")",
		Fields: map[string]string{"bind": strings.Join(o.addresses(), " "), "accept_proxy": o.accepts(), "version": digest.Of(o.front + o.back)},
		Native: o, Origin: o.origin,
	}
}

// addresses returns the addresses, as people write them.
func (o *opening) addresses() []string {
	var out []string
	for line := range strings.Lines(o.front) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "bind" || strings.HasPrefix(words[1], "abns@") {
			continue
		}
		if slices.Contains(words, "ssl") {
			words[1] += "/tls"
		}
		out = append(out, words[1])
	}
	return out
}

// accepts returns the sources whose connections begin with a PROXY header.
func (o *opening) accepts() string {
	var all []string
	for line := range strings.Lines(o.front) {
		if _, from, some := strings.Cut(line, " { src "); some {
			all = append(all, strings.TrimSuffix(from, " }\n"))
		}
	}
	return strings.Join(all, " ")
}

// endsTLS reports whether TLS is ended at one of the addresses.
func (o *opening) endsTLS() bool { return strings.Contains(o.front, "/"+disk.Certificates+" ") }

// gateLine begins the line of the frontend before which those of openings stand.
const gateLine = " name gate accept-proxy\n"

// open puts the openings into our own sections: lines into the frontend, and sections
// behind all others.
func (m *model) open(base string) string {
	if len(m.openings) == 0 {
		return base
	}
	var front, back strings.Builder
	for _, name := range sortedKeys(m.openings) {
		front.WriteString(m.openings[name].front)
		back.WriteString(m.openings[name].back)
	}
	at := strings.LastIndexByte(base[:max(strings.Index(base, gateLine), 0)], '\n') + 1
	head, rest := base[:at], base[at:]
	return head + front.String() + strings.Replace(rest, servicesMark, back.String()+servicesMark, 1)
}

// parseOpenings takes them out again.
func parseOpenings(text string) (base string, openings map[string]*opening) {
	openings = map[string]*opening{}
	var rest strings.Builder
	for text != "" {
		line, after, _ := strings.Cut(text, "\n")
		name, marked := strings.CutPrefix(line, "# listener ")
		block, tail, ended := strings.Cut(text, openingEnd(name))
		if !marked || !ended || charset.Listener.Check(name) != nil {
			rest.WriteString(line + "\n")
			text = after
			continue
		}
		o := openings[name]
		if o == nil {
			o = &opening{name: name}
			openings[name] = o
		}
		if block += openingEnd(name); o.front == "" {
			o.front = block
		} else {
			o.back += block
		}
		text = tail
	}
	return rest.String(), openings
}

// nextOpenings applies the steps that have not failed.
func nextOpenings(have map[string]*opening, steps []*step) map[string]*opening {
	next := map[string]*opening{}
	maps.Copy(next, have)
	for _, s := range steps {
		o, ok := s.change.Object().Native.(*opening)
		switch {
		case !ok || s.failed():
		case s.change.Op == plan.Delete:
			delete(next, o.name)
		default:
			next[o.name] = o
		}
	}
	return next
}
