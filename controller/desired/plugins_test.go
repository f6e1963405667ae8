package desired

import (
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
)

// TestPluginsReachKongAlone: with their values, which the account of the service
// does not show: any of them may be a secret.
func TestPluginsReachKongAlone(t *testing.T) {
	w := newWorld()
	web := box{Name: "web-1", Created: 1, Networks: map[string]string{"shop": "10.0.0.2"}, Labels: map[string]string{
		"service": "web", "hosts": "web.test", "port": "80",
		"plugins.session?.secret": "planted", "routes.default.plugins.key-auth?.realm": "planted",
	}}
	result := w.update(epoch, snapshot.Delta{Full: true, Changed: []snapshot.Instance{web.instance()},
		Attachments: snapshot.Attachments{v1.Kong: {Networks: []string{"shop"}}, v1.HAProxy: {Networks: []string{"shop"}}}})
	text, err := json.Marshal(result.Standings)
	if err != nil || strings.Contains(string(text), "planted") || !strings.Contains(string(text), "key-auth") {
		t.Errorf("the account is %s, %v", text, err)
	}
	kong, haproxy := result.Sets[v1.Kong]["web"], result.Sets[v1.HAProxy]["web"]
	if len(kong.Plugins) != 1 || kong.Plugins[0].Settings[0].Value != "planted" || len(kong.Routes) != 1 || len(kong.Routes[0].Plugins) != 1 {
		t.Errorf("kong gets %+v", kong)
	}
	if len(haproxy.Plugins) != 0 || len(haproxy.Routes) != 1 || len(haproxy.Routes[0].Plugins) != 0 {
		t.Errorf("haproxy gets %+v", haproxy)
	}
}

// TestNewValueOfPluginIsAChange: copies that differ in a value alone disagree,
// and a new value reaches Kong.
func TestNewValueOfPluginIsAChange(t *testing.T) {
	settings := func(value string) v1.Service {
		return v1.Service{Name: "web", Plugins: []v1.Plugin{{
			Name: "cors", Origin: v1.Origin{Container: value}, Settings: []v1.Setting{{Path: "max_age", Value: value, Origin: v1.Origin{Label: value}}},
		}}}
	}
	a, b, c := settings("1"), settings("2"), settings("1")
	c.Plugins[0].Origin, c.Plugins[0].Settings[0].Origin = v1.Origin{}, v1.Origin{Label: "elsewhere"}
	if sameSettings(a, b) || !sameSettings(a, c) {
		t.Error("a value counts, and the place where it was asked for does not")
	}
	if a.Plugins[0].Settings[0].Origin.Label != "1" {
		t.Error("comparing changed what it compared")
	}
}
