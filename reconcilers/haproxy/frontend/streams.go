package frontend

import (
	"fmt"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// Streams names the section on which backends of services of connections build.
func Streams(owner string) string { return owner + "::streams" }

// renderStreams writes what streams need: their defaults, and a frontend for the
// ports. Each port is a bind of its own with its number as name, because that is
// what a rule can ask for: a PROXY header may say another port.
func renderStreams(b *strings.Builder, o Options) {
	fmt.Fprintf(b, "defaults %s\n", Streams(o.Owner))
	b.WriteString("  mode tcp\n")
	for _, line := range setting.DefaultStream.Lines() { // a backend that is added at runtime gets its settings from here
		b.WriteString("  " + line + "\n")
	}
	b.WriteString(`  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  timeout client-fin 5m
  timeout server-fin 5m
  retries 5
  option redispatch 1
  option allbackups
  option clitcpka
  option srvtcpka
`)
	if len(o.Ports) == 0 {
		return
	}
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	fmt.Fprintf(b, "frontend %s from %s\n", o.Owner+"::tcp", Streams(o.Owner))
	for _, port := range o.Ports {
		if _, not := o.Taken[port]; !not {
			line("bind %s name %d", port, port.Port)
		}
	}
	renderAccept(line, o, "")
	routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir}.MatchPort()
	line("tcp-request connection reject if !{ var(sess.m) -m found }")
	renderStreamLog(line, o, `"port":%[so_name]`, "var(sess.m)", "")
	line("use_backend %%[var(sess.m),field(1,|)]")
}
