package haproxy

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The files of ours, beside those of the services (see files.go). HAProxy loads
// every *.cfg of the directory.
const (
	configName = "lockstep.cfg"
	mapName    = "routes.map"
	hostsName  = "hosts.map"
)

// generationHole stands in the base text where the generation goes.
const generationHole = "@GENERATION@"

// servicesMark ends the base text.
const servicesMark = "# the services stand in " + shardPrefix + "*.cfg\n"

// genVariable names the process-wide variable that holds the generation.
func genVariable(owner string) string {
	return "proc." + strings.ReplaceAll(owner, "-", "_") + "_generation"
}

// gateAddress is where the user's frontends reach ours when it has no port, and
// where a worker that was replaced reaches the one that replaced it: an
// abstract socket, which a chrooted worker reaches too.
func gateAddress(o Options) string { return "abns@lockstep-" + o.Owner + "-" + digest(o.Dir) }

// renderBase writes what does not depend on services. taken are binds of ours that
// somebody else has; restrains says that there are Listeners.
func renderBase(o Options, user userFiles, p pages, taken map[bind]string, restrains bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	fmt.Fprintf(&b, headFormat, o.Owner)
	line("global")
	line("  set-var %s str(%s)", genVariable(o.Owner), generationHole)
	line("  expose-experimental-directives # for normalize-uri")
	if o.Mode == Managed {
		line("  stats socket %s mode 600 level admin", o.StatsSocket)
		if !user.client {
			line("  httpclient.ssl.verify none # nothing uses it; loading CAs would cost 40 ms with each reload")
		}
	}
	if !user.hardStop {
		line("  hard-stop-after %s", haproxyTime(o.HardStopAfter))
	}
	if o.streams() {
		line("  mworker-max-reloads %d # a worker that was replaced more often than that ends", maxReplaced)
	}
	renderDefaults(&b, o, p)
	renderFrontend(&b, o, p, restrains)
	line("backend %s from %s", holdName(o.Owner), defaultsName(o.Owner))
	line("  http-request %s", p.answer(503, "service unavailable"))
	renderGate(&b, o, gateName(o.Owner), gateAddress(o))
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
func gateName(owner string) string     { return owner + "::gate" }

// renderDefaults: see docs/haproxy.md for what each line is for.
func renderDefaults(b *strings.Builder, o Options, p pages) {
	fmt.Fprintf(b, "defaults %s\n", defaultsName(o.Owner))
	b.WriteString("  mode http\n")
	for _, line := range defaultSettings.lines() { // a backend that is added at runtime gets its settings from here
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
	for _, line := range p.errors() {
		b.WriteString("  " + line + "\n")
	}
}

// renderFrontend writes the one HTTP frontend. The number of its rules does
// not depend on the number of routes: all of them stand in one map.
func renderFrontend(b *strings.Builder, o Options, p pages, restrains bool) {
	line := func(format string, args ...any) { fmt.Fprintf(b, "  "+format+"\n", args...) }
	fmt.Fprintf(b, "frontend %s from %s\n", frontendName(o.Owner), defaultsName(o.Owner))
	for _, bind := range o.Binds {
		line("bind %s", bind)
	}
	for _, bind := range o.tlsBinds() {
		line("bind %s%s", bind, tlsWords(o))
	}
	line("bind %s"+strings.TrimSuffix(gateLine, "\n"), gateAddress(o))
	renderAccept(line, o, " !{ so_name -m beg "+bindPrefix+" }")
	line("http-request set-var(txn.old) str(%s),map_beg(%s)", flagHandover, filepath.Join(o.Dir, mapName))
	renderPeer(line, o)
	renderLog(line, o)
	line(noReplay)
	line("http-request set-var(txn.h) req.hdr(host),field(1,:)")
	line("http-request %s if { req.ver 1.1 } !{ req.hdr(host) -m len ge 1 }", p.answer(400, "no host"))
	line("http-request %s if { var(txn.h) -m found } !{ var(txn.h) -m reg ^[[A-Za-z0-9._-]*$ }", p.answer(400, "bad host"))
	if restrains {
		renderRestraint(line, o, p)
	}
	for _, step := range []string{"percent-decode-unreserved", "percent-to-uppercase", "path-strip-dot", "path-strip-dotdot full", "path-merge-slashes"} {
		line("http-request normalize-uri %s", step)
	}
	renderGates(line, filepath.Join(o.Dir, mapName), "")
	renderMatching(line, filepath.Join(o.Dir, mapName))
	renderGates(line, filepath.Join(o.Dir, mapName), " !{ var(txn.y) -m found } "+missing)
	renderPatternMatching(line, o, p)
	line("http-request set-var(txn.m) str(%s|0|0) if { var(txn.old) -m found }", gateName(o.Owner))
	if restrains {
		renderHandover(line, o)
	}
	renderNames(line, o)
	line("http-request %s if !{ var(txn.m) -m found }", p.answer(404, "no route matched"))
	renderDemands(line, o)
	renderStripping(line)
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

// renderMatching finds the map's line for a request and puts it into txn.m.
// See routes.go for the keys.
func renderMatching(line func(string, ...any), file string) {
	line("http-request set-var(txn.p) path")
	line("http-request set-var(txn.m) var(txn.h),concat(%s,txn.p),map_beg(%s)", tagExactPath, file)
	line("http-request set-var(txn.m) var(txn.h),concat(%s),map_beg(%s) if %s", tagExact, file, missing)
	// A wildcard with a path, then one without: the greatest order wins.
	line("http-request set-var(txn.w) str(%s),map_beg(%s) if %s", flagWildPath, file, missing)
	line("http-request set-var(txn.l) int(0)")
	best := func(flag, path string) func(host, tag, condition string) {
		wanted := fmt.Sprintf("{ var(txn.%s) -m found }", flag)
		return func(host, tag, condition string) {
			line("http-request set-var(txn.c) %s,concat(%s%s),map_beg(%s) if %s%s", host, tag, path, file, wanted, condition)
			line("http-request set-var(txn.m) var(txn.c) if %s { var(txn.c),field(4,|),sub(txn.l) gt 0 }", wanted)
			line("http-request set-var(txn.l) var(txn.m),field(4,|),add(0) if %s { var(txn.m) -m found }", wanted)
		}
	}
	best("w", ",txn.p")("var(txn.h)", tagMixedPath, "")
	wildcards(best("w", ",txn.p"), tagSuffixPath, tagPrefixPath)
	line("http-request set-var(txn.m) str(%s),concat(,txn.p),map_beg(%s) if %s", tagPath, file, missing)
	line("http-request set-var(txn.e) str(%s),map_beg(%s) if %s", flagWild, file, missing)
	best("e", "")("var(txn.h)", tagMixed, "")
	wildcards(best("e", ""), tagSuffix, tagPrefix)
}

// missing says that no route was found so far.
const missing = "!{ var(txn.m) -m found }"

// gated says that there are patterns for the request's host.
const gated = "{ var(txn.y) -m found }"

// renderGates finds out whether there are patterns for the request's host. It
// stands before and after the look into the map of prefixes, so that a route
// that moves from there to the patterns just now, or back, is found in one.
func renderGates(line func(string, ...any), file, condition string) {
	always := ""
	if condition != "" {
		always = " if" + condition
	}
	line("http-request set-var(txn.x) str(%s),map_beg(%s)%s", gateAny, file, always)
	line("http-request set-var(txn.y) str(1) if { var(txn.x) -m str any }%s", condition)
	line("http-request set-var(txn.y) var(txn.h),concat(%s),map_beg(%s) if { var(txn.x) -m str some }%s", gateHost, file, condition)
}

// renderPatternMatching compares the request with the patterns where the map
// says that there are any for its host, and takes the first that matches if
// its order is above that of what was found so far. See patterns.go.
func renderPatternMatching(line func(string, ...any), o Options, p pages) {
	file, patterns := filepath.Join(o.Dir, mapName), filepath.Join(o.Dir, patternsName)
	// All must fit into the buffer once more, and a path that matching could take long over gets no answer.
	line("http-request %s if %s { var(txn.h) -m len gt 255 }", p.answer(400, "bad host"), gated)
	line("http-request %s if %s { var(txn.p) -m len gt %d } { str(%s),map_beg(%s) -m found }", p.answer(414, "path too long"), gated, maxMatched, gateLong, file)
	line("http-request set-var(txn.k) method if %s", gated)
	line("http-request set-var(txn.d) req.hdrs if %s", gated)
	line("http-request set-var(txn.s) str(=),concat(,txn.h,:),concat(,txn.k,:),concat(,txn.d),concat(,txn.p) if %s", gated)
	// Variables may be limited in the user's files. Without them a stricter route could be passed by.
	line("http-request %s if %s !{ var(txn.d) -m found } or %s !{ var(txn.s) -m found }", p.answer(500, "no room for variables"), gated, gated)
	line("http-request set-var(txn.z) var(txn.s),map_regm(%s) if %s", patterns, gated)
	line("http-request set-var(txn.l) int(0) if %s", gated)
	line("http-request set-var(txn.l) var(txn.m),field(4,|),add(0) if %s { var(txn.m) -m found }", gated)
	line("http-request set-var(txn.m) var(txn.z) if %s { var(txn.z),field(4,|),sub(txn.l) gt 0 }", gated)
	// The last chance for a route that has just left the patterns.
	line("http-request set-var(txn.m) var(txn.h),concat(%s,txn.p),map_beg(%s) if %s %s", tagExactPath, file, gated, missing)
	line("http-request set-var(txn.m) var(txn.h),concat(%s),map_beg(%s) if %s %s", tagExact, file, gated, missing)
	line("http-request set-var(txn.m) str(%s),concat(,txn.p),map_beg(%s) if %s %s", tagPath, file, gated, missing)
}

// wildcards calls rule for each number of labels that may stand beside a star,
// the most specific first. The host must have one label more for the star.
func wildcards(rule func(host, tag, condition string), suffixTag, prefixTag string) {
	for n := maxSuffixLabels; n > 0; n-- {
		rule(fmt.Sprintf("var(txn.h),field(-1,.,%d)", n), suffixTag, fmt.Sprintf(" { var(txn.h),field(%d,.) -m found }", n+1))
	}
	for n := maxPrefixLabels; n > 0; n-- {
		rule(fmt.Sprintf("var(txn.h),field(1,.,%d)", n), prefixTag, fmt.Sprintf(" { var(txn.h),field(%d,.) -m found }", n+1))
	}
}

// renderStripping cuts the matched prefix off the path. HAProxy 2.6 cuts by
// constant lengths only, so the length is taken apart into powers of two.
func renderStripping(line func(string, ...any)) {
	const strips = "{ var(txn.n) -m int gt 0 }"
	const matched = "{ var(txn.y) -m found } { var(txn.m),field(3,|) -m str " + cutMatched + " }"
	line("http-request set-var(txn.n) var(txn.m),field(3,|),add(0)")
	line("http-request set-var(txn.n) var(txn.m),field(6,|,0),length if %s", matched)
	line("http-request set-var(txn.q) path if %s", strips)
	for bit := maxMatched; bit > maxStrip; bit /= 2 {
		line("http-request set-var(txn.q) var(txn.q),bytes(%d) if %s { var(txn.n),and(%d) gt 0 }", bit, matched, bit)
	}
	for bit := (maxStrip + 1) / 2; bit > 0; bit /= 2 {
		line("http-request set-var(txn.q) var(txn.q),bytes(%d) if { var(txn.n),and(%d) gt 0 }", bit, bit)
	}
	line("http-request set-var(txn.q) str(/) if %s { path,length,sub(txn.n) eq 0 }", strips)
	line("http-request set-path %%[var(txn.q)] if %s { var(txn.q) -m beg / }", strips)
	line("http-request set-path /%%[var(txn.q)] if %s !{ var(txn.q) -m beg / }", strips)
}

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

// text is what stands in a file, and of that what HAProxy takes over by a reload
// only. A backend of default settings is known by its name: a process that has
// it has it as it should be.
type text struct{ config, shape string }

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

const (
	retiredMark = "# retired"
	// serviceMark says in the line of a prepared backend which service has it.
	serviceMark = "# service "
)

// defaults names the section that the backend builds on.
func (b *backend) defaults(owner string) string {
	if b.Mode == modeTCP {
		return streamsName(owner)
	}
	return defaultsName(owner)
}

// text is the section without what moves at runtime.
func (b *backend) text(owner string) string {
	var t strings.Builder
	t.WriteString("backend " + backendName(owner, b.live()) + " from " + b.defaults(owner) + "\n")
	if comment := b.comment(); comment != "" {
		t.WriteString("  " + comment + "\n")
	}
	for _, line := range b.lines() {
		t.WriteString("  " + line + "\n")
	}
	if options := b.serverOptions(); options != "" {
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
