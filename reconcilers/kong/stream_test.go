package kong

import (
	"net/http"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
)

// pipe is a service of connections.
func pipe(name string, protocol v1.Protocol, route v1.Route) *v1.Service {
	s := service(name, 1)
	route.Name, route.Origin = name+".default", s.Routes[0].Origin
	s.Protocol, s.Routes = protocol, []v1.Route{route}
	return s
}

// TestStreams: connections come in where Kong says that it listens.
func TestStreams(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode, Stream: []fakekong.StreamListener{{Port: 5672}, {Port: 5673}, {Port: 9443, TLS: true}}})
			r := open(t, options(k.AdminURL))
			set := setOf(
				pipe("queue", v1.TCP, v1.Route{Listen: []int{5672, 5673}}),
				pipe("vault", v1.TLSPassthrough, v1.Route{SNIs: []string{"*.b.test", "vault.test"}}),
				service("a", 2))
			settled(t, r, set)
			world := k.World()
			for _, block := range [][]string{
				{"route queue.default.lockstep", `destinations: [{"ip":null,"port":5672},{"ip":null,"port":5673}]`, `protocols: ["tcp"]`, `service: "queue.lockstep"`, "strip_path: false"},
				{"route vault.default.lockstep", `protocols: ["tls_passthrough"]`, `snis: ["*.b.test","vault.test"]`},
				{"service queue.lockstep", `protocol: "tcp"`, "read_timeout: 3600000"},
				{"service vault.lockstep", `protocol: "tcp"`},
				{"target upstream queue.lockstep, 10.0.0.1:80"},
			} {
				text := world[max(strings.Index(world, block[0]+"\n"), 0):]
				if end := strings.Index(text[1:], "\n"+block[0][:1]); end > 0 && len(block) > 1 {
					text = text[:end+1]
				}
				for _, words := range block {
					if !strings.Contains(text, words) && !strings.Contains(text, strings.ReplaceAll(words, `"ip":null,`, "")) {
						t.Errorf("%s: no %s in\n%s", block[0], words, text)
					}
				}
			}
			writes := k.Writes()
			if p := settled(t, open(t, options(k.AdminURL)), set); !p.Empty() || k.Writes() != writes {
				t.Errorf("again:\n%s", sentences(p))
			}
			set["queue"].Routes[0].Listen = []int{5673}
			if p := settled(t, r, set); !strings.Contains(sentences(p), "change route queue.default: destinations") {
				t.Errorf("one port fewer:\n%s", sentences(p))
			}
			if mode == fakekong.Database { // the proxy of requests knows nothing of them
				response, err := http.Get(k.ProxyURL)
				if err != nil {
					t.Fatal(err)
				}
				if response.Body.Close(); response.StatusCode != http.StatusNotFound {
					t.Errorf("a request without a route: %s", response.Status)
				}
			}
		})
	}
}

// TestStreamsThatKongLacks: what Kong does not listen for is not made, and it is said
// where it does and how to change that.
func TestStreamsThatKongLacks(t *testing.T) {
	protected := pipe("queue", v1.TCP, v1.Route{Listen: []int{5672}})
	protected.Plugins = []v1.Plugin{plugin("key-auth")}
	tests := map[string]struct {
		listens []fakekong.StreamListener
		asked   *v1.Service
		says    string
	}{
		"no port at all": {[]fakekong.StreamListener{}, pipe("queue", v1.TCP, v1.Route{Listen: []int{5672}}), "reports none, not 5672"},
		"other ports":    {[]fakekong.StreamListener{{Port: 1}, {Port: 2}}, pipe("queue", v1.TCP, v1.Route{Listen: []int{5672}}), "reports 1, 2, not 5672"},
		"one of two":     {[]fakekong.StreamListener{{Port: 1}}, pipe("queue", v1.TCP, v1.Route{Listen: []int{1, 5672}}), "not 5672"},
		"with TLS alone": {[]fakekong.StreamListener{{Port: 5672, TLS: true}}, pipe("queue", v1.TCP, v1.Route{Listen: []int{5672}}), "reports none, not 5672"},
		"no TLS":         {[]fakekong.StreamListener{{Port: 5672}}, pipe("vault", v1.TLSPassthrough, v1.Route{SNIs: []string{"vault.test"}}), "with the word ssl, and reports none"},
		"a plugin":       {[]fakekong.StreamListener{{Port: 5672}}, protected, "these are connections"},
		"another match":  {[]fakekong.StreamListener{{Port: 5672}}, pipe("queue", v1.TCP, v1.Route{Hosts: []string{"a.test"}}), "does not fit the protocol tcp"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k := start(t, fakekong.Options{Stream: test.listens})
			r := open(t, options(k.AdminURL))
			if _, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true}); err != nil {
				t.Fatal(err)
			}
			state, problems := r.Compile(reconcilers.Scope{}, setOf(test.asked), v1.Shared{})
			if len(problems) != 1 || problems[0].Reason != v1.NotExpressible || problems[0].Origin.Label != "lockstep.hosts" || !strings.Contains(problems[0].Message, test.says) {
				t.Errorf("got %v, want %q", problems, test.says)
			}
			if state[v1.Key{Kind: v1.KindRoute, Name: test.asked.Name + ".default"}] != nil {
				t.Error("the route is made all the same")
			}
		})
	}
}
