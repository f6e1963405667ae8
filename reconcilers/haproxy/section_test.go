package haproxy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/manifests"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/userfile"
)

// declared returns a section as a manifest says it.
func declared(tb testing.TB, name string, line int, body map[string]any) v1.Section {
	tb.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	return v1.Section{Name: name, Body: text, Origin: v1.Origin{File: "native.yaml", Line: line, Column: 1}}
}

type fields = map[string]any

// answering is a backend that answers by itself.
func answering(tb testing.TB, name, words string, more fields) v1.Section {
	tb.Helper()
	body := fields{"section": "backend", "http_request_rule_list": []any{fields{
		"type": "return", "return_status_code": 200, "return_content_type": "text/plain", "return_content_format": "string", "return_content": `"` + words + `"`,
	}}}
	maps.Copy(body, more)
	return declared(tb, name, 10, body)
}

// frontendOf is a frontend that sends everything to one backend.
func frontendOf(tb testing.TB, name, address, backend string) v1.Section {
	tb.Helper()
	host, port, _ := strings.Cut(address, ":")
	var number int
	if _, err := fmt.Sscan(port, &number); err != nil {
		tb.Fatal(err)
	}
	return declared(tb, name, 20, fields{
		"section": "frontend", "binds": []any{fields{"address": host, "port": number}}, "default_backend": backend,
	})
}

// sectioned returns a bench that may reload at any time.
func sectioned(tb testing.TB) *bench {
	tb.Helper()
	b := managed(tb)
	b.options.ReloadEvery = time.Millisecond
	b.open()
	return b
}

// TestNativeLife takes native sections through everything that can become of them.
func TestNativeLife(t *testing.T) {
	b := sectioned(t)
	b.serve("shop", origin(t, "one"))
	address := freeAddress(t)
	b.shared.Sections = []v1.Section{answering(t, "hello", "hello", nil), frontendOf(t, "door", address, "hello")}
	b.sync()
	b.url = "http://" + address
	b.want("any.test", "/", 200, "hello")

	// It changes, and a restart is quiet.
	b.shared.Sections[0] = answering(t, "hello", "hello again", fields{"server_timeout": 5000})
	b.sync()
	b.want("any.test", "/", 200, "hello again")
	b.restart()
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("after a restart of the daemon: %s", sentences(p))
	}

	// HAProxy refuses the next version; another section and a service go on.
	b.shared.Sections[0] = answering(t, "hello", "%[nonsense]", fields{"balance": fields{"algorithm": "hash", "hash_expression": "nonsense"}})
	b.shared.Sections = append(b.shared.Sections, answering(t, "other", "other", nil))
	b.serve("slow", origin(t, "two")).ReadTimeout *= 2
	failed, err := b.try(reconcilers.Scope{})
	if err != nil || len(failed) != 1 {
		t.Fatalf("%v, failed: %v", err, failed)
	}
	if f := failed[0]; f.Reason != v1.GatewayRejected || f.Origin.String() != "native.yaml:10:1" || f.Object.String() != "section/hello" ||
		!strings.Contains(f.Message, "nonsense") || !strings.Contains(f.Message, "/"+disk.Native+":") {
		t.Fatalf("refused with %+v", f)
	}
	b.want("any.test", "/", 200, "hello again")
	if have := b.r.model.Natives()["backend other"]; have == nil || b.r.model.Section("slow") == nil {
		t.Fatal("the others do not go on")
	}
	b.shared.Sections[1] = frontendOf(t, "door", address, "other")
	if _, err := b.try(reconcilers.Scope{}); err != nil {
		t.Fatal(err)
	}
	b.want("any.test", "/", 200, "other")

	// A frontend may send to the services, by their hosts.
	b.shared.Sections[1] = frontendOf(t, "door", address, routemap.Gate("lockstep"))
	b.shared.Sections[0] = answering(t, "hello", "well", nil)
	b.sync()
	b.want("shop.test", "/x", 200, "one path=/x host=shop.test")

	// One that another still needs stays, and with it it goes.
	b.shared.Sections[1] = frontendOf(t, "door", address, "hello")
	b.sync()
	all := b.shared.Sections
	b.shared.Sections = all[1:]
	if failed, err = b.try(reconcilers.Scope{}); err != nil || len(failed) != 1 || failed[0].Reason != v1.GatewayRejected {
		t.Fatalf("%v, failed: %v", err, failed)
	}
	b.want("any.test", "/", 200, "well")
	b.shared.Sections = nil
	b.sync()
	if _, _, err := b.fetch("any.test", "/"); err == nil {
		t.Fatal("the frontend still listens")
	}
	if _, err := os.Stat(b.r.dir.File(disk.Native)); !os.IsNotExist(err) {
		t.Fatalf("the file is left: %v", err)
	}
}

// TestNativeEdited shows that the file is brought back to what was asked.
func TestNativeEdited(t *testing.T) {
	b := sectioned(t)
	b.shared.Sections = []v1.Section{answering(t, "hello", "hello", nil)}
	b.sync()
	file := b.r.dir.File(disk.Native)
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		edited    string
		restarted bool
	}{{"", false}, {"rubbish\n", true}, {string(want) + "global\n", true}, {strings.Replace(string(want), "hello\"", "bye\"", 1), true}} {
		if err := os.WriteFile(file, []byte(test.edited), 0o600); err != nil {
			t.Fatal(err)
		}
		if test.restarted {
			b.restart()
		}
		b.eventually("the file to be repaired", func() error {
			if _, err := b.try(reconcilers.Scope{Fresh: true}); err != nil {
				return err
			}
			have, err := os.ReadFile(file)
			if err == nil && string(have) != string(want) {
				err = fmt.Errorf("it says %q", have)
			}
			return err
		})
	}
}

