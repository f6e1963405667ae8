package frontend

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
)

// Opening is the part of a Listener that takes a reload: its addresses. They are binds
// of the HTTP frontend, told apart by their names; beside them stand a socket and a backend, by which a
// worker that was replaced hands on what still comes to the Listener as what it is. It
// is never changed once it was made.
type Opening struct {
	Name   string
	Front  string // lines of the frontend
	Back   string // sections of its own
	Origin v1.Origin
	Places map[bind.Address]v1.Origin // of the addresses; nil when read back
}

// The names of binds in the HTTP frontend. Those of the flags have none.
const (
	bindPrefix = "listener." // followed by a Listener's name, which holds no dot
	gatePrefix = "gate."     // likewise
	// byGate says that a request came through one of our own sockets.
	byGate = "{ so_name -m beg gate }"
)

func openingMark(name string) string { return "# listener " + name + "\n" }

func openingEnd(name string) string { return "# end of listener " + name + "\n" }

// OpeningOf renders the addresses of a Listener.
func OpeningOf(o Options, l *v1.Listener) *Opening {
	made := &Opening{Name: l.Name, Origin: l.Origin, Places: map[bind.Address]v1.Origin{}}
	var front, back strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&front, "  "+format+"\n", args...) }
	socket := gateAddress(o) + "-" + digest.Of(l.Name)
	for _, b := range l.Binds {
		parsed, err := bind.Parse(b.Address)
		if err != nil {
			continue // whoever asked is told by others
		}
		made.Places[parsed] = b.Origin
		ending := ""
		if b.TLS {
			ending = tlsWords(o)
		}
		line("bind %s name %s%s%s", parsed, bindPrefix, l.Name, ending)
	}
	line("bind %s name %s%s accept-proxy", socket, gatePrefix, l.Name)
	for _, from := range sources(l.AcceptProxy) {
		line("tcp-request connection expect-proxy layer4 if { so_name %s%s } %s", bindPrefix, l.Name, from)
	}
	renderGate(&back, o, routemap.Gate(o.Owner)+"."+l.Name, socket)
	made.Front = openingMark(l.Name) + front.String() + openingEnd(l.Name)
	made.Back = openingMark(l.Name) + back.String() + openingEnd(l.Name)
	return made
}

// tlsWords is what a bind bears that ends TLS, with a space before each word.
func tlsWords(o Options) string {
	return " ssl crt-list " + filepath.Join(o.Dir, disk.Certificates) + " alpn h2,http/1.1" + o.asking()
}

// Addresses returns the addresses, as people write them.
func (o *Opening) Addresses() []string {
	var out []string
	for line := range strings.Lines(o.Front) {
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

// Accepts returns the sources whose connections begin with a PROXY header.
func (o *Opening) Accepts() string {
	var all []string
	for line := range strings.Lines(o.Front) {
		if _, from, some := strings.Cut(line, " { src "); some {
			all = append(all, strings.TrimSuffix(from, " }\n"))
		}
	}
	return strings.Join(all, " ")
}

// EndsTLS reports whether TLS is ended at one of the addresses.
func (o *Opening) EndsTLS() bool { return EndsTLS(o.Front) }

// gateLine begins the line of the frontend before which those of openings stand.
const gateLine = " name gate accept-proxy\n"

// Open puts openings into a base: lines into the frontend, and sections behind all others.
func Open(base string, openings map[string]*Opening) string {
	if len(openings) == 0 {
		return base
	}
	var front, back strings.Builder
	for _, name := range slices.Sorted(maps.Keys(openings)) {
		front.WriteString(openings[name].Front)
		back.WriteString(openings[name].Back)
	}
	at := strings.LastIndexByte(base[:max(strings.Index(base, gateLine), 0)], '\n') + 1
	head, rest := base[:at], base[at:]
	return head + front.String() + strings.Replace(rest, servicesMark, back.String()+servicesMark, 1)
}

// parseOpenings takes openings out again.
func parseOpenings(text string) (base string, openings map[string]*Opening) {
	openings = map[string]*Opening{}
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
			o = &Opening{Name: name}
			openings[name] = o
		}
		if block += openingEnd(name); o.Front == "" {
			o.Front = block
		} else {
			o.Back += block
		}
		text = tail
	}
	return rest.String(), openings
}
