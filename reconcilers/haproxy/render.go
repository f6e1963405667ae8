package haproxy

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/page"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

// generationHole stands in the base text where the generation goes.
const generationHole = "@GENERATION@"

// servicesMark ends the base text.
const servicesMark = "# the services stand in " + disk.ShardPrefix + "*.cfg\n"

// genVariable names the process-wide variable that holds the generation.
func genVariable(owner string) string {
	return "proc." + strings.ReplaceAll(owner, "-", "_") + "_generation"
}

// gateAddress is where the user's frontends reach ours when it has no port, and
// where a worker that was replaced reaches the one that replaced it: an
// abstract socket, which a chrooted worker reaches too.
func gateAddress(o Options) string { return "abns@lockstep-" + o.Owner + "-" + digest.Of(o.Dir) }

// renderBase writes what does not depend on services. taken are binds of ours that
// somebody else has; restrains says that there are Listeners.
func renderBase(o Options, user userfile.Facts, p page.Set, taken map[bind.Address]string, restrains bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	b.WriteString(disk.Head(o.Owner))
	line("global")
	line("  set-var %s str(%s)", genVariable(o.Owner), generationHole)
	line("  expose-experimental-directives # for normalize-uri")
	if o.Mode == Managed {
		line("  stats socket %s mode 600 level admin", o.StatsSocket)
		if !user.Client {
			line("  httpclient.ssl.verify none # nothing uses it; loading CAs would cost 40 ms with each reload")
		}
	}
	if o.hop != nil && user.DH < leastDH {
		line("  tune.ssl.default-dh-param %d # for certificates that are made for Kong", leastDH)
	}
	if !user.HardStop {
		line("  hard-stop-after %s", haproxyTime(o.HardStopAfter))
	}
	if o.streams() {
		line("  mworker-max-reloads %d # a worker that was replaced more often than that ends", maxReplaced)
	}
	renderDefaults(&b, o, p)
	renderFrontend(&b, o, p, restrains)
	line("backend %s from %s", routemap.Hold(o.Owner), defaultsName(o.Owner))
	line("  http-request %s", p.Answer(503, "service unavailable"))
	renderGate(&b, o, routemap.Gate(o.Owner), gateAddress(o))
	renderVia(&b, o)
	renderStreams(&b, o, taken)
	renderPassthrough(&b, o)
	b.WriteString(servicesMark)
	return b.String()
}

// maxReplaced bounds the workers that are kept for streams of days.
const maxReplaced = 50

// haproxyTime writes a duration as HAProxy takes it.
func haproxyTime(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + "s"
	}
	return strconv.Itoa(int(d/time.Millisecond)) + "ms"
}

// noReplay keeps what may not be done twice from being sent twice.
const noReplay = "http-request disable-l7-retry if !{ method GET HEAD OPTIONS PUT DELETE TRACE }"

func defaultsName(owner string) string { return owner + "::defaults" }
func frontendName(owner string) string { return owner + "::http" }

// renderDefaults: see docs/haproxy.md for what each line is for.
func renderDefaults(b *strings.Builder, o Options, p page.Set) {
	fmt.Fprintf(b, "defaults %s\n", defaultsName(o.Owner))
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
	for _, line := range p.Errors() {
		b.WriteString("  " + line + "\n")
	}
}

// renderFrontend writes the one HTTP frontend. The number of its rules does
// not depend on the number of routes: all of them stand in one map.
func renderFrontend(b *strings.Builder, o Options, p page.Set, restrains bool) {
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	routes := routemap.Rules{Line: line, Owner: o.Owner, Dir: o.Dir, Pages: p}
	fmt.Fprintf(b, "frontend %s from %s\n", frontendName(o.Owner), defaultsName(o.Owner))
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
	if restrains {
		routes.Restrain()
	}
	for _, step := range []string{"percent-decode-unreserved", "percent-to-uppercase", "path-strip-dot", "path-strip-dotdot full", "path-merge-slashes"} {
		line("http-request normalize-uri %s", step)
	}
	routes.Match()
	if restrains {
		routes.HandOver()
	}
	renderNames(line, o)
	line("http-request %s if !{ var(txn.m) -m found }", p.Answer(404, "no route matched"))
	renderDemands(line, o)
	routes.Strip()
	renderForwarded(line, o)
	line("use_backend %%[var(txn.m),field(1,|)]")
}

// demanding says that the route asks for something about TLS.
const demanding = "!{ var(txn.f) -m str 0 }"

// renderDemands answers requests that came without TLS and must not, as Kong
// does, and notes what the answer is to say. What came through the gate has its
// header from there: no client's reaches us by it.
func renderDemands(line func(string, ...any), o Options) {
	line("http-request set-var(txn.f) var(txn.m),field(2,|)")
	line("http-request set-var(txn.g) str(1) if %s { ssl_fc } or %s %s { req.hdr(X-Forwarded-Proto) https }", demanding, demanding, byGate)
	if len(o.TrustedProxies) > 0 {
		line("http-request set-var(txn.g) str(1) if %s { var(%s) -m bool } { req.hdr(X-Forwarded-Proto) https }", demanding, keptHeaders["X-Forwarded-Proto"])
	}
	const plain = demanding + " !{ var(txn.g) -m found }"
	for _, code := range []int{301, 302, 307, 308} {
		line("http-request redirect location https://%%[var(txn.h)]%%[pathq] code %d if %s { var(txn.f),field(1,.) -m int %d }", code, plain, code)
	}
	line(`http-request return status 426 content-type text/plain string "use https\n" hdr Upgrade "TLS/1.2, HTTP/1.1" if %s { var(txn.f),field(1,.) -m int 426 }`, plain)
	renderProof(line, o)
	line("http-request set-var(txn.f) var(txn.f),field(2,.)")
	line("http-response set-header Strict-Transport-Security max-age=%%[var(txn.f)] if { var(txn.g) -m found } { var(txn.f) -m int gt 0 }")
}

// renderGate writes a backend behind which our frontend stands once more, at one of
// its sockets. How long a service may take is the business of its own backend.
func renderGate(b *strings.Builder, o Options, name, socket string) {
	fmt.Fprintf(b, "backend %s from %s\n", name, defaultsName(o.Owner))
	b.WriteString("  timeout server 24d\n  " + noReplay + "\n")
	renderKept(func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }, o)
	proto, port := o.unlessKept("X-Forwarded-Proto"), o.unlessKept("X-Forwarded-Port")
	fmt.Fprintf(b, "  http-request set-header X-Forwarded-Proto https if { ssl_fc }%s\n", proto)
	fmt.Fprintf(b, "  http-request set-header X-Forwarded-Proto http if !{ ssl_fc }%s\n", proto)
	fmt.Fprintf(b, "  http-request set-header X-Forwarded-Port %%[dst_port]%s\n", ifSo(port))
	fmt.Fprintf(b, "  server gate %s send-proxy-v2\n", socket)
}

const (
	retiredMark = "# retired"
	// serviceMark says in the line of a prepared backend which service has it.
	serviceMark = "# service "
)
