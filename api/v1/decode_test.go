package v1

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDecodeWhole compares a whole answer, defaults and origins included; the
// stories show only what differs from the defaults.
func TestDecodeWhole(t *testing.T) {
	got, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{
		Container: "shop-web-1", Project: "shop", Service: "web",
		Labels: map[string]string{
			"lockstep.enable":                "true",
			"lockstep.port":                  "8080",
			"lockstep.gateways":              "kong",
			"lockstep.strip_path":            "true",
			"lockstep.hosts":                 "b.example.com,a.example.com",
			"lockstep.methods?":              "get",
			"lockstep.routes.beta.headers.X": "1",
		},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Declaration{Enabled: true, Services: []DeclaredService{{
		Port:   8080,
		Weight: 100, Drain: 5 * time.Minute,
		Service: Service{
			Name:           "shop.web",
			Gateways:       []Way{KongAlone},
			Grace:          10 * time.Minute,
			ConnectTimeout: 5 * time.Second,
			ReadTimeout:    time.Minute,
			WriteTimeout:   time.Minute,
			Balancing:      Balancing{Retries: new(DefaultRetries)},
			HealthCheck:    HealthCheck{CheckInterval: 2 * time.Second, CheckTimeout: time.Second, CheckRise: 2, CheckFall: 3},
			Origin:         Origin{Container: "shop-web-1"},
			Routes: []Route{{
				Name:         "shop.web.beta",
				Headers:      map[string][]string{"X": {"1"}},
				PreserveHost: true,
				Origin:       Origin{Container: "shop-web-1", Label: "lockstep.routes.beta.headers.X"},
			}, {
				Name:         "shop.web.default",
				Hosts:        []string{"a.example.com", "b.example.com"},
				Methods:      []string{"GET"},
				StripPath:    true,
				PreserveHost: true,
				Optional:     []string{"methods"},
				Origin:       Origin{Container: "shop-web-1", Label: "lockstep.hosts"},
			}},
		},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the declaration differs (-want +got):\n%s", diff)
	}
}

// TestDecodeSharesNothing holds that two answers have no memory in common, for
// the defaults are copied from one place.
func TestDecodeSharesNothing(t *testing.T) {
	subject := Subject{Container: "web-1", Labels: map[string]string{"lockstep.enable": "true", "lockstep.headers.X": "1", "lockstep.gateways": "kong"}}
	grammar := Grammar{Prefix: "lockstep."}
	first, _ := grammar.Decode(subject)
	want := cmp.Diff(Declaration{}, first)
	second, _ := grammar.Decode(subject)
	second.Services[0].Service.Routes[0].Headers["X"][0] = "changed"
	second.Services[0].Service.Gateways[0] = HAProxyAlone
	if got := cmp.Diff(Declaration{}, first); got != want {
		t.Errorf("a change to one answer shows in another:\n%s", cmp.Diff(want, got))
	}
}

// TestDecodePrefix holds that a prefix of one's own works, and that others' labels are let be.
func TestDecodePrefix(t *testing.T) {
	grammar := Grammar{Prefix: "com.example.edge-lb."}
	d, problems := grammar.Decode(Subject{Container: "web-1", Labels: map[string]string{
		"com.example.edge-lb.enable": "true",
		"com.example.Edge_LB.port":   "80",
		"com.example.edge-lb":        "nothing of ours",
		"lockstep.hots":              "nor this",
	}})
	if len(problems) > 0 || len(d.Services) != 1 || d.Services[0].Port != 80 {
		t.Errorf("got %+v, %v", d, problems)
	}
}

// TestDecodeBounds holds what is said of sizes, at the bound and beyond it.
func TestDecodeBounds(t *testing.T) {
	many := func(format string, n int) string {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(format, i))
		}
		return strings.Join(items, ",")
	}
	several := func(key, value string, n int) map[string]string {
		labels := map[string]string{}
		for i := range n {
			labels[fmt.Sprintf(key, i)] = value
		}
		return labels
	}
	spread := func(n int) map[string]string {
		labels := map[string]string{}
		for i := range n {
			labels[fmt.Sprintf("lockstep.services.s%d.routes.r%d.paths", i%2, i)] = "/"
		}
		return labels
	}
	pairs := func(routes int) map[string]string {
		labels := several("lockstep.routes.r%d.hosts", many("h%d.test", 8), routes)
		maps.Copy(labels, several("lockstep.routes.r%d.paths", many("/p%d", 8), routes))
		return labels
	}
	one := func(key, value string) map[string]string { return map[string]string{key: value} }
	for name, c := range map[string]struct {
		labels map[string]string
		wrong  string // part of the message; "" when all is well
	}{
		"64 hosts":                  {one("lockstep.hosts", many("h%d.example.com", 64)), ""},
		"65 hosts":                  {one("lockstep.hosts", many("h%d.example.com", 65)), "65 items"},
		"64 routes":                 {several("lockstep.routes.r%d.paths", "/", 64), ""},
		"65 routes":                 {several("lockstep.routes.r%d.paths", "/", 65), "at most 64 routes"},
		"65 routes over 2 services": {spread(65), "at most 64 routes"},
		"16 services":               {several("lockstep.services.s%d.port", "80", 16), ""},
		"17 services":               {several("lockstep.services.s%d.port", "80", 17), "at most 16 services"},
		"1024 pairs":                {pairs(16), ""},
		"more pairs":                {pairs(17), "1088 pairs of a host and a path"},
		"64 headers":                {several("lockstep.headers.X-%d", "1", 64), ""},
		"65 headers":                {several("lockstep.headers.X-%d", "1", 65), "at most 64 headers"},
		"a value of 8 KiB":          {one("lockstep.headers.X", strings.Repeat("x", 8<<10)), ""},
		"a value beyond":            {one("lockstep.headers.X", strings.Repeat("x", 8<<10+1)), "8193 bytes"},
		"a path of 1024":            {one("lockstep.paths", "/"+strings.Repeat("x", 1023)), ""},
		"a path beyond":             {one("lockstep.paths", "/"+strings.Repeat("x", 1024)), "longer than 1024"},
		"a part of 63":              {one("lockstep.routes."+strings.Repeat("r", 63)+".paths", "/"), ""},
		"a part beyond":             {one("lockstep.routes."+strings.Repeat("r", 64)+".paths", "/"), "can't be a route's name"},
		"a host of 253":             {one("lockstep.hosts", strings.Repeat(strings.Repeat("h", 62)+".", 4)+"h"), ""},
		"a host beyond":             {one("lockstep.hosts", strings.Repeat(strings.Repeat("h", 62)+".", 4)+"hh"), "longer than 253"},
		"a day":                     {one("lockstep.grace", "24h"), ""},
		"an unknown key":            {one("lockstep."+strings.Repeat("x", 100_000), "1"), "unknown key"},
		"a very long method":        {one("lockstep.methods", strings.Repeat("M", 33)), "longer than 32"},
	} {
		t.Run(name, func(t *testing.T) {
			c.labels["lockstep.enable"] = "true"
			d, problems := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: c.labels})
			checkAnswer(t, d, problems)
			if c.wrong == "" && len(problems) > 0 {
				t.Errorf("refused: %v", problems)
			}
			if c.wrong != "" && (len(problems) != 1 || !strings.Contains(problems[0].Message, c.wrong)) {
				t.Errorf("want one problem with %q, got %v", c.wrong, problems)
			}
		})
	}
}

