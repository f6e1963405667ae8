package kong

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"

	v1 "github.com/lockstep/lockstep/api/v1"
)

const theirs = `
_format_version: "3.0"
_comment: theirs
services:
- name: legacy
  host: legacy.internal
  routes:
  - name: legacy
    hosts: [legacy.test]
    plugins: [{name: cors}]
consumers:
- username: eve
  keyauth_credentials: [{key: theirs}]
upstreams:
- {name: pool, targets: [{target: "10.9.9.9:80"}]}
`

// baseOf writes a file with a text.
func baseOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "base.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBase: what a declarative file holds goes along with every push, unchanged.
func TestBase(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	put := func(text string) {
		must(t, http.MethodPost, k.AdminURL+"/config", string(mustJSON(t, map[string]string{"config": text})))
	}
	put(theirs)
	o := options(k.AdminURL)
	set := setOf(service("a", 1))
	if _, outcomes, _ := round(t.Context(), open(t, o), set); first(outcomes) == nil || first(outcomes).Reason != v1.Conflict || !strings.Contains(first(outcomes).Fix, "--kong-base") {
		t.Errorf("without the file: %v", first(outcomes))
	}
	o.Base = baseOf(t, theirs)
	settled(t, open(t, o), set)
	world, nameless := k.World(), k.World("id") // Kong makes ids anew where the file gives none
	for _, word := range []string{"service legacy", "route legacy", "cors, route legacy", "consumer eve", "keyauth_credential theirs", "10.9.9.9:80", "service a.lockstep"} {
		if !strings.Contains(world, word) {
			t.Errorf("%s is not there:\n%s", word, world)
		}
	}
	if strings.Contains(world[strings.Index(world, "service legacy"):][:120], "lockstep-owner") {
		t.Errorf("what is theirs bears our mark:\n%s", world)
	}
	writes := k.Writes()
	r := open(t, o)
	if p := settled(t, r, set); !p.Empty() || k.Writes() != writes {
		t.Errorf("again: %s", sentences(p))
	}
	if err := k.Restart(); err != nil {
		t.Fatal(err)
	}
	settled(t, r, set)
	if diff := cmp.Diff(nameless, k.World("id")); diff != "" {
		t.Errorf("after the node came back empty (-before +after):\n%s", diff)
	}
	o.Base = baseOf(t, strings.ReplaceAll(theirs, "legacy.test", "new.test"))
	settled(t, open(t, o), set)
	if !strings.Contains(k.World(), "new.test") || strings.Contains(k.World(), "legacy.test") {
		t.Errorf("another file:\n%s", k.World())
	}
	k.Hook(func(req *http.Request) fakekong.Fault { // Kong repeats what is theirs
		if req.URL.Path == "/config" {
			return fakekong.Fault{Status: 400, Body: `{"code":14,"message":"bad planted","fields":{},"flattened_errors":[]}`}
		}
		return fakekong.Fault{}
	})
	o.Base = baseOf(t, strings.ReplaceAll(theirs, "key: theirs", "key: planted"))
	if _, outcomes, _ := round(t.Context(), open(t, o), set); first(outcomes) == nil || strings.Contains(first(outcomes).Error(), "planted") {
		t.Errorf("a secret of theirs is shown: %v", first(outcomes))
	}
	k.Hook(nil)
	put(strings.ReplaceAll(theirs, "eve", "mallory"))
	if _, outcomes, _ := round(t.Context(), open(t, o), set); first(outcomes) == nil || !strings.Contains(first(outcomes).Message, "consumer mallory") {
		t.Errorf("what no file holds: %v", first(outcomes))
	}
}

// TestBaseMistakes: a file that can't go along is refused before anything is asked.
func TestBaseMistakes(t *testing.T) {
	for text, says := range map[string]string{
		"":                       "is empty",
		"planted":                "no map of lists",
		"services: []":           `_format_version is "<nil>"`,
		"_format_version: '1.1'": "convert it to 3.0",
		"_format_version: '3.0'\n_transform: false":   "hashed already",
		"_format_version: '3.0'\nservices: {a: b}":    `"services" is no list`,
		"_format_version: '3.0'\nservices: [\n- a: b": "no YAML",
	} {
		o := options("http://127.0.0.1:1")
		o.Base = baseOf(t, text)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	k := start(t, fakekong.Options{})
	o := options(k.AdminURL)
	o.Base = baseOf(t, theirs)
	if _, err := open(t, o).Observe(t.Context(), reconcilers.Scope{Fresh: true}); reasonOf(err) != v1.Conflict || !strings.Contains(err.Error(), "--kong-base") {
		t.Errorf("a Kong with a database: %v", err)
	}
}

// TestPushesKeepTheirDistance: what changes often is pushed at most so often.
func TestPushesKeepTheirDistance(t *testing.T) {
	k := start(t, fakekong.Options{Mode: fakekong.DBLess})
	o := options(k.AdminURL)
	o.PushInterval = 60 * time.Millisecond
	r := open(t, o)
	began := time.Now()
	for n := range 3 {
		settled(t, r, setOf(service("a", byte(n+1))))
	}
	if took := time.Since(began); took < 2*o.PushInterval || k.Writes() != 3 {
		t.Errorf("%d pushes in %s", k.Writes(), took)
	}
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
