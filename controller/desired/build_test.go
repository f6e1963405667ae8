package desired

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// TestIncrementalEqualsFull walks through random events and compares, again
// and again, what the small updates add up to with one full build from the same
// containers and ledger, and the ledger with what of it is saved.
func TestIncrementalEqualsFull(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 7))
			boxes := map[string]box{}
			onHost := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {Networks: []string{"net0", "net1"}}}
			w, disk := newWorld(), keep(t)
			var given *Given
			if seed%5 == 4 {
				given = &Given{Authorities: []string{"corp"}, TCPPorts: map[int]bool{5672: true}}
			}
			w.builder.options.Given = given
			now := epoch
			var declared map[string]*v1.Declared
			var policies *policy.Set
			var shared *v1.Shared
			w.update(now, snapshot.Delta{Full: true, Attachments: onHost})
			for event := range 400 {
				now = now.Add(time.Duration(random.IntN(40)) * time.Second)
				delta := randomDelta(random, boxes, event)
				if seed > 2 && random.IntN(12) == 0 {
					linked := parse(t, randomManifests(random))
					declared, shared, delta.Policies = w.declared(linked), &v1.Shared{Listeners: linked.Listeners}, &linked.Policies
					delta.Shared = shared
					if seed%4 == 3 && random.IntN(2) == 0 {
						*delta.Policies = append(*delta.Policies, wrongPolicy())
					}
					if delta.Declared = declared; random.IntN(2) == 0 && policies != nil {
						delta.Policies = nil // as before
					} else {
						policies = delta.Policies
					}
				}
				if seed > 5 {
					randomPin(random, w, now)
				}
				if seed%2 == 1 {
					randomHeard(random, w)
				}
				if seed%2 == 1 && random.IntN(50) == 0 { // a restart, after which no gateway has answered yet
					w.again()
					delta = snapshot.Delta{Full: true, Attachments: onHost, Changed: instances(boxes), Declared: declared, Policies: policies, Shared: shared}
					w.builder.options.Given = given
				}
				all := w.update(now, delta).Settled
				for _, name := range slices.Sorted(maps.Keys(all)) {
					if settled := all[name]; settled != nil && random.IntN(4) == 0 {
						w.kept[name] = settled.Settings.WithoutSecrets()
					}
				}
				if event%80 == 0 && seed%4 == 1 {
					disk.save(t, w.memory)
				}
				if event%10 != 0 {
					continue
				}
				if w.builder.patient(time.Time{}).After(now) { // a fresh start would have Kong wait for nothing
					now = now.Add(patience)
					w.update(now, snapshot.Delta{})
				}
				full := newWorldWith(w.memory.Clone(), netip.Addr{})
				full.builder.options.Given = w.builder.options.Given
				full.builder.Hear(w.builder.heard)
				full.update(now, snapshot.Delta{Full: true, Attachments: onHost, Changed: instances(boxes), Declared: declared, Policies: policies, Shared: shared})
				if diff := gocmp.Diff(full.String(), w.String()); diff != "" {
					t.Fatalf("after event %d (-full +incremental):\n%s", event, diff)
				}
				if diff := gocmp.Diff(full.sets, w.sets, gocmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
					t.Fatalf("after event %d (-full +incremental):\n%s", event, diff)
				}
				if diff := gocmp.Diff(said(full.memory), said(w.memory)); diff != "" {
					t.Fatalf("ledger after event %d (-full +incremental):\n%s", event, diff)
				}
				if !full.wake.Equal(w.wake) {
					t.Fatalf("wake after event %d: full %s, incremental %s", event, full.wake, w.wake)
				}
			}
		})
	}
}

// randomHeard has workers tell something of their gateways, now and then.
func randomHeard(random *rand.Rand, w *world) {
	mode, took := ledger.KongMode(""), []v1.Gateway{}
	if random.IntN(20) == 0 {
		mode = []ledger.KongMode{ledger.KongDatabase, ledger.KongDBLess, ledger.KongDBLess}[random.IntN(3)]
	}
	for _, gateway := range []v1.Gateway{v1.Kong, v1.HAProxy} {
		if random.IntN(3) == 0 {
			took = append(took, gateway)
		}
	}
	w.builder.Hear(w.hears(mode, took))
}

// randomPin holds a service to what it was at some time, or lets go of one, now and then.
func randomPin(random *rand.Rand, w *world, now time.Time) {
	for _, name := range slices.Sorted(maps.Keys(w.kept)) {
		switch random.IntN(40) {
		case 0:
			w.builder.Pin(name, &ledger.Pin{Generation: 1 + random.Uint64N(9), By: "alice", Since: now.UTC(), Settings: w.kept[name]}, "alice")
		case 1:
			w.builder.Pin(name, nil, "bob")
		}
	}
}

