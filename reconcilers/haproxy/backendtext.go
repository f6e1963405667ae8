package haproxy

import (
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// render fills in the section's texts.
func (s *section) render(owner string) {
	var own text
	s.spares = nil
	for _, b := range s.backends {
		if b.spare == "" {
			own.add(b, owner)
			continue
		}
		if s.spares == nil {
			s.spares = map[string]text{}
		}
		var t text
		t.add(b, owner)
		s.spares[b.spare] = t
	}
	s.config, s.shape = own.config, own.shape
}

func (t *text) add(b *backend, owner string) {
	shape := b.text(owner)
	var config strings.Builder
	if b.spare != "" && b.service != "" {
		head, rest, _ := strings.Cut(shape, "\n")
		config.WriteString(head + " " + serviceMark + b.service + "\n" + rest)
	} else {
		config.WriteString(shape)
	}
	if b.retired {
		config.WriteString("  " + retiredMark + "\n")
	}
	for i := range b.servers {
		b.servers[i].write(&config, b.options(&b.servers[i]))
	}
	t.config += config.String()
	if !b.standard() {
		t.shape += shape
	}
}

// defaults names the section that the backend builds on.
func (b *backend) defaults(owner string) string {
	if b.Mode == setting.ModeTCP {
		return frontend.Streams(owner)
	}
	return frontend.Defaults(owner)
}

// text is what stands in a file, and of that what HAProxy takes over by a reload
// only. A backend of default settings is known by its name: a process that has
// it has it as it should be.
type text struct{ config, shape string }

// text is the section without what moves at runtime.
func (b *backend) text(owner string) string {
	var t strings.Builder
	t.WriteString("backend " + routemap.Backend(owner, b.live()) + " from " + b.defaults(owner) + "\n")
	if comment := b.Comment(); comment != "" {
		t.WriteString("  " + comment + "\n")
	}
	for _, line := range b.Lines() {
		t.WriteString("  " + line + "\n")
	}
	if options := b.ServerOptions(); options != "" {
		t.WriteString("  # server" + options + "\n") // servers come and go; their options are part of the shape
	}
	return t.String()
}

// write appends the `server` line. A draining server has weight 0 there, so
// that a reload keeps it draining; its own weight follows in the comment, and
// when its sessions end.
func (s *server) write(b *strings.Builder, options string) {
	weight, comment := s.weight, ""
	if s.drain {
		weight, comment = 0, " # draining "+strconv.Itoa(s.weight)
		if !s.until.IsZero() {
			comment += " # until " + strconv.FormatInt(s.until.Unix(), 10)
		}
	}
	if s.id != s.name {
		comment += " # id " + s.id
	}
	b.WriteString("  server " + s.name + " " + s.address + " weight " + strconv.Itoa(weight) + options + comment + "\n")
}

// options returns what the `server` line and the command `add server` bear for
// one server besides name, address and weight, with a space before each word.
func (b *backend) options(s *server) string {
	options := b.ServerOptions()
	if s.maxconn > 0 {
		options += " maxconn " + strconv.Itoa(s.maxconn)
	}
	if s.backup {
		options += " backup"
	}
	if s.drain && b.Sticky != "" {
		options += " disabled"
	}
	if b.Hashes() {
		options += " id " + strconv.Itoa(setting.HashID(s.name))
	}
	return options
}

const (
	retiredMark = "# retired"
	// serviceMark says in the line of a prepared backend which service has it.
	serviceMark = "# service "
)
