package haproxy

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// evils would each carry a directive or a command further if they got through.
func evils() []string {
	return []string{
		"x\n  server evil 127.0.0.9:9", "x;shutdown frontend lockstep::http", "x y", "x\ty", "x\r", "x\x00y", `x"y`, "x'y", `x\y`, "x#y", "x`y",
		"x\u00a0y", "x\u2028y", "é", "${HOME}", "%[env(HOME)]", "x|lockstep::hold|0|0", "<<", "x\n\nshutdown sessions", "@1 quit", "", strings.Repeat("a", 5000),
	}
}

// evilSets put each evil text into each field that a stranger can fill.
func evilSets(evil string) map[string]*v1.Service {
	base := func() *v1.Service {
		return &v1.Service{
			Name:      "shop",
			Routes:    []v1.Route{{Name: "shop.default", Hosts: []string{"shop.test"}, PreserveHost: true}},
			Endpoints: []v1.Endpoint{{ID: "e", Instance: "e", Address: netip.MustParseAddrPort("127.0.0.9:9"), Weight: 100}},
		}
	}
	sets := map[string]*v1.Service{}
	put := func(field string, change func(*v1.Service)) {
		s := base()
		change(s)
		sets[field] = s
	}
	put("service", func(s *v1.Service) { s.Name = evil })
	put("route", func(s *v1.Service) { s.Routes[0].Name = evil })
	put("host", func(s *v1.Service) { s.Routes[0].Hosts = []string{evil} })
	put("wildcard host", func(s *v1.Service) { s.Routes[0].Hosts = []string{"*." + evil} })
	put("path", func(s *v1.Service) { s.Routes[0].Paths = []string{"/" + evil} })
	put("regex", func(s *v1.Service) { s.Routes[0].Paths = []string{"~/" + evil} })
	put("quoted regex", func(s *v1.Service) { s.Routes[0].Paths = []string{`~/\Q` + evil + `\E`} })
	put("method", func(s *v1.Service) { s.Routes[0].Methods = []string{evil} })
	put("header", func(s *v1.Service) { s.Routes[0].Headers = map[string][]string{evil: {"1"}} })
	put("header value", func(s *v1.Service) { s.Routes[0].Headers = map[string][]string{"X-V": {evil}} })
	put("endpoint", func(s *v1.Service) { s.Endpoints[0].ID = evil })
	put("instance", func(s *v1.Service) { s.Endpoints[0].Instance = evil })
	put("balance", func(s *v1.Service) { s.Balance = evil })
	put("hashed header", func(s *v1.Service) { s.Balance = "header:" + evil })
	put("sticky", func(s *v1.Service) { s.Sticky = evil })
	put("check", func(s *v1.Service) { s.Check = evil })
	put("check path", func(s *v1.Service) { s.Check, s.CheckPath = v1.CheckHTTP, evil })
	put("check host", func(s *v1.Service) { s.Check, s.CheckHost = v1.CheckHTTP, evil })
	put("check status", func(s *v1.Service) { s.Check, s.CheckStatus = v1.CheckHTTP, []string{evil} })
	put("zone", func(s *v1.Service) {
		s.Endpoints[0].Address = netip.AddrPortFrom(netip.MustParseAddr("fe80::1").WithZone(evil), 9)
	})
	return sets
}

// TestInjection tries to get another directive or command through every field.
func TestInjection(t *testing.T) {
	b := managed(t)
	b.serve("honest", origin(t, "one"))
	b.sync()
	clean := (&gateway{bench: b}).world()
	for _, evil := range evils() {
		for field, service := range evilSets(evil) {
			set := v1.Set{"honest": b.set["honest"], service.Name: service}
			wanted, _ := b.r.Compile(reconcilers.Scope{}, set, v1.Shared{})
			observed, err := b.r.Observe(t.Context(), reconcilers.Scope{})
			if err != nil {
				t.Fatal(err)
			}
			b.r.reloads.SetLimit(1000)
			if _, err := b.r.Apply(t.Context(), diff(observed, wanted)); err != nil {
				t.Fatalf("%s %q: %v", field, evil, err)
			}
			b.intact(t, field, evil)
		}
	}
	b.sync()
	if d := cmp.Diff(clean, (&gateway{bench: b}).world()); d != "" {
		t.Fatalf("left over:\n%s", d)
	}
	b.want("honest.test", "/", 200, "one")
}