// randomManifests declares some of the services, lays down some rules, and gives a
// Listener hosts to itself.
func randomManifests(random *rand.Rand) string {
	var texts []string
	for _, rule := range []string{`!hosts.overlap("h1.test") || service == "s1"`, `source != "labels" || protocol == "http"`, `service != "s2"`, `"key-auth" in plugins || service > "s3"`} {
		if random.IntN(2) == 0 {
			texts = append(texts, fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Policy\nmetadata: {name: p%d}\nspec: {rules: [{require: '%s', message: no}]}\n", len(texts), rule))
		}
	}
	for i := range 4 {
		if random.IntN(2) == 0 {
			texts = append(texts, fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: s%d}\nspec: {%s, %sendpoints: [{address: '192.0.2.%d:80'}]}\n",
				i, []string{"hosts: [h1.test]", "hosts: [h2.test]", "plugins: {key-auth: true}", "protocol: https, tls_ca: corp", "override: forbid"}[random.IntN(5)],
				randomSelector(random), 1+i))
		}
	}
	if random.IntN(2) == 0 { // a service that no label names
		texts = append(texts, fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: sel}\nspec: {%shosts: [h%d.test]}\n", randomSelector(random), random.IntN(5)))
	}
	for i, on := range []string{"service: s1", "service: s5", "route: s2.default", "route: s6.default", "route: s3.other"} {
		if random.IntN(3) == 0 {
			texts = append(texts, fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Plugin\nmetadata: {name: x%d}\nspec: {name: key-auth, %s}\n", i, on))
		}
	}
	if random.IntN(2) == 0 {
		texts = append(texts, fmt.Sprintf("apiVersion: lockstep.dev/v1\nkind: Listener\nmetadata: {name: l}\nspec: {bind: [':81'], hosts: ['%s'], exclusive: true}\n",
			[]string{"h1.test", "*.test", "h3.test"}[random.IntN(3)]))
	}
	return strings.Join(texts, "---\n")
}

// randomSelector selects some of what randomBox makes, and says now and then something of it.
func randomSelector(random *rand.Rand) string {
	text := []string{"", "", "selector: {com.app: a0}, ", "selector: {com.app: a1}, ", "selector: {com.tier: t0}, ", "selector: {com.tier: t1, com.app: a0}, ", "selector: {com.app: a0, none: here}, "}[random.IntN(7)]
	if text != "" && random.IntN(2) == 0 {
		text += []string{"port: 81, ", "weight: 3, version: v1, ", "network: net1, ", "maxconn: 5, "}[random.IntN(4)]
	}
	return text
}

// randomDelta lets one to three containers start, change or end.
func randomDelta(random *rand.Rand, boxes map[string]box, event int) snapshot.Delta {
	var delta snapshot.Delta
	touched := map[string]bool{}
	for range 1 + random.IntN(3) {
		name := fmt.Sprintf("c%d", random.IntN(25))
		if touched[name] {
			continue
		}
		touched[name] = true
		b, runs := boxes[name]
		switch {
		case runs && random.IntN(3) == 0:
			delete(boxes, name)
			delta.Removed = append(delta.Removed, idOf(name))
			continue
		case runs:
			b.Health = []snapshot.Health{"", snapshot.HealthStarting, snapshot.Healthy, snapshot.Unhealthy}[random.IntN(4)]
			b.Paused = random.IntN(5) == 0
			b.Stopping = []string{"", "", "SIGTERM"}[random.IntN(3)]
		default:
			b = randomBox(random, name, event)
		}
		boxes[name] = b
		delta.Changed = append(delta.Changed, b.instance())
	}
	slices.Sort(delta.Removed)
	return delta
}