func TestNotEnabledBecause(t *testing.T) {
	for name, c := range map[string]struct {
		labels                 map[string]string
		label, message, remedy string
	}{
		"no label of ours":     {map[string]string{"other": "1"}, "", "it has no label that begins with lockstep.", "set lockstep.enable=true"},
		"labels but no enable": {map[string]string{"lockstep.port": "80", "lockstep.hosts": "a"}, "lockstep.hosts", "labels that begin with lockstep. are there (2), but not lockstep.enable", "set lockstep.enable=true"},
		"enable is false":      {map[string]string{"lockstep.Enable": "false", "lockstep.hosts": "a"}, "lockstep.Enable", "it opted out by this label", "to bring it in set lockstep.enable=true"},
		"enable is misspelt":   {map[string]string{"lockstep.enabled": "true", "lockstep.hosts": "a"}, "lockstep.enabled", `unknown key "enabled"`, "did you mean lockstep.enable?"},
	} {
		t.Run(name, func(t *testing.T) {
			grammar, subject := Grammar{Prefix: "lockstep."}, Subject{Container: "web-1", Labels: c.labels}
			if d, problems := grammar.Decode(subject); d.Enabled || problems != nil {
				t.Fatalf("the container counts: %+v, %v", d, problems)
			}
			want := Problem{
				Reason: NotEnabled, Object: Key{KindInstance, "web-1"},
				Origin: Origin{Container: "web-1", Label: c.label}, Message: c.message, Fix: c.remedy,
			}
			if diff := cmp.Diff(want, grammar.NotEnabledBecause(subject)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// BenchmarkDecode decodes what a typical container of a Compose project bears.
func BenchmarkDecode(b *testing.B) {
	labels := map[string]string{
		"lockstep.enable": "true", "lockstep.hosts": "shop.example.com,www.shop.example.com", "lockstep.paths": "/api",
		"lockstep.port": "8080", "lockstep.read_timeout": "2m", "lockstep.strip_path": "true",
	}
	for _, name := range []string{"config-hash", "container-number", "depends_on", "image", "oneoff", "project", "project.config_files", "project.working_dir", "service", "version"} {
		labels["com.docker.compose."+name] = "some value of Compose"
	}
	subject := Subject{Container: "shop-web-1", Project: "shop", Service: "web", Labels: labels}
	grammar := Grammar{Prefix: "lockstep."}
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := grammar.Decode(subject); problems != nil {
			b.Fatal(problems)
		}
	}
}

// BenchmarkDecodeOthers decodes a container that has nothing to do with us.
func BenchmarkDecodeOthers(b *testing.B) {
	subject := Subject{Container: "db-1", Labels: map[string]string{}}
	for i := range 12 {
		subject.Labels[fmt.Sprintf("com.docker.compose.label-%d", i)] = "some value of Compose"
	}
	b.ReportAllocs()
	for b.Loop() {
		if d, _ := (Grammar{Prefix: "lockstep."}).Decode(subject); d.Enabled {
			b.Fatal("it counts")
		}
	}
}

// TestEnableInCapitals: Docker, which is asked for the label as it should be, does not
// find it. Where all containers are seen it counts no more for that.
func TestEnableInCapitals(t *testing.T) {
	subject := Subject{Container: "web-1", Labels: map[string]string{"lockstep.Enable": "true"}}
	problem := Grammar{Prefix: "lockstep."}.NotEnabledBecause(subject)
	if problem.Reason != NotEnabled || problem.Origin.Label != "lockstep.Enable" || problem.Fix != "write lockstep.enable=true" {
		t.Errorf("got %+v", problem)
	}
	if d, problems := (Grammar{Prefix: "lockstep."}).Decode(subject); d.Enabled || d.OptedOut || len(problems) > 0 {
		t.Errorf("got %+v, %v", d, problems)
	}
}

// TestOptsOut: who says no, in whatever spelling, is not brought in by a selector either.
func TestOptsOut(t *testing.T) {
	for name, c := range map[string]struct {
		labels           map[string]string
		enabled, optsOut bool
	}{
		"nothing":                 {map[string]string{"lockstep.hosts": "a"}, false, false},
		"no":                      {map[string]string{"lockstep.enable": "false"}, false, true},
		"no in another spelling":  {map[string]string{"LOCKSTEP.enable": "false"}, false, true},
		"yes":                     {map[string]string{"lockstep.enable": "true"}, true, false},
		"yes in another spelling": {map[string]string{"lockstep.ENABLE": "true"}, false, false},
		"what is neither":         {map[string]string{"lockstep.Enable": "perhaps"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := Grammar{Prefix: "lockstep."}.Decode(Subject{Container: "web-1", Labels: c.labels})
			if d.Enabled != c.enabled || !d.Enabled && d.OptedOut != c.optsOut {
				t.Errorf("got %+v", d)
			}
		})
	}
}
