package desired

import (
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// on has both gateways on the Docker host.
var on = snapshot.Attachments{v1.Kong: {OnHost: true}, v1.HAProxy: {OnHost: true}}

// secured declares a service with a plugin that has a secret; "" leaves the plugin out.
func secured(host, secret string) map[string]*v1.Declared {
	s := v1.NewService("web")
	s.Origin = v1.Origin{File: "m.yaml", Line: 1, Column: 1}
	s.Routes = []v1.Route{{Name: "web.default", Hosts: []string{host}, PreserveHost: true, Origin: s.Origin}}
	if secret != "" {
		s.Plugins = []v1.Plugin{{Name: "pre-function", Enabled: true, Origin: s.Origin, Settings: []v1.Setting{{Path: "access", Value: secret, Secret: true}}}}
	}
	return map[string]*v1.Declared{"web": {Service: s}}
}

// TestPinsHaveTheSecretsOfToday: what a service goes back to is never served without
// its secrets, nor with those of then; and they are not kept.
func TestPinsHaveTheSecretsOfToday(t *testing.T) {
	w := newWorld()
	kept := w.update(epoch, snapshot.Delta{Full: true, Attachments: on, Declared: secured("a.test", "of then")}).Settled["web"].Settings.WithoutSecrets()
	w.update(epoch, snapshot.Delta{Declared: secured("b.test", "of today")})
	w.builder.Pin("web", &ledger.Pin{Generation: 1, By: "alice", Since: epoch, Settings: kept}, "alice")
	settled := w.update(epoch, snapshot.Delta{}).Settled["web"]
	web := w.sets[v1.Kong]["web"]
	if web.Routes[0].Hosts[0] != "a.test" || web.Plugins[0].Settings[0].Value != "of today" || settled.Pin != 1 || settled.By != "alice" {
		t.Errorf("kong holds %+v, settled %+v", web, settled)
	}
	if got := w.memory.Pins.Get("web").Settings.Plugins[0].Settings[0].Value; got != "" {
		t.Errorf("the ledger keeps the secret %q", got)
	}
	w.update(epoch, snapshot.Delta{Declared: secured("b.test", "of tomorrow")})
	if got := w.sets[v1.Kong]["web"].Plugins[0].Settings[0].Value; got != "of tomorrow" {
		t.Errorf("a new secret is not taken: %q", got)
	}
	w.update(epoch, snapshot.Delta{Declared: secured("b.test", "")})
	web, standing := w.sets[v1.Kong]["web"], w.standings["web"]
	if web.Routes[0].Hosts[0] != "b.test" || len(web.Plugins) > 0 || standing.Pinned != nil ||
		!strings.Contains(standing.Problems[0].Error(), "plugins.pre-function.config.access") {
		t.Errorf("without the secret kong holds %+v, and %v is said", web, standing.Problems)
	}
	if why := w.builder.Holdable("web", kept); why == nil || why.Fix == "" {
		t.Errorf("it is still holdable: %v", why)
	}
}

// TestPinsAskFlagsAgain: a plugin that labels may not ask for any more does not come
// back by way of the ledger.
func TestPinsAskFlagsAgain(t *testing.T) {
	w := newWorld()
	w.builder.options.Grammar.AllowPlugins = []string{"pre-function"}
	container := box{Name: "web-1", Created: 1, Labels: map[string]string{"service": "web", "hosts": "a.test", "port": "80", "plugins.pre-function.access": "return"}, Networks: map[string]string{"net": "10.0.0.1"}}
	kept := w.update(epoch, snapshot.Delta{Full: true, Attachments: on, Changed: []snapshot.Instance{container.instance()}}).Settled["web"].Settings
	delete(container.Labels, "plugins.pre-function.access")
	w.builder.Pin("web", &ledger.Pin{Generation: 1, By: "alice", Since: epoch, Settings: kept}, "alice")
	w.update(epoch, snapshot.Delta{Changed: []snapshot.Instance{container.instance()}})
	if got := w.sets[v1.Kong]["web"].Plugins; len(got) != 1 {
		t.Fatalf("kong holds %+v, want the plugin", got)
	}
	again := newWorldWith(w.memory.Clone(), w.builder.options.PublishAddress)
	again.update(epoch, snapshot.Delta{Full: true, Attachments: on, Changed: []snapshot.Instance{container.instance()}})
	if got := again.sets[v1.Kong]["web"].Plugins; len(got) > 0 || again.standings["web"].Problems[0].Reason != v1.PolicyDenied {
		t.Errorf("without the flag kong holds %+v, and %v is said", got, again.standings["web"].Problems)
	}
}
