package manifests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestObjectsAreCountedAsWritten: by their own kind, whatever they are made of, and also when
// some of them changed.
func TestObjectsAreCountedAsWritten(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, filepath.Join(dir, "a.yaml"), service("a", "/1")+`---
apiVersion: lockstep.dev/v1
kind: Route
metadata: {name: more}
spec: {service: a, paths: [/more]}
`)
	plugin := filepath.Join(dir, "plugin.yaml")
	write(t, plugin, `apiVersion: lockstep.dev/v1
kind: Plugin
metadata: {name: auth}
spec: {name: key-auth, service: elsewhere}
---
apiVersion: lockstep.dev/v1
kind: Consumer
metadata: {name: alice}
spec: {credentials: {key-auth: [{key: one}, {key: two}]}}
`)
	write(t, filepath.Join(dir, "deck.yaml"), "_format_version: '3.0'\nconsumers: [{username: bob}, {username: carol}]\n")
	w := watch(t, nil, dir)
	counted := func(counts map[string]string) {
		t.Helper()
		want := "# HELP lockstep_manifest_objects Objects of manifests that count, by kind; each decK file is one, of the kind decK.\n# TYPE lockstep_manifest_objects gauge\n"
		for _, kind := range append(kindNames(), kindDeck) {
			if kind == kindConfig {
				continue
			}
			n, has := counts[kind]
			if !has {
				n = "0"
			}
			want += "lockstep_manifest_objects{kind=\"" + kind + "\"} " + n + "\n"
		}
		if err := testutil.GatherAndCompare(w.registry, strings.NewReader(want), "lockstep_manifest_objects"); err != nil {
			t.Error(err)
		}
	}
	w.has("a: /1 /more", "elsewhere: ")
	counted(map[string]string{"Service": "1", "Route": "1", "Plugin": "1", "Consumer": "1", kindDeck: "1"})
	must(t, os.Remove(plugin))
	write(t, filepath.Join(dir, "a.yaml"), service("a", "/2"))
	w.has("a: /2")
	counted(map[string]string{"Service": "1", kindDeck: "1"})
}
