package desired

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/manifests"
)

var update = flag.Bool("update", false, "write what the stories really end in")

// epoch is when every story begins.
var epoch = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// step is one step of a story: what changed, and when.
type step struct {
	At       string            // since the story began: "90s"
	Full     bool              // the delta lists the whole world
	Start    []box             // new or changed containers
	Gone     []string          // names of containers that are gone
	Drain    map[string]string // names of containers to take out of service, and for how long: "0s" as their labels say
	Undo     []string          // names of containers to put back into service
	Keep     []string          // services whose settings, as they are after the step, can be gone back to
	Pin      []string          // services to hold to what was kept
	Release  []string          // services to let go of
	Gateways map[v1.Gateway]attachment
	Publish  string
	// Manifests, when said, is the text of all manifests from now on.
	Manifests *string
	// Given is what the operator gives from now on, with a Full step.
	Given *Given
	// Kong is the mode that Kong is found to have.
	Kong ledger.KongMode
	// Took are gateways that hold by then what they were to hold before the step.
	Took []v1.Gateway
	// Again has a new builder go on with the ledger, as after a restart; with a Full step.
	Again bool
	// Wrong says that there is a policy besides, which is wrong. It goes with Manifests.
	Wrong bool
}

// box is a container in a story's short hand.
type box struct {
	Name     string
	Created  int               // seconds
	Labels   map[string]string // but for those that begin with com., without "lockstep."
	Bare     bool              // the labels are whole, and enable is not added
	Health   snapshot.Health
	Paused   bool
	Stopping string
	Host     bool
	Ports    []string          // "80", "80>8080" for published on every address
	Networks map[string]string // name or name/driver to address
}

type attachment struct {
	Networks []string
	Host     bool
}

// TestStories plays each story of testdata: its steps and, after each, all
// that is desired.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, path string) {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	for i := range archive.Files {
		file := &archive.Files[i]
		var got string
		switch name, trail := strings.CutPrefix(file.Name, "trail "); {
		case trail:
			got = w.trails(name)
		case file.Name == "want":
			got = w.String()
		default:
			var s step
			if err := yaml.UnmarshalStrict(file.Data, &s); err != nil {
				t.Fatalf("%s: %v", file.Name, err)
			}
			w.do(t, s)
			w.checkTrails(t)
			continue
		}
		if *update {
			file.Data = []byte(got)
			continue
		}
		if diff := gocmp.Diff(string(file.Data), got); diff != "" {
			t.Errorf("%s after %q (-want +got):\n%s", file.Name, archive.Files[i-1].Name, diff)
		}
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// parse reads manifests.
func parse(t *testing.T, text string) manifests.World {
	t.Helper()
	file, problems := manifests.Parse("m.yaml", []byte(text))
	for _, problem := range problems {
		t.Error(problem)
	}
	return manifests.Link([]manifests.Candidate{{Path: "m.yaml", Versions: []manifests.File{file}, Current: true}}).World
}

func idOf(name string) string { return fmt.Sprintf("%-12s", name) }

func (b box) instance() snapshot.Instance {
	i := snapshot.Instance{
		ID: idOf(b.Name), Name: b.Name, Created: epoch.Add(time.Duration(b.Created) * time.Second),
		Project: b.Labels["com.docker.compose.project"], Service: b.Labels["com.docker.compose.service"],
		Labels: map[string]string{}, Health: b.Health, Paused: b.Paused, Stopping: b.Stopping, HostNetwork: b.Host,
	}
	for key, value := range b.Labels {
		if !b.Bare && !strings.HasPrefix(key, "com.") {
			key = "lockstep." + key
		}
		i.Labels[key] = value
	}
	if _, said := b.Labels["enable"]; !said && !b.Bare {
		i.Labels["lockstep.enable"] = "true"
	}
	if b.Stopping != "" {
		i.StoppingSince = epoch
	}
	for _, name := range slices.Sorted(maps.Keys(b.Networks)) {
		short, driver, _ := strings.Cut(name, "/")
		i.Networks = append(i.Networks, snapshot.Network{Name: short, Driver: cmp.Or(driver, "bridge"), Address: netip.MustParseAddr(b.Networks[name])})
	}
	for _, text := range b.Ports {
		inside, outside, published := strings.Cut(text, ">")
		port := snapshot.Port{}
		port.Number = netip.MustParseAddrPort("0.0.0.0:" + inside).Port()
		if published {
			if !strings.Contains(outside, ":") {
				outside = "0.0.0.0:" + outside
			}
			port.Published = []netip.AddrPort{netip.MustParseAddrPort(outside)}
		}
		i.Ports = append(i.Ports, port)
	}
	return i
}
