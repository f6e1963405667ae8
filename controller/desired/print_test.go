package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// String renders the world for people; the same world gives the same text.
func (w *world) String() string {
	var b strings.Builder
	for _, gateway := range []v1.Gateway{v1.Kong, v1.HAProxy} {
		for _, name := range slices.Sorted(maps.Keys(w.sets[gateway])) {
			s := w.sets[gateway][name]
			fmt.Fprintf(&b, "%s %s%s", gateway, name, balancing(s))
			if s.Via.Port != 0 {
				fmt.Fprintf(&b, " via %s:%d", s.Via.Host, s.Via.Port)
			}
			if s.Protocol.Secure() || s.Protocol.RPC() {
				fmt.Fprintf(&b, " speaks %s", s.Protocol)
			}
			if s.Securing != (v1.Securing{}) {
				fmt.Fprintf(&b, " secured %+v", s.Securing)
			}
			b.WriteString(plugins(s.Plugins))
			b.WriteString("\n")
			for _, r := range s.Routes {
				fmt.Fprintf(&b, "  route %s hosts=%v paths=%v methods=%v", r.Name, r.Hosts, r.Paths, r.Methods)
				if len(r.Headers) > 0 {
					fmt.Fprintf(&b, " headers=%v", r.Headers)
				}
				if r.ClientCertificate != "" {
					fmt.Fprintf(&b, " client certificate %s", r.ClientCertificate)
				}
				if len(r.Cookies) > 0 {
					fmt.Fprintf(&b, " cookies=%v", r.Cookies)
				}
				b.WriteString(plugins(r.Plugins))
				b.WriteString("\n")
			}
			for _, e := range s.Endpoints {
				state := ""
				if e.Draining {
					state = " draining"
				}
				if !e.DrainUntil.IsZero() {
					state += " until " + e.DrainUntil.Sub(epoch).String()
				}
				if e.MaxConn > 0 {
					state += fmt.Sprintf(" maxconn=%d", e.MaxConn)
				}
				if e.Backup {
					state += " backup"
				}
				fmt.Fprintf(&b, "  %s %s weight=%d%s\n", e.Instance, e.Address, e.Weight, state)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.standings)) {
		w.standings[name].render(&b)
	}
	for _, id := range slices.Sorted(maps.Keys(w.refused)) {
		for _, problem := range w.refused[id] {
			fmt.Fprintf(&b, "refused: %s\n", problem.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.waiting)) {
		for _, problem := range w.waiting[name] {
			fmt.Fprintf(&b, "waiting: %s\n", problem.Error())
		}
	}
	for _, name := range slices.Sorted(w.memory.Ports.Keys()) {
		switch port := w.memory.Ports.Get(name); {
		case port.Freed.IsZero() && port.Dialed:
			fmt.Fprintf(&b, "port %d: %s\n", port.Number, name)
		case port.Freed.IsZero():
			fmt.Fprintf(&b, "port %d: %s, of which Kong does not know yet\n", port.Number, name)
		case port.Dialed:
			fmt.Fprintf(&b, "port %d: was of %s until %s, and Kong may send there\n", port.Number, name, port.Freed.Sub(epoch))
		default:
			fmt.Fprintf(&b, "port %d: was of %s until %s\n", port.Number, name, port.Freed.Sub(epoch))
		}
	}
	for _, name := range slices.Sorted(w.memory.Services.Keys()) {
		if until := w.memory.Services.Get(name).Until; !until.IsZero() {
			fmt.Fprintf(&b, "leaving: %s at %s\n", name, until.Sub(epoch))
		}
	}
	for _, hint := range w.builder.Hints() {
		fmt.Fprintf(&b, "hint: %s\n", hint)
	}
	for _, id := range slices.Sorted(w.memory.Drains.Keys()) {
		fmt.Fprintf(&b, "out of service: %s\n", strings.TrimSpace(id))
	}
	for _, name := range slices.Sorted(w.memory.Pins.Keys()) {
		fmt.Fprintf(&b, "pinned: %s to %d\n", name, w.memory.Pins.Get(name).Generation)
	}
	return b.String()
}

// plugins names plugins, and those that are off or may be left out as such.
func plugins(list []v1.Plugin) string {
	text := ""
	for _, p := range list {
		text += " plugin " + p.Name
		if !p.Enabled {
			text += "=off"
		}
		if p.Optional {
			text += "?"
		}
		for _, s := range p.Settings {
			text += " " + s.Path + "=" + s.Value
		}
	}
	return text
}

// balancing tells what a service asks for of how its requests are shared.
func balancing(s *v1.Service) string {
	text := ""
	if s.Balance != "" {
		text += " balance=" + s.Balance
	}
	if s.SlowStart != 0 {
		text += " slowstart=" + s.SlowStart.String()
	}
	if s.CheckHost != "" {
		text += " check_host=" + s.CheckHost
	}
	return text
}

// render says what is not served, and why.
func (s *Standing) render(b *strings.Builder) {
	say := func(what string, verdicts []Verdict) {
		for _, v := range verdicts {
			switch {
			case v.Reason != v1.Serving:
				fmt.Fprintf(b, "%s on %s: %s: %s; %s\n", what, v.Gateway, v.Reason, v.Message, v.Fix)
			case v.Through != "":
				fmt.Fprintf(b, "%s on %s: through %s %s %s\n", what, v.Gateway, v.Through, v.Address, v.How)
			case v.From != "":
				fmt.Fprintf(b, "%s on %s: from %s\n", what, v.Gateway, v.From)
			case v.Message != "":
				fmt.Fprintf(b, "%s on %s: %s: %s\n", what, v.Gateway, v.Reason, v.Message)
			}
		}
	}
	for _, i := range s.Instances {
		say(s.Service+": "+i.Container, i.Verdicts)
	}
	for _, r := range s.Routes {
		say(r.Name, r.Verdicts)
	}
	if s.Rollout != nil {
		for _, v := range s.Rollout.Versions {
			asked := "the rest"
			if v.Asked != nil {
				asked = fmt.Sprintf("%d%%", *v.Asked)
			}
			fmt.Fprintf(b, "rollout of %s by %s: %s asks for %s:", s.Service, cmp.Or(s.Rollout.DecidedBy.Container, s.Rollout.DecidedBy.String()), SayVersion(v.Version), asked)
			for _, share := range v.Shares {
				fmt.Fprintf(b, " %s %.2f%% on %d", share.Gateway, share.Share, share.Ready)
			}
			b.WriteString("\n")
		}
	}
	for _, p := range s.Problems {
		fmt.Fprintf(b, "note: %s\n", p.Error())
	}
}