// TestNativePort keeps sections off ports that others have: HAProxy would find
// out only when it loads the files.
func TestNativePort(t *testing.T) {
	b := sectioned(t)
	taken, free := origin(t, "other").Address.String(), freeAddress(t)
	b.shared.Sections = []v1.Section{
		answering(t, "hello", "hello", nil), frontendOf(t, "a-ours", b.options.Binds[0], "hello"), frontendOf(t, "b-others", taken, "hello"),
		frontendOf(t, "c-good", free, "hello"), frontendOf(t, "d-second", free, "hello"),
	}
	failed, err := b.try(reconcilers.Scope{})
	if err != nil || len(failed) != 3 {
		t.Fatalf("%v, failed: %v", err, failed)
	}
	for _, f := range failed {
		if f.Reason != v1.Conflict || !strings.Contains(f.Message, "port ") {
			t.Errorf("refused with %+v", f)
		}
	}
	b.url = "http://" + free
	b.want("any.test", "/", 200, "hello")
}

// TestNativeProblems lists what is refused before HAProxy sees it.
func TestNativeProblems(t *testing.T) {
	r := &Reconciler{o: Options{Owner: "lockstep"}, user: userfile.Facts{Sections: map[string]string{"listen stats": "/etc/haproxy/haproxy.cfg", "frontend www": "/etc/haproxy/haproxy.cfg"}}}
	server := func(more fields) fields {
		s := fields{"name": "one", "address": "127.0.0.1", "port": 80}
		maps.Copy(s, more)
		return fields{"section": "backend", "servers": []any{s}}
	}
	for _, test := range []struct {
		name   string
		body   fields
		reason v1.Reason
		words  string
	}{
		{"kind", fields{"section": "resolvers"}, v1.NotExpressible, `"resolvers"`},
		{"field", fields{"section": "backend", "blance": 1, "balance": fields{"algo": "x"}}, v1.InvalidManifest, `unknown field "algo"|unknown field "blance"`},
		{"field of a server", server(fields{"wieght": 1}), v1.InvalidManifest, `unknown field "wieght"`},
		{"list of another kind", fields{"section": "frontend", "servers": []any{}}, v1.InvalidManifest, "servers"},
		{"value", fields{"section": "backend", "mode": "udp"}, v1.InvalidManifest, "mode"},
		{"type", fields{"section": "backend", "server_timeout": "soon"}, v1.InvalidManifest, "server_timeout"},
		{"id", fields{"section": "backend", "id": 7}, v1.InvalidManifest, "id"},
		{"our name", fields{"section": "backend", "name": "lockstep:shop"}, v1.Conflict, "lockstep:"},
		{"the user's listener", fields{"section": "backend", "name": "stats"}, v1.Conflict, "/etc/haproxy/haproxy.cfg"},
		{"the user's frontend", fields{"section": "frontend", "name": "www"}, v1.Conflict, "/etc/haproxy/haproxy.cfg"},
		{"a service by name", fields{"section": "frontend", "default_backend": "lockstep:shop"}, v1.InvalidManifest, "lockstep::gate"},
		{"name with a space", fields{"section": "backend", "name": "a b"}, v1.InvalidManifest, "holds"},
		{"line in a name", fields{"section": "backend", "name": "a\nglobal"}, v1.InvalidManifest, "holds"},
		{"line in a description", fields{"section": "backend", "description": "x\n  server evil 127.0.0.1:1"}, v1.InvalidManifest, "control character"},
		{"line in a rule", fields{"section": "backend", "http_request_rule_list": []any{fields{"type": "deny", "cond": "if", "cond_test": "TRUE\r\nbackend evil"}}}, v1.InvalidManifest, "control character"},
		{"line in a server", server(fields{"sni": "str(x)\u2028global"}), v1.InvalidManifest, "control character"},
		{"line in defaults", fields{"section": "backend", "from": "x\nglobal"}, v1.InvalidManifest, "from"},
		{"line that goes on", fields{"section": "backend", "description": `x\`}, v1.InvalidManifest, "backslash"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n, problems := r.translate(declared(t, "redis", 3, test.body))
			words := strings.Split(test.words, "|")
			if len(problems) != len(words) {
				t.Fatalf("made %+v, said %v", n, problems)
			}
			for i, problem := range problems {
				if problem.Reason != test.reason || !strings.Contains(problem.Message+problem.Fix, words[i]) || problem.Origin.Line != 3 || problem.Fix == "" {
					t.Errorf("got %+v", problem)
				}
			}
		})
	}
}

// TestNativeDocs serves the examples of the documentation.
func TestNativeDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "haproxy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Native words\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, text, found := strings.Cut(section, "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	if !found {
		t.Fatal("there is no example")
	}
	file, problems := manifests.Parse("native.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	b := sectioned(t)
	for i := range file.Objects {
		b.shared.Sections = append(b.shared.Sections, *file.Objects[i].Section)
	}
	b.sync()
	if len(b.r.model.Natives()) != 2 {
		t.Fatalf("%d sections are served", len(b.r.model.Natives()))
	}
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Fatalf("second look: %s", sentences(p))
	}
}
