package haproxy

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

// Labels are written by strangers, so they may ask only for ports that the
// operator has named. All of these are bound from the start, and a map says
// which of them leads to a service: so a service that comes or goes needs no
// reload. A port that nobody holds closes its connections at once.
//
// A bound port costs a file and 2 KiB, in 1,000 of them a reload takes no longer
// than without.

// maxPorts is how many ports may be bound for labels.
const maxPorts = 2_000

// parsePorts reads "5672", "5000-5999", "10.0.0.1:5672" or "[::1]:5000-5999".
func parsePorts(text string) ([]bind.Address, error) {
	host, ports := "", text
	if strings.Contains(text, ":") {
		var err error
		if host, ports, err = net.SplitHostPort(text); err != nil {
			return nil, portsFault(text)
		}
	}
	first, last, ranged := strings.Cut(ports, "-")
	if !ranged {
		last = first
	}
	low, err := bind.Parse(net.JoinHostPort(host, first))
	if err != nil {
		return nil, portsFault(text)
	}
	high, err := strconv.Atoi(last)
	if err != nil || high < low.Port || high > 65535 {
		return nil, portsFault(text)
	}
	if high-low.Port >= maxPorts {
		return nil, fmt.Errorf("ports %q are more than %d; name those that services need", text, maxPorts)
	}
	var binds []bind.Address
	for port := low.Port; port <= high; port++ {
		binds = append(binds, bind.Address{Host: low.Host, Port: port})
	}
	return binds, nil
}

func portsFault(text string) error {
	return fmt.Errorf("ports %q are none; write them like 5672, 5000-5999 or 10.0.0.1:5000-5999", text)
}

// streamDefaults fills in what concerns streams. They are long, so a worker that
// was replaced is left more time where there are any.
func (o *Options) streamDefaults() error {
	if err := o.portDefaults(); err != nil {
		return err
	}
	switch {
	case o.HardStopAfter == 0 && o.streams():
		o.HardStopAfter = 24 * time.Hour
	case o.HardStopAfter == 0:
		o.HardStopAfter = time.Minute
	case o.HardStopAfter < time.Second:
		return fmt.Errorf("%s for what is under way after a reload is too short; use 1s or more", o.HardStopAfter)
	}
	return nil
}

// streams reports whether there may be services that are no HTTP.
func (o *Options) streams() bool { return len(o.ports) > 0 || o.TLSPassthrough }

// CheckPorts says what is wrong with Options.TCPPorts taken alone.
func CheckPorts(texts []string) error {
	o := Options{TCPPorts: texts}
	return o.portDefaults()
}

// AllowedPorts returns the numbers of the ports that Options.TCPPorts names.
func AllowedPorts(texts []string) (map[int]bool, error) {
	o := Options{TCPPorts: texts}
	if err := o.portDefaults(); err != nil {
		return nil, err
	}
	ports := make(map[int]bool, len(o.ports))
	for _, b := range o.ports {
		ports[b.Port] = true
	}
	return ports, nil
}

// portDefaults reads the ports that labels may ask for.
func (o *Options) portDefaults() error {
	o.ports = nil
	listens := slices.Concat(o.Binds, o.TLSBinds)
	for i, text := range listens {
		for _, other := range listens[:i] {
			mine, err1 := bind.Parse(text)
			theirs, err2 := bind.Parse(other)
			if err1 == nil && err2 == nil && mine.Overlaps(theirs) {
				return fmt.Errorf("HAProxy is to listen on both %s and %s, which overlap; leave one of them out of --haproxy-bind and --haproxy-bind-tls", other, text)
			}
		}
	}
	for _, text := range o.TCPPorts {
		binds, err := parsePorts(text)
		if err != nil {
			return err
		}
		o.ports = append(o.ports, binds...)
	}
	if len(o.ports) > maxPorts {
		return fmt.Errorf("%d ports for labels are more than %d; name those that services need", len(o.ports), maxPorts)
	}
	for i, b := range o.ports {
		for _, text := range slices.Concat(o.Binds, o.TLSBinds) {
			if own, err := bind.Parse(text); err == nil && own.Overlaps(b) {
				return fmt.Errorf("port %d is to be both HTTP's (%s) and one for labels; leave it out of --haproxy-tcp-ports, or listen elsewhere", b.Port, text)
			}
		}
		via := bind.Address{Host: o.Via.Host, Port: b.Port}
		if int(o.Via.First) <= b.Port && b.Port <= int(o.Via.Last) && via.Overlaps(b) {
			return fmt.Errorf("port %d is to be both one for labels and one at which Kong reaches HAProxy; leave it out of --haproxy-tcp-ports, or change --haproxy-via-ports", b.Port)
		}
		if slices.ContainsFunc(o.ports[:i], b.Overlaps) {
			return fmt.Errorf("port %d is named twice for labels; name it once in --haproxy-tcp-ports", b.Port)
		}
	}
	return nil
}

// survey finds out which of the ports for labels can be had: all but those that
// another process or the user's own files have. These are left out, for with
// them HAProxy would not start, and looked at again with the next full look.
func (r *Reconciler) survey() {
	if len(r.o.ports) == 0 {
		return
	}
	had := r.bound()
	var ours map[int]bool
	taken := map[bind.Address]string{}
	for _, b := range r.o.ports {
		if i := slices.IndexFunc(r.user.Binds, func(u userfile.Bind) bool { return u.Overlaps(b) }); i >= 0 {
			taken[b] = b.String() + " is also that of " + r.user.Binds[i].Place
			continue
		}
		if had[b.String()] {
			continue
		}
		err := b.Probe()
		if err == nil {
			continue
		}
		if ours == nil {
			ours = r.ownPorts()
		}
		if !ours[b.Port] {
			taken[b] = err.Error()
		}
	}
	for b, why := range taken {
		if _, known := r.taken[b]; !known {
			r.o.Log.Warn("a port for labels can't be had", "port", b.String(), "why", why)
		}
	}
	r.taken = taken
	r.rebase()
}

// bound returns the binds that the running process has.
func (r *Reconciler) bound() map[string]bool {
	had := map[string]bool{}
	if r.condition.process == processRuns && r.live.generation == r.model.Generation() {
		for _, text := range bind.Lines(r.model.Base()) {
			had[text] = true
		}
	}
	return had
}

// CheckBinds says what is wrong with Options.Binds, or TLSBinds, taken alone.
func CheckBinds(texts []string) error {
	for _, text := range texts {
		if _, err := bind.Parse(text); err != nil {
			return err
		}
	}
	o := Options{Binds: texts}
	return o.portDefaults()
}

// bindRemedy says what to do about what probe found.
func (o Options) bindRemedy(b bind.Address, err error) string {
	if int(o.Via.First) <= b.Port && b.Port <= int(o.Via.Last) {
		return "free the port, or choose other ones with --haproxy-via-ports"
	}
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "give --haproxy-bind an address that `ip addr` lists, or the port alone for all of them"
	case errors.Is(err, os.ErrPermission):
		return "run Lockstep with that capability, or choose a port above 1023 with --haproxy-bind"
	}
	return "free the port, or choose another one with --haproxy-bind"
}