// randomBox makes a container of a few services that contend for a few hosts.
func randomBox(random *rand.Rand, name string, created int) box {
	labels := map[string]string{
		"service": fmt.Sprintf("s%d", random.IntN(8)),
		"hosts":   fmt.Sprintf("h%d.test", random.IntN(5)),
		"port":    "80",
	}
	if random.IntN(3) == 0 {
		labels["hosts"] += fmt.Sprintf(",h%d.test", random.IntN(5))
	}
	if random.IntN(3) == 0 {
		labels["paths"] = fmt.Sprintf("/p%d", random.IntN(2))
	}
	if random.IntN(6) == 0 {
		labels["priority"] = fmt.Sprint(random.IntN(3))
	}
	if random.IntN(8) == 0 {
		labels["methods"] = "GET"
	}
	if random.IntN(3) == 0 {
		labels["gateways"] = []string{"kong", "haproxy", "kong>haproxy", "haproxy>kong", "haproxy,kong>haproxy"}[random.IntN(5)]
	}
	if random.IntN(8) == 0 {
		labels["service"], labels["gateways"] = "kong-nodes", "haproxy"
	}
	if random.IntN(10) == 0 {
		labels["hoosts"] = "wrong"
	}
	if random.IntN(4) == 0 {
		labels["grace"] = "30s"
	}
	if random.IntN(8) == 0 {
		labels["protocol"], labels["tls_ca"] = "https", []string{"corp", "nosuch"}[random.IntN(2)]
	}
	if random.IntN(3) == 0 {
		labels["version"] = fmt.Sprintf("v%d", random.IntN(3))
	}
	if random.IntN(6) == 0 {
		labels[fmt.Sprintf("rollout.v%d", random.IntN(3))] = fmt.Sprintf("%d%%", random.IntN(101))
	}
	if random.IntN(6) == 0 {
		labels["rollout_header"] = "X-Version"
	}
	if random.IntN(10) == 0 {
		labels["rollout_cookie"] = "version"
	}
	if random.IntN(10) == 0 {
		labels["headers.X-Version"] = fmt.Sprintf("v%d", random.IntN(3))
	}
	if random.IntN(12) == 0 {
		labels["paths"] = "~/p[0-9]"
	}
	switch random.IntN(12) {
	case 0, 1, 2:
		stream(labels, "tls_passthrough", "snis", labels["hosts"])
	case 3:
		stream(labels, "tcp", "listen", fmt.Sprint(5000+random.IntN(3)))
	}
	bare := random.IntN(3) == 0
	if bare {
		labels = map[string]string{}
		if random.IntN(8) == 0 {
			labels["lockstep.enable"] = "false"
		}
	}
	if random.IntN(2) == 0 {
		labels["com.app"], labels["com.tier"] = fmt.Sprintf("a%d", random.IntN(3)), fmt.Sprintf("t%d", random.IntN(2))
	}
	return box{
		Name: name, Created: created, Labels: labels, Bare: bare, Ports: []string{"80"},
		Networks: map[string]string{fmt.Sprintf("net%d", random.IntN(3)): fmt.Sprintf("10.0.%d.%d", random.IntN(3), 1+random.IntN(250))},
	}
}

// stream makes labels those of a service that is no HTTP.
func stream(labels map[string]string, protocol, match, value string) {
	for key := range labels {
		switch base, _, _ := strings.Cut(key, "."); base {
		case "hosts", "paths", "methods", "headers", "gateways", "rollout_header", "rollout_cookie":
			delete(labels, key)
		}
	}
	labels["protocol"], labels[match] = protocol, value
}

func instances(boxes map[string]box) []snapshot.Instance {
	var out []snapshot.Instance
	for _, name := range slices.Sorted(maps.Keys(boxes)) {
		out = append(out, boxes[name].instance())
	}
	return out
}

// fleet returns n containers in n/10 services, as a large site has them.
func fleet(n int) []snapshot.Instance {
	out := make([]snapshot.Instance, n)
	for i := range out {
		service := i / 10
		out[i] = box{
			Name: fmt.Sprintf("web-%d", i), Created: i,
			Labels: map[string]string{
				"service": fmt.Sprintf("s%d", service), "hosts": fmt.Sprintf("s%d.test", service), "paths": "/", "port": "8080",
			},
			Networks: map[string]string{"shop": fmt.Sprintf("10.%d.%d.%d", i/65536, i/256%256, i%256)},
		}.instance()
	}
	return out
}

// BenchmarkFull builds everything from 10,000 containers in 1,000 services.
func BenchmarkFull(b *testing.B) {
	containers := fleet(10000)
	attachments := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}
	b.ReportAllocs()
	for b.Loop() {
		w := newWorld()
		w.builder.Update(epoch, snapshot.Delta{Full: true, Changed: containers, Attachments: attachments})
	}
}

// BenchmarkEvent lets one of n containers turn from starting to healthy and
// back: the cost must not grow with n.
func BenchmarkEvent(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			containers := fleet(n)
			w := newWorld()
			attachments := snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}
			w.builder.Update(epoch, snapshot.Delta{Full: true, Changed: containers, Attachments: attachments})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				one := containers[i%n]
				one.Health = []snapshot.Health{snapshot.HealthStarting, snapshot.Healthy}[i/n%2]
				w.builder.Update(epoch, snapshot.Delta{Changed: []snapshot.Instance{one}})
			}
		})
	}
}
