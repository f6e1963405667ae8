package haproxy

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/frontend"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/setting"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// TestInjection tries to get another directive or command through every field.
func TestInjection(t *testing.T) {
	t.Parallel()
	b, _ := passing(t)
	b.serve("honest", origin(t, "one"))
	b.sync()
	clean := (&gateway{bench: b}).world()
	for _, evil := range evils() {
		sets := evilSets(t, evil)
		for _, field := range sortedKeys(sets) {
			b.attempt(t, sets[field], field, evil)
		}
	}
	b.sync()
	if d := cmp.Diff(clean, (&gateway{bench: b}).world()); d != "" {
		t.Fatalf("left over:\n%s", d)
	}
	b.want("honest.test", "/", 200, "one")
}

// attempt asks for a service, and looks what became of it.
func (b *bench) attempt(t *testing.T, service *v1.Service, field, evil string) {
	t.Helper()
	set := v1.Set{"honest": b.set["honest"], service.Name: service}
	wanted, _ := b.r.Compile(reconcilers.Scope{}, set, v1.Shared{})
	if !slices.ContainsFunc(slices.Collect(maps.Values(wanted)), func(o *plan.Object) bool { return o.Service == service.Name }) {
		return // nothing of it gets any further
	}
	observed, err := b.r.Observe(t.Context(), reconcilers.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	p := diff(observed, wanted)
	if p.Empty() {
		return // what it asks for stands there since an attempt before it, after which it was looked at
	}
	b.r.reloads.SetLimit(1000)
	if _, err := b.r.Apply(t.Context(), p); err != nil {
		t.Fatalf("%s %q: %v", field, evil, err)
	}
	b.intact(t, field, evil)
}

// evilLabels are the ways in which an evil text can stand in a field's label.
func evilLabels(f *v1.Field, evil string) []map[string]string {
	key, value, _ := strings.Cut(f.Example, "=")
	list, _ := json.Marshal([]string{evil}) //nolint:errchkjson // a list of texts
	base, _, _ := strings.Cut(key, ".")
	return []map[string]string{
		{key: evil}, {key: value + evil}, {key: evil + value}, {key: value + "," + evil}, {key: string(list)},
		{key + evil: value}, {key + "." + evil: value}, {base + "." + evil: value}, {"routes." + evil + "." + key: value}, {"services." + evil + "." + key: value},
	}
}

// TestInjectionByLabel takes every field of the table through the labels' decoder: its
// example must be of a form that we know to be harmless, and whatever else its label
// says must be refused, or be of such a form too.
func TestInjectionByLabel(t *testing.T) {
	t.Parallel()
	b, _ := passing(t)
	b.options.TCPPorts = []string{freeAddress(t)}
	b.open()
	b.serve("honest", origin(t, "one"))
	b.sync()
	port := strconv.Itoa(portOf(t, b.options.TCPPorts[0]))
	tried := map[string]bool{}
	try := func(field, text string, labels map[string]string) (taken bool) {
		all := map[string]string{"lockstep.enable": "true", "lockstep.service": "shop"}
		switch {
		case field == "check_send" || field == "check_expect":
			all["lockstep.check"], all["lockstep.check_expect"] = "tcp", "x"
		case strings.HasPrefix(field, "check_"):
			all["lockstep.check"] = "http"
		}
		stream := field == "protocol" || field == "listen" || field == "snis"
		switch {
		case strings.HasPrefix(field, "tls_"):
			all["lockstep.protocol"] = "https"
		case field == "snis":
			all["lockstep.protocol"] = "tls_passthrough"
		case stream:
			all["lockstep.protocol"], all["lockstep.listen"] = "tcp", port
		}
		for key, value := range labels {
			if key == "enable" {
				continue
			}
			all["lockstep."+key] = value
		}
		if !stream && labels["hosts"] == "" && !strings.Contains(strings.Join(slices.Collect(maps.Keys(labels)), " "), "services.") {
			all["lockstep.hosts"] = "shop.test"
		}
		declaration, problems := v1.Grammar{Prefix: "lockstep."}.Decode(v1.Subject{Container: "c", Labels: all})
		if len(problems) > 0 {
			return false
		}
		for i := range declaration.Services {
			declared := &declaration.Services[i]
			service := declared.Service
			service.Endpoints = innocent().Endpoints
			service.Endpoints[0].Weight = declared.Weight
			for _, route := range service.Routes {
				if len(v1.Inexpressible(&route, v1.HAProxy, service.Plugins)) > 0 {
					return false
				}
			}
			spelled, err := json.Marshal(service)
			if err != nil {
				t.Fatal(err)
			}
			if !tried[string(spelled)] {
				b.attempt(t, &service, field, text)
			}
			tried[string(spelled)] = true
		}
		return true
	}
	for _, f := range v1.Fields() {
		key, value, _ := strings.Cut(f.Example, "=")
		if !try(f.Name, value, map[string]string{key: value}) {
			t.Errorf("%s: its example %q gets no further than the labels; this test has to know what else it needs", f.Name, f.Example)
		}
		for _, evil := range evils() {
			for _, labels := range evilLabels(&f, evil) {
				try(f.Name, evil, labels)
			}
		}
	}
	b.sync()
	b.want("honest.test", "/", 200, "one")
}

// TestTamperedSettings: what somebody wrote into our files in the place of a
// backend's settings is not believed further than what labels may ask for.
func TestTamperedSettings(t *testing.T) {
	for _, evil := range evils() {
		for n := 0; ; n++ {
			s, left, name := setting.Default, n, ""
			corrupt(reflect.ValueOf(&s).Elem(), "settings", func(part string, fill func(string)) {
				if left == 0 {
					name = part
					fill(evil)
				}
				left--
			})
			if name == "" {
				break
			}
			read := setting.Default
			read.Parse(s.Comment())
			for _, line := range append(read.Lines(), "# server"+read.ServerOptions()) {
				if !known("  " + line) {
					t.Errorf("%s %q was read back as %q", name, evil, line)
				}
			}
		}
	}
}

// forms are those of all lines in the files of services, each as strict as can be: one
// that a new field brings has to be added here.
var forms = func() []*regexp.Regexp {
	const upstream = `( proto h2|` +
		` ssl alpn (h2|http/1\.1) (verify none|verify required ca-file /[A-Za-z0-9._/-]+/ca_[0-9a-f]+\.pem verifyhost [A-Za-z0-9._-]+)` +
		`( sni str\([A-Za-z0-9._-]+\)| sni req\.hdr\(host\),field\(1,:\))?( check-ssl check-alpn (h2|http/1\.1))?( check-sni [A-Za-z0-9._-]+)?)?`
	const options = `( check inter \d+ms rise \d+ fall \d+( check-ssl verify none( check-sni [A-Za-z0-9._-]+)?)?( observe layer7 error-limit \d+ on-error mark-down)?)?( slowstart \d+ms)?( send-proxy(-v2)?)?` + upstream + `( maxconn \d+)?( backup)?( disabled)?`
	var all []*regexp.Regexp
	for _, form := range []string{
		`backend lockstep:[a-z0-9._:-]+ from lockstep::(defaults|streams)( # service [a-z0-9._-]+)?`,
		`  # retired`, `  # settings \{[^ ]*\}`, `  # server` + options,
		`  server [][A-Za-z0-9._:-]+ [][0-9a-f.:]+ weight \d+` + options + `( # draining \d+)?( # until \d+)?( # id [A-Za-z0-9._-]+)?`,
		`  balance (roundrobin|leastconn|first|random|source|uri path-only|hdr\([A-Za-z0-9_-]+\)|hash req\.cook\([A-Za-z0-9_-]+\))`,
		`  hash-type consistent sdbm avalanche`, `  timeout (connect|server|queue|tunnel|check) \d+ms`, `  retries \d+`,
		`  cookie [A-Za-z0-9_-]+ insert indirect nocache httponly dynamic`, `  dynamic-cookie-key [A-Za-z0-9_-]+`,
		`  option (httpchk|tcp-check|redis-check|smtpchk|pgsql-check user postgres)`, `  tcp-check (send-binary|expect binary) [0-9a-f]+`, `  http-check expect status [0-9,-]+`,
		`  http-check send meth GET uri /[A-Za-z0-9._~/!$&()*+,;=:@%?-]* ver HTTP/1\.1 hdr Host [A-Za-z0-9._:-]+`,
		`  default-server ca-file /[A-Za-z0-9._/-]+/ca_[0-9a-f]+\.pem`,
		`  http-request return status 400 content-type text/plain string "no host\\n" if !\{ req\.hdr\(host\),field\(1,:\) -m len ge 1 \}`,
		`  \.if version_before\(3\.3\)`, `  http-send-name-header Host`, `  \.else`, `  http-request return status 503`, `  \.endif`,
	} {
		all = append(all, regexp.MustCompile(`^(?:`+form+`)$`))
	}
	return all
}()

// fine holds the lines that are known: most stand in the files after every attempt.
var fine sync.Map

// known reports whether a line has one of the forms.
func known(line string) bool {
	if _, ok := fine.Load(line); ok {
		return true
	}
	if settings, ok := strings.CutPrefix(line, "  "+setting.Mark); ok && !json.Valid([]byte(settings)) {
		return false
	}
	if !slices.ContainsFunc(forms, func(form *regexp.Regexp) bool { return form.MatchString(line) }) {
		return false
	}
	fine.Store(line, true)
	return true
}

// intact looks for anything that is not of the form that we write.
func (b *bench) intact(t *testing.T, field, evil string) {
	t.Helper()
	files, err := b.r.dir.ReadConfigs()
	if err != nil {
		t.Fatal(err)
	}
	services := ""
	for name, text := range files {
		if name != disk.Config {
			services += strings.TrimPrefix(string(text), disk.ShardHead)
		}
	}
	if config := string(files[disk.Config]); frontend.Fill(b.r.base, nil, b.r.model.Generation()) != config {
		t.Fatalf("%s %q reached what belongs to no service:\n%s", field, evil, config)
	}
	for line := range strings.Lines(services) {
		if !known(strings.TrimSuffix(line, "\n")) {
			t.Fatalf("%s %q became the line %q", field, evil, line)
		}
	}
	patterns, err := os.ReadFile(b.r.dir.File(disk.Patterns))
	if err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(string(patterns), "\n")
	for line := range strings.Lines(lines) {
		if text := strings.TrimSuffix(line, "\n"); text != routemap.PatternEnd && (routemap.CheckPattern(text) != nil || !strings.HasPrefix(text, "^=(?:shop\\.test):")) {
			t.Fatalf("%s %q became the pattern %q", field, evil, line)
		}
	}
	w, err := b.r.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for backend, servers := range w.servers {
		for _, s := range servers {
			if s.Name == "evil" || s.Address == "127.0.0.9:9" && s.Name != "e" && s.Name != "127.0.0.9:9" {
				t.Fatalf("%s %q became server %s/%s", field, evil, backend, s.Name)
			}
		}
	}
}
