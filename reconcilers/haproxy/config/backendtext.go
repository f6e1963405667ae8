package config

import (
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

const (
	retiredMark = "# retired"
	// serviceMark says in the line of a prepared backend which service has it.
	serviceMark = "# service "
)

// render fills in the section's texts.
func (s *Section) render(owner string) {
	var own text
	s.spares = nil
	for _, b := range s.Backends {
		if b.Spare == "" {
			own.add(b, owner)
			continue
		}
		if s.spares == nil {
			s.spares = map[string]text{}
		}
		var t text
		t.add(b, owner)
		s.spares[b.Spare] = t
	}
	s.config, s.shape = own.config, own.shape
}

func (t *text) add(b *Backend, owner string) {
	shape := b.text(owner)
	var config strings.Builder
	if b.Spare != "" && b.Service != "" {
		head, rest, _ := strings.Cut(shape, "\n")
		config.WriteString(head + " " + serviceMark + b.Service + "\n" + rest)
	} else {
		config.WriteString(shape)
	}
	if b.Retired {
		config.WriteString("  " + retiredMark + "\n")
	}
	for i := range b.Servers {
		b.Servers[i].write(&config, b.Options(&b.Servers[i]))
	}
	t.config += config.String()
	if !b.Standard() {
		t.shape += shape
	}
}

// Defaults names the section that the backend builds on.
func (b *Backend) Defaults(owner string) string {
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
func (b *Backend) text(owner string) string {
	var t strings.Builder
	t.WriteString("backend " + routemap.Backend(owner, b.Live()) + " from " + b.Defaults(owner) + "\n")
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
func (s *Server) write(b *strings.Builder, options string) {
	weight, comment := s.Weight, ""
	if s.Drain {
		weight, comment = 0, " # draining "+strconv.Itoa(s.Weight)
		if !s.Until.IsZero() {
			comment += " # until " + strconv.FormatInt(s.Until.Unix(), 10)
		}
	}
	if s.ID != s.Name {
		comment += " # id " + s.ID
	}
	b.WriteString("  server " + s.Name + " " + s.Address + " weight " + strconv.Itoa(weight) + options + comment + "\n")
}

// Options returns what the `server` line and the command `add server` bear for
// one server besides name, address and weight, with a space before each word.
func (b *Backend) Options(s *Server) string {
	options := b.ServerOptions()
	if s.MaxConn > 0 {
		options += " maxconn " + strconv.Itoa(s.MaxConn)
	}
	if s.Backup {
		options += " backup"
	}
	if s.Drain && b.Sticky != "" {
		options += " disabled"
	}
	if b.Hashes() {
		options += " id " + strconv.Itoa(setting.HashID(s.Name))
	}
	return options
}
