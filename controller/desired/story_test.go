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

	"github.com/lockstep/lockstep/api/policy"
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

// world is everything that the results of a builder add up to.
type world struct {
	builder   *Builder
	memory    *ledger.Ledger
	sets      map[v1.Gateway]v1.Set
	standings map[string]*Standing
	refused   map[string][]v1.Problem
	waiting   map[string][]v1.Problem
	wake      time.Time
	kept      map[string]v1.Service
}

func newWorld() *world {
	return newWorldWith(ledger.New(), netip.Addr{})
}

func newWorldWith(memory *ledger.Ledger, publish netip.Addr) *world {
	return &world{
		memory: memory,
		builder: New(Options{
			Grammar:        v1.Grammar{Prefix: "lockstep."},
			Gateways:       []v1.Gateway{v1.Kong, v1.HAProxy},
			PublishAddress: publish,
			Chain:          Chain{Host: "edge", First: 29000, Last: 29001, KongService: "kong-nodes"},
			TLSPassthrough: true,
		}, memory),
		sets:      map[v1.Gateway]v1.Set{v1.Kong: {}, v1.HAProxy: {}},
		standings: map[string]*Standing{},
		refused:   map[string][]v1.Problem{},
		waiting:   map[string][]v1.Problem{},
		kept:      map[string]v1.Service{},
	}
}

func (w *world) do(t *testing.T, s step) {
	t.Helper()
	if s.Publish != "" {
		kept := w.kept
		*w = *newWorldWith(w.memory, netip.MustParseAddr(s.Publish))
		w.kept = kept
	}
	if s.Again {
		w.again()
	}
	w.builder.Hear(w.hears(s.Kong, s.Took))
	at, err := time.ParseDuration(cmp.Or(s.At, "0s"))
	if err != nil {
		t.Fatal(err)
	}
	delta := snapshot.Delta{Full: s.Full}
	if s.Given != nil {
		w.builder.options.Given = s.Given
	}
	if s.Full {
		delta.Attachments = snapshot.Attachments{v1.Kong: {OnHost: true, Why: "runs on the host"}, v1.HAProxy: {OnHost: true, Why: "runs on the host"}}
	}
	for name, a := range s.Gateways {
		if delta.Attachments == nil {
			delta.Attachments = maps.Clone(w.builder.attachments)
		}
		delta.Attachments[name] = snapshot.Attachment{Networks: a.Networks, OnHost: a.Host, Why: "said so"}
	}
	for _, b := range s.Start {
		delta.Changed = append(delta.Changed, b.instance())
	}
	for _, name := range s.Gone {
		delta.Removed = append(delta.Removed, idOf(name))
	}
	for name, text := range s.Drain {
		lasts, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		w.builder.Drain(idOf(name), &ledger.Drain{By: "alice", Since: epoch.Add(at), For: lasts})
	}
	for _, name := range s.Undo {
		w.builder.Drain(idOf(name), nil)
	}
	for _, name := range s.Pin {
		w.builder.Pin(name, &ledger.Pin{Generation: 7, By: "alice", Since: epoch.Add(at), Settings: w.kept[name]}, "alice")
	}
	for _, name := range s.Release {
		w.builder.Pin(name, nil, "alice")
	}
	if s.Manifests != nil {
		linked := parse(t, *s.Manifests)
		delta.Declared, delta.Policies = w.declared(linked), &linked.Policies
		delta.Shared = &v1.Shared{Listeners: linked.Listeners}
		if s.Wrong {
			*delta.Policies = append(*delta.Policies, wrongPolicy())
		}
	}
	result := w.update(epoch.Add(at), delta)
	for _, name := range s.Keep {
		w.kept[name] = result.Settled[name].Settings.WithoutSecrets()
	}
}

// again begins anew with the ledger alone, and what was kept of earlier settings.
func (w *world) again() {
	kept := w.kept
	*w = *newWorldWith(w.memory.Clone(), w.builder.options.PublishAddress)
	w.kept = kept
}

