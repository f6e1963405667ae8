package frontend

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
)

// servicesMark ends the base text.
const servicesMark = "# the services stand in " + disk.ShardPrefix + "*.cfg\n"

// generationHole stands in the base text where the generation goes.
const generationHole = "@GENERATION@"

// GenerationVariable names the process-wide variable that holds the generation.
func GenerationVariable(owner string) string {
	return "proc." + strings.ReplaceAll(owner, "-", "_") + "_generation"
}

// Render writes what does not depend on services: the base, in which the generation and what Listeners open
// are left out.
func Render(o Options) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	b.WriteString(disk.Head(o.Owner))
	line("global")
	line("  set-var %s str(%s)", GenerationVariable(o.Owner), generationHole)
	line("  expose-experimental-directives # for normalize-uri")
	if o.Managed {
		line("  stats socket %s mode 600 level admin", o.StatsSocket)
		if !o.User.Client {
			line("  httpclient.ssl.verify none # nothing uses it; loading CAs would cost 40 ms with each reload")
		}
	}
	if o.Via.Keys != nil && o.User.DH < leastDH {
		line("  tune.ssl.default-dh-param %d # for certificates that are made for Kong", leastDH)
	}
	if !o.User.HardStop {
		line("  hard-stop-after %s", haproxyTime(o.HardStopAfter))
	}
	if len(o.Ports) > 0 || o.TLSPassthrough {
		line("  mworker-max-reloads %d # a worker that was replaced more often than that ends", maxReplaced)
	}
	renderDefaults(&b, o)
	renderFrontend(&b, o)
	line("backend %s from %s", routemap.Hold(o.Owner), Defaults(o.Owner))
	line("  http-request %s", o.Pages.Answer(503, "service unavailable"))
	renderGate(&b, o, routemap.Gate(o.Owner), gateAddress(o))
	renderVia(&b, o)
	renderStreams(&b, o)
	renderPassthrough(&b, o)
	b.WriteString(servicesMark)
	return b.String()
}

// maxReplaced bounds the workers that are kept for streams of days.
const maxReplaced = 50

// leastDH is the size of a Diffie-Hellman key that OpenSSL takes. HAProxy gives one of 1024
// bits to each certificate that it makes unless it is told otherwise, and breaks off every
// other handshake because of it.
const leastDH = 2048

// haproxyTime writes a duration as HAProxy takes it.
func haproxyTime(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return strconv.Itoa(int(d/time.Millisecond)) + "ms"
}

// Defaults names the section on which backends of services build.
func Defaults(owner string) string { return owner + "::defaults" }

// renderDefaults: see docs/haproxy.md for what each line is for.
func renderDefaults(b *strings.Builder, o Options) {
	fmt.Fprintf(b, "defaults %s\n", Defaults(o.Owner))
	b.WriteString("  mode http\n")
	for _, line := range setting.Default.Lines() { // a backend that is added at runtime gets its settings from here
		b.WriteString("  " + line + "\n")
	}
	b.WriteString(`  timeout client 60s
  timeout http-request 30s
  timeout http-keep-alive 60s
  timeout tunnel 1h
  retries 5
  option redispatch 1
  option allbackups
  retry-on conn-failure empty-response
  option idle-close-on-response
`)
	for _, line := range o.Pages.Errors() {
		b.WriteString("  " + line + "\n")
	}
}

func frontendName(owner string) string { return owner + "::http" }

// renderFrontend writes the one HTTP frontend. The number of its rules does
// not depend on the number of routes: all of them stand in one map.
func renderFrontend(b *strings.Builder, o Options) {
	p := o.Pages
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	routes := routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir, Pages: p}
	fmt.Fprintf(b, "frontend %s from %s\n", frontendName(o.Owner), Defaults(o.Owner))
	for _, bind := range o.Binds {
		line("bind %s", bind)
	}
	for _, bind := range o.tlsBinds() {
		line("bind %s%s", bind, tlsWords(o))
	}
	line("bind %s"+strings.TrimSuffix(gateLine, "\n"), gateAddress(o))
	renderAccept(line, o, " !{ so_name -m beg "+bindPrefix+" }")
	routes.Replaced()
	renderPeer(line, o)
	renderLog(line, o)
	line(noReplay)
	line("http-request set-var(txn.h) req.hdr(host),field(1,:)")
	line("http-request %s if { req.ver 1.1 } !{ req.hdr(host) -m len ge 1 }", p.Answer(400, "no host"))
	// HTTP/1.0 may name the host in the URL alone, where we don't look, and Kong and servers do.
	line("http-request %s if !{ req.hdr(host) -m found } !{ url -m beg / * }", p.Answer(400, "no host"))
	line("http-request %s if { var(txn.h) -m found } !{ var(txn.h) -m reg ^[[A-Za-z0-9._-]*$ }", p.Answer(400, "bad host"))
	if o.Restrains {
		routes.Restrain()
	}
	for _, step := range []string{"percent-decode-unreserved", "percent-to-uppercase", "path-strip-dot", "path-strip-dotdot full", "path-merge-slashes"} {
		line("http-request normalize-uri %s", step)
	}
	routes.Match()
	if o.Restrains {
		routes.HandOver()
	}
	renderNames(line, o)
	line("http-request %s if !{ var(txn.m) -m found }", p.Answer(404, "no route matched"))
	renderDemands(line, o)
	routes.Strip()
	renderForwarded(line, o)
	line("use_backend %%[var(txn.m),field(1,|)]")
}
