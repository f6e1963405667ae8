package compose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// project writes files and reads the first.
func project(t *testing.T, files ...string) (Project, error) {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return Read(t.Context(), files[0])
}

// TestWhereLabelsStand: however they are written, and where they come from.
func TestWhereLabelsStand(t *testing.T) {
	t.Setenv("HOST", "of.the.environment")
	p, err := project(t, "compose.yaml", `name: shop
x-common: &common
  lockstep.enable: "true"
x-service: &service
  labels:
    lockstep.hosts: merged.test
services:
  map:
    image: a
    labels:
      <<: *common
      lockstep.hosts: ${HOST}
  list:
    image: a
    labels: [lockstep.enable=true, "lockstep.hosts=list.test"]
  alias:
    image: a
    labels: *common
  merged:
    <<: *service
    image: a
  extended:
    extends: {service: map}
    container_name: own
    ports: ["8080:80", "53:53/udp"]
    expose: [443]
    networks: [back]
networks:
  back: {name: other_back}
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range p.Containers {
		for _, key := range []string{"lockstep.enable", "lockstep.hosts"} {
			if value, has := c.Labels[key]; has {
				got[c.Name+" "+key+"="+value] = c.Place(v1.Origin{Label: key}).String()
			}
		}
	}
	at := func(place, container, key string) string {
		return place + `, container "` + container + `", label "` + key + `"`
	}
	want := map[string]string{
		"shop-map-1 lockstep.enable=true":              at("compose.yaml:3:3", "shop-map-1", "lockstep.enable"),
		"shop-map-1 lockstep.hosts=of.the.environment": at("compose.yaml:12:7", "shop-map-1", "lockstep.hosts"),
		"shop-list-1 lockstep.enable=true":             at("compose.yaml:15:14", "shop-list-1", "lockstep.enable"),
		"shop-list-1 lockstep.hosts=list.test":         at("compose.yaml:15:36", "shop-list-1", "lockstep.hosts"),
		"shop-alias-1 lockstep.enable=true":            at("compose.yaml:3:3", "shop-alias-1", "lockstep.enable"),
		"shop-merged-1 lockstep.hosts=merged.test":     at("compose.yaml:6:5", "shop-merged-1", "lockstep.hosts"),
		"own lockstep.enable=true":                     at("compose.yaml:22:3", "own", "lockstep.enable"), // its service's
		"own lockstep.hosts=of.the.environment":        at("compose.yaml:22:3", "own", "lockstep.hosts"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	own := p.Containers[len(p.Containers)-1]
	if diff := cmp.Diff([]uint16{80, 443}, own.Ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"other_back"}, own.Networks); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	if own.Service != "extended" || own.Labels[LabelProject] != "shop" || own.Labels[labelService] != "extended" ||
		own.Labels[labelNumber] != "1" || own.Labels[labelOneOff] != "False" {
		t.Errorf("as Compose marks it: %+v", own)
	}
}

// TestWhatComesFromElsewhere: what another file says is placed in the file that was named.
func TestWhatComesFromElsewhere(t *testing.T) {
	p, err := project(t, "compose.yaml", "name: shop\ninclude: [more.yaml]\nservices:\n  web: {image: a}\n",
		"more.yaml", "services:\n  db:\n    image: a\n    labels: {lockstep.enable: 'true'}\n")
	if err != nil || len(p.Containers) != 2 {
		t.Fatalf("%d containers, %v", len(p.Containers), err)
	}
	for _, c := range p.Containers {
		if at := c.Place(v1.Origin{Label: "lockstep.enable"}); c.Service == "db" && (at.File != "compose.yaml" || at.Line != 0) {
			t.Errorf("db stands at %s", at)
		}
	}
}

func TestWhatIsNone(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"another shape": {"services: {web: {image: a, labels: 5}}\n", "services.web.labels"},
		"no YAML":       {"services: {web\n", "compose.yaml"},
		"unknown field": {"services: {web: {image: a, lables: {}}}\n", "lables"},
		"no variable":   {"services: {web: {image: \"${IMAGE:?say which}\"}}\n", "say which"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := project(t, "compose.yaml", c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want a line with %q", err, c.want)
			}
		})
	}
	if _, err := Read(t.Context(), "/nowhere/compose.yaml"); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"services: {a: {image: b}}\n":              true,
		"name: x\nservices:\n":                     true,
		"apiVersion: lockstep.dev/v1\nservices: 5": false,
		"_format_version: '3.0'\nservices: []\n":   false,
		"- a\n":                                    false, "": false, "a: [": false,
	} {
		if got := Is([]byte(text)); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