// hears returns what workers tell once these gateways hold what they are to hold now.
func (w *world) hears(mode ledger.KongMode, took []v1.Gateway) Heard {
	heard := w.builder.heard
	heard.KongMode = cmp.Or(mode, heard.KongMode)
	for _, gateway := range took {
		ports := map[string]uint16{}
		for name, s := range w.sets[gateway] {
			if s.Via.Port != 0 {
				ports[name] = s.Via.Port
			}
		}
		if gateway == v1.Kong {
			heard.Dials = ports
		} else {
			heard.Listens = ports
		}
	}
	return heard
}

// wrongPolicy is a policy that never was good.
func wrongPolicy() *policy.Policy {
	return &policy.Policy{Name: "new.yaml", Unread: &v1.Problem{
		Reason: v1.InvalidManifest, Origin: v1.Origin{File: "new.yaml", Line: 7, Column: 14}, Message: `unknown word "hots"`, Fix: "did you mean hosts?",
	}}
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

// declared is what manifests say of services, nil of those that they declare no more.
func (w *world) declared(linked manifests.World) map[string]*v1.Declared {
	declared := maps.Clone(linked.Services)
	for name, s := range w.builder.services {
		if s.said != nil && declared[name] == nil {
			declared[name] = nil
		}
	}
	return declared
}

// update adds a result to the world.
func (w *world) update(now time.Time, delta snapshot.Delta) Result {
	result := w.builder.Update(now, delta)
	for gateway, set := range result.Sets {
		merge(w.sets[gateway], set)
	}
	merge(w.standings, result.Standings)
	for id, problems := range result.Refused {
		if len(problems) == 0 {
			delete(w.refused, id)
			continue
		}
		w.refused[id] = problems
	}
	for name, problems := range result.Waiting {
		if len(problems) == 0 {
			delete(w.waiting, name)
			continue
		}
		w.waiting[name] = problems
	}
	w.wake = result.Wake
	return result
}

func merge[V any](into map[string]*V, changed map[string]*V) {
	for name, value := range changed {
		if value == nil {
			delete(into, name)
			continue
		}
		into[name] = value
	}
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

// String renders the world for people; the same world gives the same text.
func (w *world) String() string {
	var b strings.Builder
	for _, gateway := range []v1.Gateway{v1.Kong, v1.HAProxy} {
		for _, name := range slices.Sorted(maps.Keys(w.sets[gateway])) {
			s := w.sets[gateway][name]
			fmt.Fprintf(&b, "%s %s%s", gateway, name, balancing(s))
			if s.Via.Port != 0 {
				fmt.Fprintf(&b, " via %s:%d", s.Via.Host, s.Via.Port)
			}
			if s.Protocol.Secure() || s.Protocol.RPC() {
				fmt.Fprintf(&b, " speaks %s", s.Protocol)
			}
			if s.Securing != (v1.Securing{}) {
				fmt.Fprintf(&b, " secured %+v", s.Securing)
			}
			b.WriteString(plugins(s.Plugins))
			b.WriteString("\n")
			for _, r := range s.Routes {
				fmt.Fprintf(&b, "  route %s hosts=%v paths=%v methods=%v", r.Name, r.Hosts, r.Paths, r.Methods)
				if len(r.Headers) > 0 {
					fmt.Fprintf(&b, " headers=%v", r.Headers)
				}
				if r.ClientCertificate != "" {
					fmt.Fprintf(&b, " client certificate %s", r.ClientCertificate)
				}
				if len(r.Cookies) > 0 {
					fmt.Fprintf(&b, " cookies=%v", r.Cookies)
				}
				b.WriteString(plugins(r.Plugins))
				b.WriteString("\n")
			}
			for _, e := range s.Endpoints {
				state := ""
				if e.Draining {
					state = " draining"
				}
				if !e.DrainUntil.IsZero() {
					state += " until " + e.DrainUntil.Sub(epoch).String()
				}
				if e.MaxConn > 0 {
					state += fmt.Sprintf(" maxconn=%d", e.MaxConn)
				}
				if e.Backup {
					state += " backup"
				}
				fmt.Fprintf(&b, "  %s %s weight=%d%s\n", e.Instance, e.Address, e.Weight, state)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.standings)) {
		w.standings[name].render(&b)
	}
	for _, id := range slices.Sorted(maps.Keys(w.refused)) {
		for _, problem := range w.refused[id] {
			fmt.Fprintf(&b, "refused: %s\n", problem.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.waiting)) {
		for _, problem := range w.waiting[name] {
			fmt.Fprintf(&b, "waiting: %s\n", problem.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.memory.Ports)) {
		switch port := w.memory.Ports[name]; {
		case port.Freed.IsZero() && port.Dialed:
			fmt.Fprintf(&b, "port %d: %s\n", port.Number, name)
		case port.Freed.IsZero():
			fmt.Fprintf(&b, "port %d: %s, of which Kong does not know yet\n", port.Number, name)
		case port.Dialed:
			fmt.Fprintf(&b, "port %d: was of %s until %s, and Kong may send there\n", port.Number, name, port.Freed.Sub(epoch))
		default:
			fmt.Fprintf(&b, "port %d: was of %s until %s\n", port.Number, name, port.Freed.Sub(epoch))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.memory.Services)) {
		if until := w.memory.Services[name].Until; !until.IsZero() {
			fmt.Fprintf(&b, "leaving: %s at %s\n", name, until.Sub(epoch))
		}
	}
	for _, hint := range w.builder.Hints() {
		fmt.Fprintf(&b, "hint: %s\n", hint)
	}
	for _, id := range slices.Sorted(maps.Keys(w.memory.Drains)) {
		fmt.Fprintf(&b, "out of service: %s\n", strings.TrimSpace(id))
	}
	for _, name := range slices.Sorted(maps.Keys(w.memory.Pins)) {
		fmt.Fprintf(&b, "pinned: %s to %d\n", name, w.memory.Pins[name].Generation)
	}
	return b.String()
}

// plugins names plugins, and those that are off or may be left out as such.
func plugins(list []v1.Plugin) string {
	text := ""
	for _, p := range list {
		text += " plugin " + p.Name
		if !p.Enabled {
			text += "=off"
		}
		if p.Optional {
			text += "?"
		}
		for _, s := range p.Settings {
			text += " " + s.Path + "=" + s.Value
		}
	}
	return text
}

// balancing tells what a service asks for of how its requests are shared.
func balancing(s *v1.Service) string {
	text := ""
	if s.Balance != "" {
		text += " balance=" + s.Balance
	}
	if s.SlowStart != 0 {
		text += " slowstart=" + s.SlowStart.String()
	}
	if s.CheckHost != "" {
		text += " check_host=" + s.CheckHost
	}
	return text
}

// render says what is not served, and why.
func (s *Standing) render(b *strings.Builder) {
	say := func(what string, verdicts []Verdict) {
		for _, v := range verdicts {
			switch {
			case v.Reason != v1.Serving:
				fmt.Fprintf(b, "%s on %s: %s: %s; %s\n", what, v.Gateway, v.Reason, v.Message, v.Fix)
			case v.Through != "":
				fmt.Fprintf(b, "%s on %s: through %s %s %s\n", what, v.Gateway, v.Through, v.Address, v.How)
			case v.From != "":
				fmt.Fprintf(b, "%s on %s: from %s\n", what, v.Gateway, v.From)
			case v.Message != "":
				fmt.Fprintf(b, "%s on %s: %s: %s\n", what, v.Gateway, v.Reason, v.Message)
			}
		}
	}
	for _, i := range s.Instances {
		say(s.Service+": "+i.Container, i.Verdicts)
	}
	for _, r := range s.Routes {
		say(r.Name, r.Verdicts)
	}
	if s.Rollout != nil {
		for _, v := range s.Rollout.Versions {
			asked := "the rest"
			if v.Asked != nil {
				asked = fmt.Sprintf("%d%%", *v.Asked)
			}
			fmt.Fprintf(b, "rollout of %s by %s: %s asks for %s:", s.Service, cmp.Or(s.Rollout.DecidedBy.Container, s.Rollout.DecidedBy.String()), SayVersion(v.Version), asked)
			for _, share := range v.Shares {
				fmt.Fprintf(b, " %s %.2f%% on %d", share.Gateway, share.Share, share.Ready)
			}
			b.WriteString("\n")
		}
	}
	for _, p := range s.Problems {
		fmt.Fprintf(b, "note: %s\n", p.Error())
	}
}