// intact looks for anything that is not of the form that we write.
func (b *bench) intact(t *testing.T, field, evil string) {
	t.Helper()
	files, err := b.r.dir.readConfigs()
	if err != nil {
		t.Fatal(err)
	}
	services := ""
	for name, text := range files {
		if name != configName {
			services += strings.TrimPrefix(string(text), shardHead)
		}
	}
	if config := string(files[configName]); strings.ReplaceAll(b.r.base, generationHole, b.r.model.generation()) != config {
		t.Fatalf("%s %q reached what belongs to no service:\n%s", field, evil, config)
	}
	for line := range strings.Lines(services) {
		words := strings.Fields(line)
		known := map[string]int{
			"backend": 4, "balance": 2, "timeout": 3, "server": 5, "http-send-name-header": 2, "#": 2, "option": 2, "http-check": 4,
		}
		want, ok := known[words[0]]
		if len(words) == 7 && words[0] == "backend" && strings.HasPrefix(words[1], "lockstep:"+sparePrefix) && words[5] == "service" && wordService.check(words[6]) == nil {
			want = 7
		}
		switch strings.Join(words[:min(2, len(words))], " ") { // of a check
		case "# server":
			want = 9
		case "http-check send":
			want = 11
		}
		if words[0] == "server" && slices.Contains(words, "check") {
			want = 12
		}
		if len(words) == 3 && strings.HasPrefix(strings.TrimSpace(line), settingsMark) && json.Valid([]byte(words[2])) {
			want = 3
		}
		if !ok || len(words) != want || strings.ContainsFunc(line[:len(line)-1], unicode.IsControl) {
			t.Fatalf("%s %q became the line %q", field, evil, line)
		}
	}
	patterns, err := os.ReadFile(b.r.dir.file(patternsName))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(patterns), "\n")
	for line := range strings.Lines(lines) {
		if text := strings.TrimSuffix(line, "\n"); text != patternEnd && (checkPattern(text) != nil || !strings.HasPrefix(text, "^=(?:shop\\.test):")) {
			t.Fatalf("%s %q became the pattern %q", field, evil, line)
		}
	}
	w, err := b.r.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for backend, servers := range w.servers {
		for _, s := range servers {
			if s.name == "evil" || s.address == "127.0.0.9:9" && s.name != "e" && s.name != "127.0.0.9:9" {
				t.Fatalf("%s %q became server %s/%s", field, evil, backend, s.name)
			}
		}
	}
}

// FuzzWords: what the one check lets through is one word to HAProxy.
func FuzzWords(f *testing.F) {
	for _, evil := range evils() {
		f.Add(evil)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range []word{wordOwner, wordService, wordServer, wordAddress, wordHost, wordPath, wordFile} {
			if w.check(text) != nil {
				continue
			}
			if len(strings.Fields(text)) != 1 || strings.ContainsAny(text, " \t\r\n\x00\"'\\#`|{}<>") {
				t.Fatalf("%s takes %q", w.what, text)
			}
		}
	})
}

// FuzzPatterns: whatever a route asks for, what is written for it is one word
// with a value, means the same to Go's matcher where it can be asked, and never
// matches beyond its own part of the subject.
func FuzzPatterns(f *testing.F) {
	for _, evil := range evils() {
		f.Add("/"+evil, "GET", "x-v", evil)
	}
	f.Add(`/v\d+/(a|b)?[^/]+$`, "GET", "x-v", "a|b)(?:")
	f.Add(`/[^a]*\x{41}(?i:k)\bz{2,3}?`, "", "", "")
	f.Fuzz(func(t *testing.T, expr, method, name, value string) {
		d := v1.Route{Name: "a.b", Hosts: []string{"a.test"}, Paths: []string{"~" + expr}}
		if method != "" {
			d.Methods = []string{method}
		}
		if name != "" {
			d.Headers = map[string][]string{name: {value}}
		}
		if _, why := inexpressible(&d); why != "" || checkRoute(&d) != nil {
			return
		}
		r := &route{name: d.Name, service: "a", hosts: d.Hosts, paths: d.Paths, methods: d.Methods, headers: lowerNames(d.Headers), backend: "a", strip: true}
		lines, err := r.patterns("lockstep:web")
		if err != nil {
			return
		}
		for _, line := range lines {
			if words := strings.Fields(line); len(words) != 2 || strings.ContainsAny(line, "\t\r\n\x00\"'#`") {
				t.Fatalf("%q became %q", expr, line)
			}
		}
		ours, err := perl(expr)
		if err != nil {
			t.Fatal(err)
		}
		theirs := regexp.MustCompile("^(?:" + expr + ")")
		for _, path := range []string{"/", "/v1/", "/v12/aa", "/K", "/Azz", expr} {
			if strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c > '~' }) {
				continue
			}
			if got, want := regexp.MustCompile("^(?:"+ours+")").FindString(path), theirs.FindString(path); got != want {
				t.Fatalf("%s takes %q of %s, %s takes %q", expr, want, path, ours, got)
			}
		}
	})
}

// FuzzParse: whatever stands in our files, reading them neither fails nor
// makes up what could not be written again.
func FuzzParse(f *testing.F) {
	f.Add([]byte("global\n"+servicesMark), []byte("backend lockstep:a from x\n  server a 1.2.3.4:5 weight 0 # draining 3 # id b\n"), []byte(routeMark+`{"name":"a.b","service":"a","hosts":["x"]}`+"\n"))
	f.Add([]byte("global\n"+servicesMark), []byte("backend lockstep::spare00001 from x # service a\n  timeout connect 5000ms\n  # retired\nbackend lockstep::spare00002 from x # service a\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, base, services, routes []byte) {
		m := parseFiles("lockstep", configs{configName: base, shardOf("a"): services, shardOf(spareName(1)): services}, routes)
		written := configs{}
		for _, name := range m.configNames() {
			written[name] = m.renderConfig(name)
		}
		again := parseFiles("lockstep", written, renderMap("lockstep", m, newTable("lockstep", m)))
		if d := cmp.Diff(renderAll(m), renderAll(again)); m.base != "" && d != "" && bytes.Count(written[configName], []byte(servicesMark)) == 1 {
			t.Fatalf("-once +twice:\n%s", d)
		}
	})
}
